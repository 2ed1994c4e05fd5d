"""Who speaks of whom, as the database keeps it: numbers of 64 bits, the lowest byte first.

A package's *postings* are (record, statement of that record) for everything that is said of it; a record's *places* are
(package, statement of the record) for everything that it speaks of. The upper half of a number is the record or the
package, the lower half counts the record's statements.
"""

import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from hullguard.advisories.stored import Damaged

if TYPE_CHECKING:
    Postings: TypeAlias = array[int]
else:
    Postings = array  # only type checkers know what it holds (Python 3.11)

HALF = 32
_STATEMENT = (1 << HALF) - 1


def postings(those: Iterable[int] = ()) -> Postings:
    return array("Q", those)


def packed(those: Postings) -> bytes:
    if sys.byteorder == "little":
        return those.tobytes()
    swapped = array("Q", those)
    swapped.byteswap()
    return swapped.tobytes()


def unpacked(content: bytes) -> Postings:
    """Raises Damaged when the content is cut off, or none."""
    found = array("Q")
    try:
        found.frombytes(content)
    except (ValueError, TypeError) as cause:
        raise Damaged(f"a list of numbers cannot be read: {cause}") from cause
    if sys.byteorder != "little":
        found.byteswap()
    return found


def pairs(those: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The two halves of each."""
    return ((one >> HALF, one & _STATEMENT) for one in those)


def owners(those: Iterable[int]) -> Iterator[int]:
    """The upper half of each."""
    return (one >> HALF for one in those)
