"""A BPF ring buffer, read in place.

libbpf's own reader moves its position before one knows whether the record was kept, so a crash would lose it. Here the
position moves after the handler returned; it lies in memory shared with the kernel, so the next process goes on there.
Layout: Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c.
"""

import ctypes
import mmap
import platform
import threading
from collections.abc import Callable, Sequence

from hullguard.agent.sensor.abi import Head
from hullguard.agent.sensor.libbpf import Map

_BUSY, _DISCARDED = 1 << 31, 1 << 30
_HEADER = 8
_WINDOW = 64 << 10
"""Bytes of a ring that are mapped at a time: the kernel's memory counts as the process's that maps it."""


class Ring:
    """One consumer of one ring."""

    def __init__(self, ring: Map) -> None:
        self.fd = ring.fd
        self._map = ring
        self._size = ring.entries()
        self._consumer = mmap.mmap(ring.fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._producer = mmap.mmap(ring.fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=mmap.PAGESIZE)
        self._window_start = 0
        self._window = self._mapped(0, min(_WINDOW, self._size))
        self._position = ctypes.c_uint64.from_buffer(self._consumer)
        self._following = self._position.value
        self._lock = threading.Lock()

    def peek(self) -> bytes | None:
        """The next record; again and again the same one, until ``advance``."""
        while self._position.value < self._produced():
            self._order()
            position = self._position.value
            length = int.from_bytes(self._data(position, 4), "little")
            if length & _BUSY:
                return None
            size = length & ~_DISCARDED
            self._following = position + ((size + _HEADER + 7) & ~7)
            if not length & _DISCARDED:
                self._order()
                return self._data(position + _HEADER, size)
            self.advance()
        return None

    def advance(self) -> None:
        """The record is kept elsewhere now; the kernel may write over it."""
        self._order()
        self._position.value = self._following

    def waiting(self) -> int:
        """Bytes that nobody has taken yet."""
        return self._produced() - self._position.value

    def close(self) -> None:
        del self._position
        self._consumer.close()
        self._producer.close()
        self._window.close()
        self._map.close()

    def _data(self, position: int, length: int) -> bytes:
        """What lies there; the window follows."""
        start = position & (self._size - 1)
        if not self._window_start <= start <= self._window_start + len(self._window) - length:
            self._show(start, length)
        start -= self._window_start
        return self._window[start : start + length]

    def _show(self, start: int, length: int) -> None:
        """Moves the window. It may reach over the end: the kernel offers the data twice in a row."""
        page = start - start % mmap.PAGESIZE
        pages = -(-(start + length - page) // mmap.PAGESIZE)
        window = self._mapped(page, max(pages * mmap.PAGESIZE, min(_WINDOW, self._size)))
        self._window.close()
        self._window_start, self._window = page, window

    def _mapped(self, start: int, length: int) -> mmap.mmap:
        """Of the data, which follow the two positions."""
        return mmap.mmap(self.fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=2 * mmap.PAGESIZE + start)

    def _produced(self) -> int:
        return int.from_bytes(self._producer[:8], "little")

    def _order(self) -> None:
        """x86 keeps loads and stores in order by itself; elsewhere two rounds of a lock are a full barrier."""
        if _WEAKLY_ORDERED:
            for _ in range(2):
                with self._lock:
                    pass


def drain(rings: Sequence[Ring], take: Callable[[bytes], None], limit: int) -> int:
    """Hands over up to ``limit`` records of all rings in the order of their sequence numbers.

    A record is gone for good once ``take`` returned; where it raises, the record stays.
    """
    heads: list[bytes | None] = [None for _ in rings]
    taken = 0
    while taken < limit:
        _look_again(rings, heads)
        ready = [(_sequence(head), index) for index, head in enumerate(heads) if head is not None]
        if not ready:
            break
        _, index = min(ready)
        take(heads[index] or b"")
        rings[index].advance()
        heads[index] = rings[index].peek()
        taken += 1
    return taken


def _look_again(rings: Sequence[Ring], heads: list[bytes | None]) -> None:
    """Until the rings that were empty still are, after the last record was seen that is in another one.

    A process's start and what it does then lie in different rings, and both may come between two looks.
    """
    found = True
    while found:
        found = False
        for index, ring in enumerate(rings):
            if heads[index] is None:
                heads[index] = ring.peek()
                found = found or heads[index] is not None


def _sequence(record: bytes) -> int:
    return int.from_bytes(record[_SEQUENCE : _SEQUENCE + 8], "little")


_SEQUENCE = Head.sequence.offset
_WEAKLY_ORDERED = platform.machine() not in {"x86_64", "AMD64"}
