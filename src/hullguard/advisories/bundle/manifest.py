"""What a bundle says of itself, and the signature that makes it worth believing.

``manifest.json``, ``manifest.sig`` (Ed25519 over a prefix and the manifest's bytes) and the members under
``files/``, in one zip file or in one directory. Nothing is believed before the signature over the manifest
is, and nothing of a member before its size and SHA-256 agree with the manifest.
"""

import hashlib
import lzma
import re
import struct
import zipfile
import zlib
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, BinaryIO, Self, cast

import msgspec
from msgspec import Meta, Struct

from hullguard.advisories.bundle import keys
from hullguard.model.decoding import from_json, wrong
from hullguard.model.errors import HullguardError, Invalid, NotFound

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MEMBERS = "files/"
PREFIX = b"hullguard advisory bundle 1\n"
"""Keeps a signature of this key from being valid for anything else it may ever sign."""

_MANIFEST_BYTES = 1 << 20
_CHUNK = 1 << 20
_MAX_MEMBERS = 1000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,120}\.zst", re.ASCII)
_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, RuntimeError),
)
"""What zipfile and its decoders raise for an archive that is damaged, or made to look so."""


class Member(Struct, frozen=True):
    """One file: the records of an ecosystem, or what is published whole."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=0, le=1 << 32)]
    unpacked: Annotated[int, Meta(ge=0, le=1 << 36)]
    count: Annotated[int, Meta(ge=0)]
    updated: datetime
    """When its source was last up to date."""


class Manifest(Struct, frozen=True, tag_field="schema", tag="hullguard/advisory-bundle/1"):
    """What a bundle holds; ``built`` is the age of the database that it was made of."""

    built: datetime
    files: Annotated[dict[str, Member], Meta(min_length=1, max_length=_MAX_MEMBERS)]


class Bundle:
    """A bundle on disk, either form; its manifest is verified before anyone sees it."""

    def __init__(self, path: Path, trusted: Path) -> None:
        self._path = path
        self._archive = _archive(path)
        try:
            self.manifest = self._verified(keys.public(trusted))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()

    def unpack(self, name: str, target: Path) -> None:
        """Copies a member, still compressed; raises unless it is the one that was signed."""
        member = self.manifest.files[name]
        digest, size = hashlib.sha256(), 0
        try:
            with self._open(MEMBERS + name) as source, target.open("wb") as out:
                while (chunk := source.read(_CHUNK)) and size <= member.size:
                    size += len(chunk)
                    digest.update(chunk)
                    out.write(chunk)
        except (KeyError, *_UNREADABLE) as cause:
            raise self._broken(f"{name} cannot be read: {cause}") from cause
        if size != member.size or digest.hexdigest() != member.sha256:
            raise self._broken(f"{name} is not what was signed")

    def _verified(self, trusted: bytes) -> Manifest:
        signed, signature = self._small(MANIFEST, _MANIFEST_BYTES), self._small(SIGNATURE, 64)
        if not keys.signed(trusted, signature, PREFIX + signed):
            raise Invalid(
                f"{self._path} is not signed with the key that --trust names; nothing of it is used",
                "bundle.signature-wrong",
            )
        try:
            manifest = from_json(signed, Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise self._broken(f"its manifest does not have its form: {wrong(cause)}") from cause
        for name in manifest.files:
            if not _NAME.fullmatch(name):
                raise self._broken(f"it names {name[:200]!r}, which is no plain name")
        return manifest

    def _small(self, name: str, bound: int) -> bytes:
        try:
            with self._open(name) as file:
                content = file.read(bound + 1)
        except (KeyError, FileNotFoundError) as cause:
            if name == SIGNATURE:
                raise Invalid(f"{self._path} is not signed; nothing of it is used", "bundle.unsigned") from cause
            raise self._broken(f"it has no {name}") from cause
        except _UNREADABLE as cause:
            raise self._broken(f"{name} cannot be read: {cause}") from cause
        if len(content) > bound:
            raise self._broken(f"{name} is over {bound} bytes")
        return content

    def _open(self, name: str) -> IO[bytes]:
        if self._archive is not None:
            return self._archive.open(name)
        place = self._path / name
        if place.exists() and not place.is_file():  # a pipe would be waited for
            raise OSError("it is no regular file")
        return place.open("rb")

    def _broken(self, why: str) -> HullguardError:
        return Invalid(f"{self._path} is no bundle that can be used: {why}", "bundle.malformed")


def is_bundle(path: Path) -> bool:
    """Whether it looks like one, whoever signed it; other zip files hold records."""
    if path.is_dir():
        return (path / MANIFEST).is_file()
    with suppress(*_UNREADABLE), path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return False
        # Our own begin with the manifest, so that an archive of 200,000 records need not be listed to tell.
        file.seek(30)
        return file.read(len(MANIFEST)) == MANIFEST.encode()
    return False


def digest_of(file: BinaryIO) -> str:
    return hashlib.file_digest(cast("IO[bytes]", file), "sha256").hexdigest()  # type: ignore[arg-type,unused-ignore]


def _archive(path: Path) -> zipfile.ZipFile | None:
    if path.is_dir():
        return None
    try:
        return zipfile.ZipFile(path)
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file {str(path)!r}", "advisories.no-file") from cause
    except _UNREADABLE as cause:
        raise Invalid(f"{path} is no bundle that can be used: {cause}", "bundle.malformed") from cause
