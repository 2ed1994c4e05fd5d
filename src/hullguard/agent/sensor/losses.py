"""What the kernel could not tell: how much in all, and as gaps, each of one container, one class and a time."""

import ctypes
import time
from collections.abc import Iterator

from msgspec import Struct

from hullguard.agent.sensor import abi, libbpf
from hullguard.agent.sensor.pins import Pins

_LATELY = 300.0
_PAUSE_NS = 10_000_000_000
"""A flood is told at its beginning and then every ten seconds, not with every ring that overflows."""
_WHY = {abi.RING_FULL: "full", abi.RATE_LIMIT: "limit"}
_WORD = 8


class Loss(Struct, frozen=True):
    """Times in nanoseconds since boot."""

    cgroup: int
    what: str
    why: str
    count: int
    since_ns: int
    until_ns: int


class Losses:
    """Reads the kernel's counters; what was lost before it was made is not news."""

    def __init__(self, pins: Pins) -> None:
        self._totals = pins.map("lost", 4, _WORD * libbpf.possible_cpus())
        self._places = pins.map("losses", ctypes.sizeof(abi.LossKey), ctypes.sizeof(abi.Loss))
        self._known = self._sum()
        self._told = {key: (loss.count, loss.last_ns) for key, loss in self._entries()}
        self._grew = float("-inf")
        self._pending = False

    def counts(self) -> dict[str, int]:
        """Events lost since the sensor was loaded, per class; those over a limit under ``limited``."""
        values = [self._total(number) for number in range(2 * len(abi.CLASSES))]
        lost = dict(zip(abi.CLASSES, values, strict=False))
        limited = sum(values[len(abi.CLASSES) :])
        return {**lost, "limited": limited} if limited else lost

    def lately(self) -> bool:
        """Whether anything was lost in the last minutes."""
        self._look()
        return time.monotonic() - self._grew < _LATELY

    def news(self) -> list[Loss]:
        """What was lost since the last call, as far as it is time to tell."""
        self._look()
        if not self._pending:
            return []
        found, self._pending = [], False
        for key, loss in self._entries():
            count, until = self._told.get(key, (0, 0))
            if loss.count == count:
                continue
            if count and loss.last_ns - until < _PAUSE_NS and _now_ns() - until < _PAUSE_NS:
                self._pending = True
                continue
            self._told[key] = (loss.count, loss.last_ns)
            where = abi.LossKey.from_buffer_copy(key)
            what = abi.CLASSES[getattr(where, "class")]
            since = max(until, loss.first_ns)
            found.append(Loss(where.cgroup, what, _WHY[where.why], loss.count - count, since, loss.last_ns))
        return found

    def close(self) -> None:
        self._totals.close()
        self._places.close()

    def _look(self) -> None:
        lost = self._sum()
        if lost > self._known:
            self._known, self._grew, self._pending = lost, time.monotonic(), True

    def _sum(self) -> int:
        return sum(self._total(number) for number in range(2 * len(abi.CLASSES)))

    def _total(self, number: int) -> int:
        counts = self._totals.get(number.to_bytes(4, "little")) or b""
        return sum(int.from_bytes(counts[at : at + _WORD], "little") for at in range(0, len(counts), _WORD))

    def _entries(self) -> Iterator[tuple[bytes, abi.Loss]]:
        for key in list(self._places.keys()):
            value = self._places.get(key)
            if value is not None:
                yield key, abi.Loss.from_buffer_copy(value)


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
