"""SQLite's write-ahead log (sqlite.org/fileformat2.html, section 4): pages that the database's own are replaced by."""

import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from typing import NamedTuple

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.rpm.condensed import Cell, Condensed
from hullguard.inventory.analyzers.rpm.sqlite import Chains, Row, add, interior, lacks_rows, leaf, root_of

_MAGICS = (0x377F0682, 0x377F0683)
_VERSION = 3007000
_SIZES = frozenset(1 << power for power in range(9, 17))
_HEADER, _FRAME = 32, 24
_LOST = b"!"
"""Before what is kept of a log of which something is lost; no stream of zlib begins so."""


def condense(content: bytes) -> bytes:
    """The log as far as SQLite would read it, small; nothing when nothing in it was ever committed, or lost."""
    valid = _valid(content)
    read = content[:valid]
    lost = _LOST if _lost(content, valid) else b""
    return lost + (zlib.compress(read, 1) if committed(read) else b"")


def is_cut(condensed: bytes) -> bool:
    """Whether SQLite would drop what was committed, because a checksum before it is wrong."""
    return condensed.startswith(_LOST)


def pages_of(condensed: bytes) -> dict[int, bytes]:
    """The committed pages of a log that ``condense`` kept."""
    condensed = condensed.removeprefix(_LOST)
    if not condensed:
        return {}
    try:
        return committed(zlib.decompress(condensed))
    except zlib.error:
        return {}


def _lost(content: bytes, valid: int) -> bool:
    """Whether something was committed in the part that is not valid: a frame of this use of the log that ends it.

    A write that broke off has none. Where not even the header is valid, its numbers tell nothing of the frames.
    """
    if len(content) < _HEADER + _FRAME:
        return False
    if not valid:
        return any(content)
    return any(frame.commits and frame.of_this_use for frame in _frames(content, valid))


def _valid(content: bytes) -> int:
    """Up to where salts and checksums are right, each of which covers all before; 0 for a log of another kind."""
    if len(content) < _HEADER:
        return 0
    magic, version, size, _, _, _, *sums = struct.unpack_from(">8I", content)
    if magic not in _MAGICS or version != _VERSION or size not in _SIZES:
        return 0
    order = "big" if magic & 1 else "little"
    known = _checksum(content[:24], (0, 0), order)
    if known != tuple(sums):
        return 0
    end = _HEADER
    for frame in _frames(content, _HEADER):
        known = _checksum(content[frame.start : frame.start + 8], known, order)
        known = _checksum(content[frame.start + _FRAME : frame.end], known, order)
        if not frame.of_this_use or known != frame.sums:
            break
        end = frame.end
    return end


class _Frame(NamedTuple):
    start: int
    end: int
    page: int
    commits: bool
    """Whether a write ends with it."""
    of_this_use: bool
    """Whether its salts are the log's; those of an earlier use are others."""
    sums: tuple[int, int]


def _frames(content: bytes, start: int) -> Iterator[_Frame]:
    """The whole frames of a log from a place on. Its header must have a size of pages."""
    _, _, size, _, *salts = struct.unpack_from(">IIIIII", content)
    for at in range(start, len(content) - _FRAME - size + 1, _FRAME + size):
        page, commit, *frame_salts, first, second = struct.unpack_from(">6I", content, at)
        yield _Frame(at, at + _FRAME + size, page, commit != 0, frame_salts == salts, (first, second))


def _checksum(data: bytes, known: tuple[int, int], order: str) -> tuple[int, int]:
    words = array("I", data)
    if order != sys.byteorder:
        words.byteswap()
    first, second = known
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


def committed(content: bytes) -> dict[int, bytes]:
    """The newest committed content of every page; frames of an earlier use of the log have other salts."""
    if len(content) < _HEADER:
        return {}
    magic, _, size = struct.unpack_from(">III", content)
    if magic not in _MAGICS or size not in _SIZES:
        return {}
    pages: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    for frame in _frames(content, _HEADER):
        if not frame.of_this_use:
            break
        waiting[frame.page] = content[frame.start + _FRAME : frame.end]
        if frame.commits:
            pages |= waiting
            waiting = {}
    return pages


def apply(database: Condensed, pages: dict[int, bytes]) -> Condensed:
    """The packages of a database with its log: from the log's pages where it has them, else as they were read."""
    if not pages:
        return database
    merged = Condensed(problems=list(database.problems))
    root = database.root or root_of(pages)
    if not root:
        merged.report("it has no table of packages")
        return merged
    rows = {cell.row: cell for cells in database.leaves.values() for cell in cells}
    todo, seen, chains = [root], set[int](), Chains(pages)
    while todo and len(seen) < bounds.RPM_PAGES:
        number = todo.pop()
        if number in seen:
            merged.report("a page of the table is damaged")
            continue
        seen.add(number)
        page = pages.get(number)
        if page is None:
            todo += _older(database, number, pages, merged)
            continue
        children = interior(page, number)
        if children is not None:
            todo += children
            continue
        newer = leaf(page, number, chains)
        if lacks_rows(newer, number, root):
            merged.report("a page of the table is damaged")
        _add_newer(newer or [], rows, database, pages, merged)
    if todo:
        merged.report("the table is larger than any of packages")
    return merged


def _add_newer(
    newer: list[Row], rows: dict[int, Cell], database: Condensed, pages: dict[int, bytes], merged: Condensed
) -> None:
    """Takes the rows of a page in the log; of one that goes on in pages of the database, what was read there."""
    for row in newer:
        known = rows.get(row.number)
        if row.payload is None and known is not None and _kept(row, known.chain, pages):
            _take(database, known.record, merged)
        else:
            add(merged, row)


def _older(database: Condensed, number: int, pages: dict[int, bytes], merged: Condensed) -> list[int]:
    """Takes what the database has under a page that the log left alone; gives the pages below."""
    if number not in database.nodes and number not in database.leaves:
        merged.report("a page of the table is missing")
    for cell in database.leaves.get(number, ()):
        if pages.keys() & set(cell.chain):
            merged.report("a package was written in part")
        else:
            _take(database, cell.record, merged)
    return database.nodes.get(number, [])


def _kept(row: Row, chain: tuple[int, ...], pages: dict[int, bytes]) -> bool:
    """Whether the row goes on in the same pages of the database as before."""
    return row.chain[:1] == chain[:1] and not pages.keys() & set(chain)


def _take(database: Condensed, record: int, merged: Condensed) -> None:
    if 0 <= record < len(database.records):
        merged.records.append(database.records[record])
