"""An agent bundle: what ``update_agent`` installs. Signed by the platform's release key, verified on both ends.

One zip file: ``manifest.json``, ``manifest.sig`` (Ed25519 over a prefix and the manifest's bytes) and the payload under
``files/``. Nothing in it is believed before the signature over the manifest is, and nothing of the payload before its
size and SHA-256 agree with the manifest.
"""

import hashlib
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct
from packaging.version import InvalidVersion, Version

from hullguard.model.decoding import wrong
from hullguard.model.errors import Conflict, HullguardError, Invalid, LimitReached
from hullguard.wire import limits

_PREFIX = b"hullguard agent bundle 1\n"
"""Keeps a signature of this key from being valid for anything else it may ever sign."""
_MANIFEST = "manifest.json"
_SIGNATURE = "manifest.sig"
_PAYLOAD = "files/"
_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_+-][A-Za-z0-9._+-]*(/[A-Za-z0-9_+-][A-Za-z0-9._+-]*)*", re.ASCII)


class BundleFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One payload file."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    size: Annotated[int, Meta(ge=0, le=limits.BUNDLE_UNPACKED_BYTES)]
    executable: bool = False


class Manifest(Struct, frozen=True, tag_field="schema", tag="hullguard/agent-bundle/1", forbid_unknown_fields=True):
    """What a bundle holds. Versions only go up; ``min_version`` is the oldest agent that may take the step at once."""

    version: Annotated[str, Meta(max_length=64)]
    min_version: Annotated[str, Meta(max_length=64)]
    created: datetime
    files: Annotated[dict[str, BundleFile], Meta(min_length=1, max_length=limits.BUNDLE_FILES)]


