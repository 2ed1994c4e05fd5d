"""A BPF ring buffer, read in place.

libbpf's own reader moves its position before one knows whether the record was kept, so a crash would lose it. Here the
position moves after the handler returned; it lies in memory shared with the kernel, so the next process goes on there.
Layout: Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c.
"""

import ctypes
import mmap
import platform
import threading
from collections.abc import Callable

from hullguard.agent.sensor.libbpf import Map

_BUSY, _DISCARDED = 1 << 31, 1 << 30
_HEADER = 8


class Ring:
    """One consumer of one ring."""

    def __init__(self, ring: Map) -> None:
        size = ring.entries()
        self.fd = ring.fd
        self._map = ring
        self._mask = size - 1
        self._consumer = mmap.mmap(ring.fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        # The data lies there twice in a row, so a record that wraps around can be read in one piece.
        self._producer = mmap.mmap(
            ring.fd, mmap.PAGESIZE + 2 * size, mmap.MAP_SHARED, mmap.PROT_READ, offset=mmap.PAGESIZE
        )
        self._position = ctypes.c_uint64.from_buffer(self._consumer)
        self._lock = threading.Lock()

    def drain(self, take: Callable[[bytes], None], limit: int) -> int:
        """Hands over up to ``limit`` records; each is gone for good once ``take`` returned."""
        taken = 0
        position = self._position.value
        produced = self._produced()
        while position < produced and taken < limit:
            self._order()
            start = mmap.PAGESIZE + (position & self._mask)
            length = int.from_bytes(self._producer[start : start + 4], "little")
            if length & _BUSY:
                break
            size = length & ~(_BUSY | _DISCARDED)
            if not length & _DISCARDED:
                self._order()
                take(self._producer[start + _HEADER : start + _HEADER + size])
                taken += 1
            position += (size + _HEADER + 7) & ~7
            self._order()
            self._position.value = position
        return taken

    def waiting(self) -> int:
        """Bytes that nobody has taken yet."""
        return self._produced() - self._position.value

    def close(self) -> None:
        del self._position
        self._consumer.close()
        self._producer.close()
        self._map.close()

    def _produced(self) -> int:
        return int.from_bytes(self._producer[:8], "little")

    def _order(self) -> None:
        """x86 keeps loads and stores in order by itself; elsewhere two rounds of a lock are a full barrier."""
        if _WEAKLY_ORDERED:
            for _ in range(2):
                with self._lock:
                    pass


_WEAKLY_ORDERED = platform.machine() not in {"x86_64", "AMD64"}
