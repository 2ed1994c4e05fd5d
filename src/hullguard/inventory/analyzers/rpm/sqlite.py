"""rpm's SQLite database (sqlite.org/fileformat2.html), read page by page: a damaged page costs only its own packages.

SQLite itself is not asked: it would have to trust a file of which everything may be forged.
"""

import struct
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.rpm.condensed import Cell, Condensed

MAGIC = b"SQLite format 3\0"
_INTERIOR, _LEAF = 5, 13
_INTEGER_SIZES = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)


class Pages(Protocol):
    """Where pages come from, by number."""

    def get(self, number: int, /) -> bytes | None: ...


class Row(Struct, frozen=True):
    """A row of a table: its number, its bytes as far as they could be had, and the pages that they went on in."""

    number: int
    payload: bytes | None
    chain: tuple[int, ...]


_LOST = Row(0, None, ())
"""A row that cannot be where the page says."""


class FilePages:
    """The pages of a whole file."""

    def __init__(self, content: bytes, size: int) -> None:
        self._content, self._size = content, size

    def get(self, number: int, /) -> bytes | None:
        page = self._content[(number - 1) * self._size : number * self._size] if number > 0 else b""
        return page if len(page) == self._size else None


def condense(content: bytes) -> Condensed:
    """Every row of the table ``Packages``, and the structure of that table."""
    found = Condensed()
    if not content:
        found.empty = True
        return found
    size = page_size(content)
    if size is None:
        found.report("it is no SQLite database")
        return found
    pages, found.page_size = FilePages(content, size), size
    found.root = root_of(pages)
    if found.root:
        _condense(pages, found)
    elif len(content) > size:
        found.report("it has no table of packages")
    return found


def page_size(content: bytes) -> int | None:
    """The size of the pages, which a database states in its first one."""
    # A database may reserve the end of every page; rpm's never do.
    if len(content) < 100 or not content.startswith(MAGIC) or content[20]:
        return None
    (stated,) = struct.unpack_from(">H", content, 16)
    size = 65536 if stated == 1 else stated
    return size if size in {1 << power for power in range(9, 17)} else None


def _condense(pages: Pages, found: Condensed) -> None:
    todo, seen, entries = [found.root], set[int](), 0
    chains = Chains(pages)
    while todo and entries < bounds.RPM_PACKAGES:
        number = todo.pop()
        page = pages.get(number)
        if number in seen or page is None:
            found.report("a page of the table is missing")
            continue
        seen.add(number)
        children = interior(page, number)
        if children is not None:
            found.nodes[number] = children
            todo += children
            entries += len(children)
            continue
        rows = leaf(page, number, chains)
        if lacks_rows(rows, number, found.root):
            found.report("a page of the table is damaged")
        entries += len(rows or ())
        for row in rows or ():
            found.leaves.setdefault(number, []).append(Cell(row.number, row.chain, add(found, row)))
    if todo:
        found.report("the table is larger than any of packages")


def add(found: Condensed, row: Row) -> int:
    """Reads the header in a row; gives the number of its record, or -1."""
    blob = next((value for value in values(row.payload) if isinstance(value, bytes)), None) if row.payload else None
    if blob is None:
        found.report("a row of the table is damaged")
        return -1
    return found.add(blob)


def root_of(pages: Pages) -> int:
    """The first page of the table ``Packages``, from the table of tables; zero when there is none."""
    todo, seen = [1], set[int]()
    chains = Chains(pages)
    while todo and len(seen) < bounds.RPM_PAGES:
        number = todo.pop()
        page = pages.get(number)
        if number in seen or page is None:
            continue
        seen.add(number)
        todo += interior(page, number) or []
        for row in leaf(page, number, chains) or ():
            columns = [*values(row.payload or b"")]
            if columns[:2] == ["table", "Packages"] and len(columns) > 3 and isinstance(columns[3], int):
                return columns[3]
    return 0


def interior(page: bytes, number: int) -> list[int] | None:
    """The pages below one, or None when it is another kind of page."""
    start = 100 if number == 1 else 0
    if page[start] != _INTERIOR:
        return None
    (right,) = struct.unpack_from(">I", page, start + 8)
    # There is no page 0: whoever asks for it says that one is missing.
    cells = _cells(page, start, 12, 4)
    below = [0 if at is None else struct.unpack_from(">I", page, at)[0] for at in cells]
    sizes = [(at, _varint(page, at + 4)[1] - at) for at in cells if at is not None]
    return [*below, right] if _is_whole(page, start, sizes) else [*below, right, 0]


