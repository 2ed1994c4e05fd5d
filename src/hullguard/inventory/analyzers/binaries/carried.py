"""Programs that carry the packages of another language in them, told by the marks that their makers leave."""

import struct
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Bill
from hullguard.inventory.analyzers.binaries.elf import DamagedTable, Elf
from hullguard.inventory.analyzers.binaries.native_image import bill_of
from hullguard.inventory.analyzers.binaries.rust import SECTION
from hullguard.inventory.analyzers.dotnet import dependencies
from hullguard.inventory.analyzers.language import HOSTILE, Doubt, Piece, TooMuch, Unreadable
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import RandomAccess, places

# The SHA-256 of ".net core bundle\\n" (dotnet/runtime, bundle_marker.cpp); before it stands where the bundle's own
# header is, zero in a program that is not one file.
_DOTNET = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
_PLACE = struct.Struct("<q")
_VERSION = struct.Struct("<IIi")
_DEPENDENCIES = struct.Struct("<qq")
_FIRST_WITH_PLACES = 2
_IDENTITY = 256

_PYINSTALLER = b"MEI\014\013\012\013\016"
_TAIL = 1 << 12
"""PyInstaller's mark stands at the end; a signature may follow it."""
_COMMENT = 1 << 12
_STANDARD_LIBRARY = b"/library/std/src/"
_CONSTANTS = 1 << 26


def carried(elf: Elf, base: str, budget: Budget) -> Iterator[Piece | Doubt | Bill]:
    """What a program says of packages that its own list would name; libraries are part of what loads them."""
    yield from _dotnet(elf)
    content = elf.content
    if _PYINSTALLER in content[max(len(content) - _TAIL, 0) : len(content)]:
        yield Doubt("a Python application that PyInstaller packed; the packages in it are not read")
    if ".so" in base:
        return
    if _section(elf, b".svm_heap", 1):
        yield from bill_of(elf, budget)
    if not _section(elf, SECTION, 1) and _is_rust(elf):
        yield Doubt("a Rust program that was built without the list of its crates")


def _is_rust(elf: Elf) -> bool:
    """By what the compiler notes, or, where that was removed, by the library's sources, which its panics name.

    Debian's builds have no comments. Programs of Go have none either, and are large.
    """
    if comment := _section(elf, b".comment", _COMMENT):
        return b"rustc version" in comment
    if elf.holds((b".gopclntab", b".go.buildinfo")):
        return False
    try:
        place = elf.place(b".rodata")
    except DamagedTable:
        return False  # told where lists are looked for
    if place is None:
        return False
    start, size = place
    return next(places(elf.content, _STANDARD_LIBRARY, start, start + min(size, _CONSTANTS)), None) is not None


def _section(elf: Elf, name: bytes, most: int) -> bytes:
    try:
        return elf.section(name, most) or b""
    except DamagedTable:
        return b""  # told where lists are looked for


def _dotnet(elf: Elf) -> Iterator[Piece | Doubt]:
    """A .NET application in one file: its ``deps.json`` lies in it as it is."""
    for segment in elf.segments:
        if not segment.writable:
            continue
        for at in places(elf.content, _DOTNET, segment.offset, segment.offset + segment.size):
            (header,) = _PLACE.unpack(elf.content[at - _PLACE.size : at].rjust(_PLACE.size, b"\0"))
            if header > 0:
                yield from _bundle(elf.content, header)
            return


def _bundle(content: RandomAccess, at: int) -> Iterator[Piece | Doubt]:
    try:
        place, size = _list_of(content, at)
        yield from dependencies(content[place : place + size])
    except Unreadable as why:
        said = f"a .NET application in one file whose list of packages was not read: {why}"
        yield Doubt(said, incomplete=isinstance(why, TooMuch))
    except HOSTILE:
        yield Doubt("a .NET application in one file whose list of packages cannot be read")


def _list_of(content: RandomAccess, at: int) -> tuple[int, int]:
    """Place and size of ``deps.json``. Raises Unreadable, IndexError or struct.error.

    The bundle's header: version, number of files, its name behind one byte of length, the places of two lists.
    """
    head = content[at : at + _VERSION.size + 2 + _IDENTITY + _DEPENDENCIES.size]
    if _VERSION.unpack_from(head)[0] < _FIRST_WITH_PLACES:
        raise Unreadable("it is of a form that is not read")
    place, size = _DEPENDENCIES.unpack_from(head, _VERSION.size + 1 + head[_VERSION.size])
    if place < 0 or not 0 <= size <= len(content):
        raise Unreadable("its header is damaged")
    if size > bounds.LOCK_BYTES:
        raise TooMuch(f"it is longer than {bounds.LOCK_BYTES} bytes")
    return place, size
