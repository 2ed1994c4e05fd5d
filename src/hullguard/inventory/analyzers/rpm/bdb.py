"""Berkeley DB's hash, ``Packages`` (db 4 and 5, dbinc/db_page.h): pages of pairs, large values in chains of pages."""

import struct
from collections.abc import Iterator

from hullguard.inventory.analyzers.rpm.condensed import Condensed

_MAGIC = 0x00061561
_HASH_META, _HASH, _HASH_UNSORTED, _OVERFLOW = 8, 13, 2, 7
_OTHERS = frozenset({0, _HASH_META, _OVERFLOW})
"""Pages that hold no pairs; 0 is one that is free, or was never written."""
_IN_PAGE, _OFF_PAGE = 1, 3
_PAGE_HEADER = 26
_STATED = 88
"""Where the first page says how many entries there are."""
_SIZES = {1 << power for power in range(9, 17)}


def condense(content: bytes) -> Condensed:
    """Every value of every page, whatever its bucket; the packages are the values that are headers."""
    found = Condensed()
    order = next((order for order in "<>" if _is_hash(content, order)), None)
    if order is None:
        found.report("it is no Berkeley DB hash")
        return found
    (size,) = struct.unpack_from(f"{order}I", content, 20)
    (last,) = struct.unpack_from(f"{order}I", content, 32)
    if size not in _SIZES:
        found.report("it is no Berkeley DB hash")
        return found
    if (last + 1) * size > len(content):
        found.report("the file ends before its last page")
    pages, room, values = _Pages(content, size, order, found), len(content), 0
    for number in range(1, len(content) // size):
        for value in pages.values(number):
            # Values that lie over one another are forged: they would be read again and again.
            room -= len(value) + 16
            if room < 0:
                found.report("its values are larger than itself")
                return found
            found.add(value)
            values += 1
    (stated,) = struct.unpack_from(f"{order}I", content, _STATED) if len(content) >= _STATED + 4 else (0,)
    if values < stated - 1:  # beside the packages it counts their counter
        found.report(f"it states {stated - 1} entries, of which {values} were found")
    return found


def _is_hash(content: bytes, order: str) -> bool:
    return (
        len(content) >= 72 and struct.unpack_from(f"{order}I", content, 12)[0] == _MAGIC and content[25] == _HASH_META
    )


class _Pages:
    def __init__(self, content: bytes, size: int, order: str, found: Condensed) -> None:
        self._content, self._size, self._order, self._found = content, size, order, found
        # Chains may not visit a page twice; all together they are then no longer than the file.
        self._visited: set[int] = set()
        self._counters = 0

    def values(self, number: int) -> Iterator[bytes]:
        page = self._content[number * self._size : (number + 1) * self._size]
        entries, kind = struct.unpack_from(f"{self._order}H", page, 20)[0], page[25]
        if kind not in (_HASH, _HASH_UNSORTED):
            if kind not in _OTHERS:
                self._found.report("a page is of no known kind")
            return
        if _PAGE_HEADER + 2 * entries > self._size:
            self._found.report("a page claims more entries than it can hold")
            return
        places = struct.unpack_from(f"{self._order}{entries}H", page, _PAGE_HEADER)
        for key, value in zip(places[::2], places[1::2], strict=False):
            if key + 5 <= self._size and page[key + 1 : key + 5] == b"\0\0\0\0":
                self._counters += 1  # the counter of packages, under the number zero
                if self._counters > 1:
                    self._found.report("two entries have the number of the counter")
                continue
            yield from self._value(page, value, key)

    def _value(self, page: bytes, start: int, end: int) -> Iterator[bytes]:
        kind = page[start] if start < self._size else 0
        if kind == _IN_PAGE and start < end <= self._size:
            yield page[start + 1 : end]
        elif kind == _OFF_PAGE and start + 12 <= self._size:
            first, length = struct.unpack_from(f"{self._order}II", page, start + 4)
            value = self._chain(first)
            if len(value) == length:
                yield value
            else:
                self._found.report("a chain of pages is damaged")
        else:
            self._found.report("an entry of a page is damaged")

    def _chain(self, number: int) -> bytes:
        parts = []
        while number and number not in self._visited:
            self._visited.add(number)
            page = self._content[number * self._size : (number + 1) * self._size]
            if len(page) < self._size or page[25] != _OVERFLOW:
                break
            following, _, used = struct.unpack_from(f"{self._order}IHH", page, 16)
            parts.append(page[_PAGE_HEADER : _PAGE_HEADER + used])
            number = following
        return b"".join(parts)
