"""Files whose holes an archive leaves out: in the old format of GNU tar and in its three PAX formats, 0.0, 0.1 and 1.0.

They are read as the engines' reader does (archive/tar of Go, reader.go). Formats: GNU tar's manual, "Storing Sparse
Files".
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from hullguard.inventory.compression import Readable
from hullguard.inventory.limits import Budget
from hullguard.inventory.streams import CHUNK

BLOCK = 512
RECORDS = frozenset(
    {b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.name", b"GNU.sparse.size", b"GNU.sparse.realsize"}
    | {b"GNU.sparse.numblocks", b"GNU.sparse.map"}
)
"""PAX records that make a file a sparse one."""
PIECES = frozenset({b"GNU.sparse.offset", b"GNU.sparse.numbytes"})
"""In format 0.0 there is one of each for every piece; in their order they are the map of 0.1."""


class Flawed(Exception):
    """What is said about the holes cannot be; the message says why."""


class Sparse(NamedTuple):
    """What an archive says of one sparse file."""

    size: int
    """With its holes; -1 where that is no number."""
    numbers: Sequence[int] | None
    """Where each piece of content belongs, and its length; -1 for no number. None: the content begins with them."""


class Packed(Readable, Protocol):
    """The member as the archive holds it."""

    def peek(self, n: int, /) -> bytes: ...


def of_records(records: Mapping[str, bytes], stored: int) -> Sparse | None:
    """What PAX records say; None for no sparse file, and for a version that the engines do not know either."""
    version = records.get("GNU.sparse.major"), records.get("GNU.sparse.minor")
    where = records.get("GNU.sparse.map", b"")
    size = records.get("GNU.sparse.size") or records.get("GNU.sparse.realsize")
    real = stored if size is None else _decimal(size)
    if version == (b"1", b"0"):
        return Sparse(real, None)
    if version not in ((b"0", b"0"), (b"0", b"1")) and not (version == (None, None) and where):
        return None
    numbers = [_decimal(number) for number in where.split(b",")] if where else []
    said = _decimal(records.get("GNU.sparse.numblocks", b""))
    return Sparse(real, numbers if len(numbers) == 2 * said else [-1])


class Whole:
    """The file with its holes; raises Flawed at once when its map cannot be."""

    def __init__(self, sparse: Sparse, packed: Packed, stored: int, budget: Budget) -> None:
        self.size = sparse.size
        numbers = sparse.numbers
        if numbers is None:
            numbers, used = _leading_map(packed, min(stored, budget.limits.extension_bytes))
            stored -= used
        self._packed = packed
        self._budget = budget
        self._runs = list(_runs(numbers, self.size, stored))
        """Lengths of content and holes in turn, from the last to the first; those of holes are negative."""
        self._runs.reverse()

    @property
    def holes(self) -> int:
        """Bytes that the archive left out."""
        return -sum(run for run in self._runs if run < 0)

    def peek(self, n: int, /) -> bytes:
        """The first bytes, which are still to be read."""
        head, content = b"", self._packed.peek(n)
        for run in reversed(self._runs):
            if len(head) >= n:
                break
            if run < 0:
                head += bytes(min(-run, n - len(head)))
            else:
                head, content = head + content[:run], content[run:]
        return head[:n]

    def read(self, n: int, /) -> bytes:
        """Up to ``n`` bytes."""
        if not self._runs or n <= 0:
            return b""
        run = self._runs.pop()
        if run < 0:
            data = bytes(min(-run, n, CHUNK))
            self._budget.spend_hole(len(data))
            left = run + len(data)
        else:
            data = self._packed.read(min(run, n))
            left = run - len(data)
        if left:
            self._runs.append(left)
        return data

    def content(self) -> bytes:
        """All of it; the caller has looked at its size."""
        return b"".join(iter(lambda: self.read(CHUNK), b""))

    def direct(self) -> None:
        """It lies nowhere in one piece."""


def _runs(numbers: Sequence[int], size: int, stored: int) -> Iterator[int]:
    at = 0
    if len(numbers) % 2 or size < 0 or min(numbers, default=0) < 0:
        raise Flawed("its map is damaged")
    for start, length in zip(numbers[::2], numbers[1::2], strict=True):
        if start < at or start + length > size:
            raise Flawed("its map has pieces outside of it or over one another")
        if length:
            if start > at:
                yield at - start
            yield length
            at = start + length
            stored -= length
    if stored:
        raise Flawed("its map is not that of its content")
    if size > at:
        yield at - size


def _leading_map(packed: Packed, most: int) -> tuple[list[int], int]:
    """The map of format 1.0, a number a line, the first of them how many pieces follow; it fills whole blocks."""
    text = bytearray()
    lines = wanted = 0
    while lines <= 2 * wanted:
        block = b""
        while len(block) < BLOCK and (more := packed.read(min(BLOCK - len(block), most - len(text) - len(block)))):
            block += more
        if len(block) < BLOCK:
            raise Flawed("its map does not end")
        text += block
        lines += block.count(b"\n")
        if lines and not wanted:
            wanted = _decimal(bytes(text[: text.index(b"\n")]))
            if not wanted:
                break
            if wanted < 0 or wanted > most:
                raise Flawed("its map is damaged")
    return [_decimal(line) for line in bytes(text).split(b"\n")[1 : 2 * wanted + 1]], len(text)


def _decimal(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) < 20 else -1
