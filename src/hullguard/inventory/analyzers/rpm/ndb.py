"""rpm's own database format, ``Packages.db`` (rpm's lib/backend/ndb/rpmpkg.c): slots that point to blobs."""

import struct
import zlib
from collections.abc import Collection

from hullguard.inventory.analyzers.rpm.condensed import Condensed

MAGIC = b"RpmP"
_BLOB = b"BlbS"
_PAGE, _BLOCK, _SLOT = 4096, 16, 16
_HEAD = 16
_TAIL = struct.Struct("<II4s")
"""A checksum, the length once more, and a mark."""


def condense(content: bytes) -> Condensed:
    """Every package to which a slot points."""
    found = Condensed()
    if len(content) < 32 or not content.startswith(MAGIC):
        found.report("it is no ndb database")
        return found
    version, _, pages = struct.unpack_from("<III", content, 4)
    if version != 0:
        found.report(f"the ndb format {version} is unknown")
        return found
    end = min(pages * _PAGE, len(content) - _SLOT + 1)
    if pages * _PAGE > len(content):
        found.report("the file ends within its slots")
    room, known = len(content), set[int]()
    # The header takes the place of the first two slots.
    for place in range(2 * _SLOT, end, _SLOT):
        magic, package, block, _ = struct.unpack_from("<4sIII", content, place)
        if magic != b"Slot":
            found.report("a slot is damaged")
        elif block:  # a slot without one is free
            known.add(block * _BLOCK)
            room -= _add(found, content, package, block * _BLOCK)
            # Packages that lie over one another are forged: they would be read again and again.
            if room < 0:
                found.report("its packages are larger than itself")
                break
    if lost := _without_slot(content, 2 * _SLOT, known):
        found.report(f"{lost} packages lie in it to which no slot points")
    return found


def _without_slot(content: bytes, start: int, known: Collection[int]) -> int:
    """How many whole packages are not among those that slots point to; rpm overwrites what it removes with zeros."""
    lost, room = 0, len(content)
    while (start := content.find(_BLOB, start)) >= 0 and room > 0:
        length = 0
        if start % _BLOCK == 0 and start not in known and start + _HEAD <= len(content):
            (length,) = struct.unpack_from("<I", content, start + 12)
            room -= min(length, len(content)) + _HEAD
            lost += _whole(content, start, length)
        start += _BLOCK
    return lost


def _add(found: Condensed, content: bytes, package: int, start: int) -> int:
    """Reads the package at a place; gives how much room it takes."""
    if start + 16 > len(content):
        found.report("a slot points behind the end of the file")
        return 0
    magic, owner, _, length = struct.unpack_from("<4sIII", content, start)
    if magic != _BLOB or owner != package or start + 16 + length > len(content):
        found.report("a slot points to something that is no package")
        return 0
    if not _whole(content, start, length):
        found.report("a package is not what its checksum says")
    found.add(content[start + _HEAD : start + _HEAD + length])
    return _HEAD + int(length)


def _whole(content: bytes, start: int, length: int) -> bool:
    """Whether the checksum at the end of the blocks is that of all before it: head, package and padding."""
    end = start + -(-(_HEAD + length + _TAIL.size) // _BLOCK) * _BLOCK
    if end > len(content):
        return False
    stated, again, mark = _TAIL.unpack_from(content, end - _TAIL.size)
    computed = zlib.adler32(content[start : end - _TAIL.size])
    return (stated, again, mark) == (computed, length, b"BlbE")