def build(
    path: Path,
    payload: Mapping[str, Path],
    *,
    version: str,
    min_version: str,
    created: datetime,
    key: Ed25519PrivateKey,
) -> Manifest:
    """Writes a signed bundle to ``path`` from named files; for the same input it is the same, byte for byte."""
    _version(version), _version(min_version)
    files = {}
    for name in sorted(payload):
        _require_plain(name)
        executable = bool(payload[name].stat().st_mode & stat.S_IXUSR)
        with payload[name].open("rb") as source:
            digest = hashlib.file_digest(source, "sha256").hexdigest()
        files[name] = BundleFile(digest, payload[name].stat().st_size, executable)
    manifest = Manifest(version, min_version, created, files)
    signed = msgspec.json.encode(manifest)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(zipfile.ZipInfo(_MANIFEST), signed)
        bundle.writestr(zipfile.ZipInfo(_SIGNATURE), key.sign(_PREFIX + signed))
        for name in files:
            entry = zipfile.ZipInfo(_PAYLOAD + name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with payload[name].open("rb") as source, bundle.open(entry, "w") as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
    if path.stat().st_size > limits.BUNDLE_BYTES:
        raise LimitReached(f"{path} would be over the bound of {limits.BUNDLE_BYTES} bytes", "bundle.too-large")
    return manifest


def digest(path: Path) -> str:
    """The SHA-256 of the whole file: what an update command names."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(path: Path, public_key: bytes, current_version: str | None = None) -> Manifest:
    """The manifest of a bundle whose signature and every file are right, or an error that says what is not.

    With ``current_version`` the bundle must also be newer than that, and allow the step from it.
    """
    with _opened(path) as bundle:
        manifest = _manifest(bundle, public_key)
        _require_step(manifest, current_version)
        for name, file in manifest.files.items():
            for _ in _content(bundle, name, file):
                pass
    return manifest


def unpack(path: Path, destination: Path, public_key: bytes, current_version: str | None = None) -> Manifest:
    """Verifies and writes the payload below ``destination``, an empty directory that the caller made.

    After an error the directory holds parts of the payload: the caller removes it.
    """
    with _opened(path) as bundle:
        manifest = _manifest(bundle, public_key)
        _require_step(manifest, current_version)
        for name, file in manifest.files.items():
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            mode = 0o755 if file.executable else 0o644
            with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "wb") as out:  # noqa: PTH123 -- the mode and O_EXCL matter
                out.writelines(_content(bundle, name, file))
    return manifest


def _opened(path: Path) -> zipfile.ZipFile:
    if path.stat().st_size > limits.BUNDLE_BYTES:
        raise LimitReached(f"{path.name} is over the bound of {limits.BUNDLE_BYTES} bytes", "bundle.too-large")
    try:
        bundle = zipfile.ZipFile(path)
    except _UNREADABLE as cause:
        raise _broken(f"{path.name} is not an agent bundle: {cause}") from cause
    names = bundle.namelist()
    if len(names) > limits.BUNDLE_FILES + 2 or len(set(names)) != len(names):
        bundle.close()
        raise _broken(f"{path.name} names a file twice, or more than {limits.BUNDLE_FILES} files")
    return bundle


def _manifest(bundle: zipfile.ZipFile, public_key: bytes) -> Manifest:
    signed = _small(bundle, _MANIFEST, limits.MANIFEST_BYTES)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(_small(bundle, _SIGNATURE, 64), _PREFIX + signed)
    except InvalidSignature as cause:
        raise Invalid(
            "the bundle is not signed by this platform's release key; nothing of it is used", "bundle.signature-wrong"
        ) from cause
    try:
        manifest = msgspec.json.decode(signed, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise _broken(f"the bundle's manifest does not have its form: {wrong(cause)}") from cause
    for name in manifest.files:
        _require_plain(name)
    if set(bundle.namelist()) != {_MANIFEST, _SIGNATURE} | {_PAYLOAD + name for name in manifest.files}:
        raise _broken("the bundle's files are not those of its manifest")
    if sum(file.size for file in manifest.files.values()) > limits.BUNDLE_UNPACKED_BYTES:
        raise LimitReached(f"the bundle unpacks to over {limits.BUNDLE_UNPACKED_BYTES} bytes", "bundle.too-large")
    return manifest


def _small(bundle: zipfile.ZipFile, name: str, bound: int) -> bytes:
    try:
        with bundle.open(name) as source:
            content = source.read(bound + 1)
    except KeyError as cause:
        raise _broken(f"the bundle has no {name}") from cause
    except _UNREADABLE as cause:
        raise _broken(f"the bundle's {name} cannot be read: {cause}") from cause
    if len(content) > bound:
        raise LimitReached(f"the bundle's {name} is over {bound} bytes", "bundle.too-large")
    return content


def _content(bundle: zipfile.ZipFile, name: str, file: BundleFile) -> Iterator[bytes]:
    """The file in chunks; raises at the latest after the last one if size or hash are not the manifest's."""
    digest, size = hashlib.sha256(), 0
    try:
        with bundle.open(_PAYLOAD + name) as source:
            while chunk := source.read(_CHUNK):
                size += len(chunk)
                if size > file.size:
                    raise _wrong(name)
                digest.update(chunk)
                yield chunk
    except _UNREADABLE as cause:
        raise _broken(f"{name} in the bundle cannot be read: {cause}") from cause
    if size != file.size or digest.hexdigest() != file.sha256:
        raise _wrong(name)


_UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, OSError, ValueError, RuntimeError),
)
"""What zipfile and its decoders raise for an archive that is damaged, or made to look so."""


def _require_plain(name: str) -> None:
    # No leading dot in any part rules out "." and "..", an absolute path has an empty first part.
    if len(name) > 200 or _NAME.fullmatch(name) is None:
        raise Invalid(f"the bundle names {name[:200]!r}, which is not a plain relative path", "bundle.path-unsafe")


def _require_step(manifest: Manifest, current_version: str | None) -> None:
    new, least = _version(manifest.version), _version(manifest.min_version)
    if current_version is None:
        return
    current = _version(current_version)
    if new <= current:
        raise Conflict(
            f"the bundle is version {new} and this agent is {current}: versions only go up",
            "bundle.version-not-newer",
            version=str(new),
            current=str(current),
        )
    if current < least:
        raise Conflict(
            f"the bundle needs at least agent {least} and this is {current}: install {least} first",
            "bundle.step-too-large",
            version=str(least),
            current=str(current),
        )


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as cause:
        raise Invalid(f"{text!r} is not a version like 1.2.3", "bundle.version-unreadable") from cause


def _broken(message: str) -> HullguardError:
    return Invalid(message, "bundle.malformed")


def _wrong(name: str) -> HullguardError:
    return Invalid(f"{name} in the bundle is not what its manifest says", "bundle.content-wrong")
