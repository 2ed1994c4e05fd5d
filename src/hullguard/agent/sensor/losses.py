"""What the kernel could not tell: how much in all, and as gaps, each of one container, one class and a time."""

import time
from collections.abc import Iterator

from msgspec import Struct

from hullguard.agent.sensor import abi, libbpf
from hullguard.agent.sensor.pins import Pins

_LATELY = 300.0
_PAUSE_NS = 10_000_000_000
"""A flood is told at its beginning and then every ten seconds, not with every ring that overflows."""
_PROCESSES = [number for number, name in enumerate(abi.CLASSES * 2) if name in {"exec", "process"}]
"""Which totals are of programs' starts and ends, lost and limited."""
_LOOK_NS = 1_000_000_000
_WHY = {abi.RING_FULL: "full", abi.RATE_LIMIT: "limit", abi.UNREADABLE: "unreadable"}
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
        self._totals = pins.map("lost", libbpf.possible_cpus())
        self._places = pins.map("losses")
        self._passed_over = _PassedOver(pins)
        self._known = self._sum() + self._passed_over.count
        self._told = {key: (loss.count, loss.last_ns) for key, loss in self._entries()}
        self._outdated = sum(map(self._total, _PROCESSES)) + self._passed_over.count, 0
        self._grew = float("-inf")
        self._pending = False

    def counts(self) -> dict[str, int]:
        """Events lost since the sensor was loaded, per class; those over a limit under ``limited``.

        Under ``passed_over``: calls that a busy processor kept from every program, of whatever class and container.
        """
        values = [self._total(number) for number in range(2 * len(abi.CLASSES))]
        lost = dict(zip(abi.CLASSES, values, strict=False))
        limited = sum(values[len(abi.CLASSES) :])
        more = {"limited": limited, "passed_over": self._passed_over.count}
        return lost | {name: count for name, count in more.items() if count}

    def lately(self) -> bool:
        """Whether anything was lost in the last minutes."""
        self._look()
        return time.monotonic() - self._grew < _LATELY

    def outdated(self) -> bool:
        """Whether starts or ends of programs were lost since this was last said; at most once a second.

        It does not wait as the news do: what is known of processes is wrong from that moment.
        """
        lost = sum(map(self._total, _PROCESSES)) + self._passed_over.count
        now = _now_ns()
        if lost == self._outdated[0] or now - self._outdated[1] < _LOOK_NS:
            return False
        self._outdated = lost, now
        return True

    def news(self) -> list[Loss]:
        """What was lost since the last call, as far as it is time to tell."""
        self._look()
        found = self._passed_over.news()
        if not self._pending:
            return found
        self._pending = False
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
        self._passed_over.look()
        lost = self._sum() + self._passed_over.count
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


class _PassedOver:
    """What the kernel itself counts: it runs no program within another on the same processor, and tells nobody."""

    def __init__(self, pins: Pins) -> None:
        self._pins = pins
        self._before = self._now = self._sum()
        self._at_ns, self._since_ns = _now_ns(), _now_ns()

    @property
    def count(self) -> int:
        """Since the programs were loaded."""
        return self._now

    def look(self) -> None:
        """Once a second is enough; programs come and go with the policies, so the sum may fall."""
        now = _now_ns()
        if now - self._at_ns >= _LOOK_NS:
            self._at_ns, self._now = now, self._sum()
            self._before = min(self._before, self._now)

    def news(self) -> list[Loss]:
        """At most one, of nobody's cgroup."""
        if self._now == self._before:
            return []
        found = Loss(0, "any", "busy", self._now - self._before, self._since_ns, self._at_ns)
        self._before, self._since_ns = self._now, self._at_ns
        return [found]

    def _sum(self) -> int:
        return sum(libbpf.misses(program) for program in self._pins.programs())


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)