def lacks_rows(rows: list[Row] | None, number: int, root: int) -> bool:
    """Whether a page that is no interior one cannot be the tree's leaf: only a tree without rows has an empty one."""
    return rows is None or (not rows and number != root)


def leaf(page: bytes, number: int, chains: "Chains") -> list[Row] | None:
    """The rows of a page, or None when it is another kind of page."""
    start = 100 if number == 1 else 0
    if page[start] != _LEAF:
        return None
    rows, sizes, room = list[Row](), list[tuple[int, int]](), len(page)
    for at in _cells(page, start, 8, 2):
        if at is None:
            rows.append(_LOST)
            continue
        row, used = _row(page, at, chains)
        # Cells that lie over one another are forged: they would be read again and again.
        room -= used
        if room < 0:
            return [*rows, _LOST]
        rows.append(row)
        sizes.append((at, used))
    return rows if _is_whole(page, start, sizes) else [*rows, _LOST]


def _is_whole(page: bytes, start: int, cells: list[tuple[int, int]]) -> bool:
    """Whether cells and free blocks, places and sizes, fill the page but for as many bytes as it says (section 1.6).

    A number of cells that is too small, and two pointers to one cell, would hide rows else.
    """
    blocks = list(cells)
    (free,) = struct.unpack_from(">H", page, start + 1)
    while free:
        if free + 4 > len(page):
            return False
        after, size = struct.unpack_from(">HH", page, free)
        blocks.append((free, size))
        if after and after <= free:
            return False
        free = after
    (stated,) = struct.unpack_from(">H", page, start + 5)
    end, between = int(stated) or 65536, 0
    for at, size in sorted(blocks):
        if at < end:
            return False
        between += at - end
        end = at + size
    return between + len(page) - end == page[start + 7]


def _cells(page: bytes, start: int, header: int, least: int) -> list[int | None]:
    """Where the cells are; None for one that cannot be in the page."""
    (stated,) = struct.unpack_from(">H", page, start + 3)
    count = min(stated, (len(page) - start - header) // 2)
    places = struct.unpack_from(f">{count}H", page, start + header)
    found = [place if place + least <= len(page) else None for place in places]
    return found if count == stated else [*found, None]


def _row(page: bytes, at: int, chains: "Chains") -> tuple[Row, int]:
    """A row, and how many bytes of the page it takes, which are four at least."""
    begin = at
    size, at = _varint(page, at)
    number, at = _varint(page, at)
    here = _local(size, len(page))
    if here == size or at + here + 4 > len(page):
        payload = page[at : at + size]
        return Row(number, payload if len(payload) == size else None, ()), max(at + len(payload) - begin, 4)
    (first,) = struct.unpack_from(">I", page, at + here)
    rest, chain = chains.read(first, size - here)
    return Row(number, None if rest is None else page[at : at + here] + rest, chain), at + here + 4 - begin


def _local(size: int, usable: int) -> int:
    """How much of a row lies in its own page."""
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    if size <= most:
        return size
    here = least + (size - least) % (usable - 4)
    return here if here <= most else least


class Chains:
    """Rows that go on in other pages; no page belongs to two of them, so together they are no longer than the file."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._seen: set[int] = set()

    def read(self, first: int, size: int) -> tuple[bytes | None, tuple[int, ...]]:
        """The bytes, None when a page is missing, and the numbers of the pages that are there or should be."""
        parts, chain, number = [], list[int](), first
        while size > 0:
            chain.append(number)
            page = self._pages.get(number)
            if page is None or number in self._seen:
                return None, tuple(chain)
            self._seen.add(number)
            (number,) = struct.unpack_from(">I", page)
            parts.append(page[4 : 4 + size])
            size -= len(parts[-1])
        return b"".join(parts), tuple(chain)


def values(payload: bytes) -> Iterator[bytes | str | int | None]:
    """The columns of a row; it ends early when the row does."""
    end, at = _varint(payload, 0)
    place = end
    while at < min(end, len(payload)):
        kind, at = _varint(payload, at)
        size = (kind - 12) // 2 if kind >= 12 else _INTEGER_SIZES[min(kind, 9)]
        value = payload[place : place + size]
        place += size
        if len(value) < size:
            return
        if kind >= 12:
            yield value if kind % 2 == 0 else value.decode("utf-8", "replace")
        else:
            yield int.from_bytes(value, "big", signed=True) if kind else None


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for place in range(at, min(at + 9, len(data))):
        if place == at + 8:
            return number << 8 | data[place], place + 1
        number = number << 7 | data[place] & 127
        if data[place] < 128:
            return number, place + 1
    return 0, len(data)
