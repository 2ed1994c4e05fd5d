"""The list of modules that Go's linker leaves in every program (debug/buildinfo)."""

import re
from collections.abc import Iterator
from typing import Literal

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.binaries.elf import Elf
from hullguard.inventory.analyzers.language import Piece
from hullguard.model.package import PackageType

MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_ALIGNED = 16
_INLINE = 2
_BIG_ENDIAN = 1
_VERSION_BYTES = 256
_MODULES_BYTES = 4 << 20
_RELEASE = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?(?:(beta|rc)(\d+))?(?:[-+ ].*)?")
_DEVELOPMENT = "(devel)"


def modules(elf: Elf) -> Iterator[Piece]:
    """The standard library at the version of the compiler, the main module and its dependencies as replaced."""
    info = _info(elf)
    if info is None:
        return
    compiler, listed = info
    if (release := _RELEASE.fullmatch(compiler)) is not None:
        major, minor, patch, stage, number = release.groups()
        suffix = f"-{stage}.{number}" if stage else ""
        yield Piece(PackageType.GOLANG, "stdlib", f"{major}.{minor}.{patch or 0}{suffix}")
    elif compiler:
        yield Piece(PackageType.GOLANG, "stdlib", compiler.split(" ")[0], known=False)
    for name, version in _listed(listed):
        known = version != _DEVELOPMENT
        yield Piece(PackageType.GOLANG, name, version, known=known)


def _info(elf: Elf) -> tuple[str, str] | None:
    place = _place(elf)
    if place is None or len(place) < _HEADER:
        return None
    if place[15] & _INLINE:
        version, rest = _inline(place[_HEADER:], _VERSION_BYTES)
        listed, _ = _inline(rest, _MODULES_BYTES)
    else:
        order: Literal["big", "little"] = "big" if place[15] & _BIG_ENDIAN else "little"
        version = _pointed(elf, place, 0, order, _VERSION_BYTES)
        listed = _pointed(elf, place, 1, order, _MODULES_BYTES)
    # The list stands between two marks of 16 bytes.
    listed = listed[16:-16] if len(listed) >= 33 and listed[-17:-16] == b"\n" else b""
    return text(version), text(listed)


def _place(elf: Elf) -> bytes | None:
    """The bytes from the mark on. Without a section table the mark is looked for where it may stand."""
    if elf.has_sections:
        section = elf.section(b".go.buildinfo")
        if section is None:
            return None
        return section if section.startswith(MAGIC) else None
    at = elf.content.find(MAGIC)
    while at >= 0 and at % _ALIGNED:
        at = elf.content.find(MAGIC, at + 1)
    return elf.content[at : at + _HEADER + _VERSION_BYTES + _MODULES_BYTES] if at >= 0 else None


def _inline(content: bytes, most: int) -> tuple[bytes, bytes]:
    """A string behind its length, and what follows it."""
    length = shift = 0
    for index, byte in enumerate(content[:5]):
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            start = index + 1
            return (content[start : start + length], content[start + length :]) if length <= most else (b"", b"")
        shift += 7
    return b"", b""


def _pointed(elf: Elf, place: bytes, which: int, order: Literal["big", "little"], most: int) -> bytes:
    """A string whose header is pointed at, as before Go 1.18."""
    size = place[14]
    if size not in (4, 8):
        return b""
    start = 16 + which * size
    header = elf.at(int.from_bytes(place[start : start + size], order), 2 * size)
    if len(header) < 2 * size:
        return b""
    address, length = int.from_bytes(header[:size], order), int.from_bytes(header[size:], order)
    return elf.at(address, length) if length <= most else b""


def _listed(lines: str) -> Iterator[tuple[str, str]]:
    """Pairs of ``mod`` and ``dep`` lines; a line ``=>`` takes the place of the one before it."""
    found: tuple[str, str] | None = None
    for line in lines.split("\n"):
        words = line.split("\t")
        if words[0] == "=>" and len(words) >= 3:
            # A replacement by a directory has no version; what is in it goes by the replaced name.
            found = (words[1], words[2]) if words[2] else found
            continue
        if found is not None:
            yield found
            found = None
        if words[0] in ("mod", "dep") and len(words) >= 3:
            found = (words[1], words[2] or _DEVELOPMENT)
    if found is not None:
        yield found
