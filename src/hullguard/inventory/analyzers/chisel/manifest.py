"""Chisel's list of what it cut: lines of JSON, packed by zstd ("Chisel manifest" and "jsonwall" in its documentation).

The first line is ``{"jsonwall": "1.0", "schema": "1.0", "count": 75}``, the lines counted with it. Of the others those
count that name a package or a path; a path has the slices that it is of, which begin with the name of their package.
"""

import io
import re
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.inventory.compression import compression_of, damaged, decoder
from hullguard.model.decoding import from_json

_CHUNK = 1 << 16
_LONGEST = 1000
"""Characters of a value."""
_SLICES = 1000
"""Of one path; some directories are of dozens."""


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*")
_VERSION = re.compile(r"[!-~]+")
"""As Debian's policy has them, 5.6.7 and 5.6.12, the latter less strictly."""


class Condensed(Struct, omit_defaults=True):
    """What is kept of such a list."""

    packages: list[tuple[str, str, str]] = []
    """Name, version and architecture."""
    files: list[tuple[str, str, str | None]] = []
    """Those that may name packages: the package, the path, and SHA-256 in hexadecimal letters, None for a link."""
    problems: list[str] = []
    """What could not be read."""


class _Line(Struct):
    kind: str = ""
    name: str = ""
    version: str = ""
    arch: str = ""
    path: str = ""
    slices: list[str] = []
    sha256: str = ""
    final_sha256: str = ""
    link: str = ""
    jsonwall: str = ""
    count: int = 0


_NONE = "it is no list of Chisel's"


class _Ended(Exception):
    """It cannot be read any further; the message says why."""


def condense(content: bytes) -> Condensed:
    """What of the list can be read, whatever follows."""
    found = Condensed()
    try:
        _read(content, found)
    except _Ended as why:
        found.problems.append(str(why))
    return found


def _read(content: bytes, found: Condensed) -> None:
    number = bad = stated = 0
    for number, line in enumerate(_lines(content), 1):
        if number > bounds.DATABASE_LINES:
            raise _Ended(f"it names more than is read; of its lines the first {bounds.DATABASE_LINES} were")
        one = _decoded(line)
        if number > 1:
            bad += one is None or not _take(one, found)
        elif one is not None and one.jsonwall:
            stated = one.count
        else:
            raise _Ended(_NONE)
    if not number:
        raise _Ended(_NONE)
    if bad:
        found.problems.append(f"{bad} lines of it are damaged")
    if number != stated:
        found.problems.append(f"it states {stated} entries, of which {number} were found")


def _decoded(line: bytes) -> _Line | None:
    try:
        return from_json(line, _Line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _take(line: _Line, found: Condensed) -> bool:
    """Notes what a line says; false for one that says nothing that can be so."""
    if any(len(word) > _LONGEST for word in (line.name, line.version, line.arch, line.sha256, line.final_sha256)):
        return False
    if line.kind == "package":
        if _NAME.fullmatch(line.name) is None or _VERSION.fullmatch(line.version) is None:
            return False
        found.packages.append((line.name, line.version, line.arch))
        return True
    if line.kind != "path":
        return line.kind in ("slice", "content")
    if not line.path.startswith("/") or len(line.slices) > _SLICES or any(len(one) > _LONGEST for one in line.slices):
        return False
    path = line.path.lstrip("/")
    if path.endswith("/") or not ownable(path):
        return True
    digest = None if line.link else line.final_sha256 or line.sha256
    for package in sorted({one.partition("_")[0] for one in line.slices}):
        if len(found.files) >= bounds.LISTED_FILES:
            raise _Ended(f"it lists more than {bounds.LISTED_FILES} files; whose the others are is not known")
        found.files.append((package, path, digest))
    return True


def _lines(content: bytes) -> Iterator[bytes]:
    """The lines, without those that hold nothing."""
    if compression_of(content[:6]) != "zstd":
        raise _Ended(_NONE)
    stream, rest, size = decoder("zstd", io.BytesIO(content)), b"", 0
    while True:
        try:
            piece = stream.read(_CHUNK)
        except damaged() as cause:
            raise _Ended("its compression is damaged or cut off") from cause
        size += len(piece)
        if size > bounds.CHISEL_BYTES:
            raise _Ended(f"it holds more than {bounds.CHISEL_BYTES} bytes; the rest of it was not read")
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        yield from filter(None, lines)
        if not piece:
            break
        if len(rest) > bounds.METADATA_BYTES:
            raise _Ended("a line of it has no end")
    if rest:
        yield rest
