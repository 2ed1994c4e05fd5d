"""rpm's own database format, ``Packages.db`` (rpm's lib/backend/ndb/rpmpkg.c): slots that point to blobs."""

import struct

from hullguard.inventory.analyzers.rpm.condensed import Condensed

MAGIC = b"RpmP"
_PAGE, _BLOCK, _SLOT = 4096, 16, 16


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
    room = len(content)
    # The header takes the place of the first two slots.
    for place in range(2 * _SLOT, end, _SLOT):
        magic, package, block, _ = struct.unpack_from("<4sIII", content, place)
        if magic != b"Slot":
            found.report("a slot is damaged")
        elif package:
            room -= _add(found, content, package, block * _BLOCK)
            # Packages that lie over one another are forged: they would be read again and again.
            if room < 0:
                found.report("its packages are larger than itself")
                break
    return found


def _add(found: Condensed, content: bytes, package: int, start: int) -> int:
    """Reads the package at a place; gives how much room it takes."""
    if start + 16 > len(content):
        found.report("a slot points behind the end of the file")
        return 0
    magic, owner, _, length = struct.unpack_from("<4sIII", content, start)
    if magic != b"BlbS" or owner != package or start + 16 + length > len(content):
        found.report("a slot points to something that is no package")
        return 0
    found.add(content[start + 16 : start + 16 + length])
    return 16 + int(length)
