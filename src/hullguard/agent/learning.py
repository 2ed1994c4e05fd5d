"""What containers of an image do, counted on this node while the image's profile is being learned.

Only what is new is told: an entry when it is first seen, when another container does it, and else once an hour. So a
node sends little beyond its first minutes, and ten thousand of them learn one profile.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct, field

from hullguard.detect.profiles import done, general, profile_of
from hullguard.model.condense import MOST_ENTRIES, condensed
from hullguard.model.event import Event
from hullguard.model.policy import NodePolicies
from hullguard.model.profile import Behaviour, Profile, ProfileState, Tally
from hullguard.wire.limits import BATCH_TALLIES
from hullguard.wire.messages import Learned

TELL_SECONDS = 30.0
AGAIN_SECONDS = 3600.0
_MOST_CONTAINERS = 1024
"""Of one profile at a time; those beyond are learned from, but not counted."""


class _Seen(Struct):
    """One entry since it was last told of, and in which containers it was ever seen."""

    first: datetime
    last: datetime
    times: int = 0
    containers: set[str] = field(default_factory=set)
    fresh: int = 0
    told_at: float | None = None


class _Table:
    """All of one profile's."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.seen: dict[tuple[Behaviour, str], _Seen] = {}
        self.containers: set[str] = set()
        self.fresh = 0
        self.dropped = 0
        self.becomes: dict[tuple[Behaviour, str], tuple[Behaviour, str]] = {}

    def note(self, deed: Behaviour, what: str, event: Event) -> None:
        key = self.becomes.get((deed, what), (deed, what))
        seen = self.seen.get(key)
        if seen is None:
            if len(self.seen) >= MOST_ENTRIES and not self._make_room():
                self.dropped += 1
                return
            seen = self.seen[key] = _Seen(event.at, event.at)
        seen.times += 1
        seen.last = event.at
        container = event.container.id
        if container in self.containers and container not in seen.containers:
            seen.containers.add(container)
            seen.fresh += 1

    def meet(self, container: str) -> bool:
        """Whether the container is met for the first time."""
        if container in self.containers or len(self.containers) >= _MOST_CONTAINERS:
            return False
        self.containers.add(container)
        self.fresh += 1
        return True

    def _make_room(self) -> bool:
        """Entries that are alike become one. What was told of them stays told; the server does the same."""
        becomes = condensed(self.seen)
        together = {key: self.seen[key] for key, wide in becomes.items() if key == wide}
        for key, wide in becomes.items():
            if key != wide:
                one, other = self.seen[key], together.get(wide)
                together[wide] = one if other is None else _joined(one, other)
        self.becomes |= {key: wide for key, wide in becomes.items() if key != wide}
        if len(self.becomes) > 4 * MOST_ENTRIES:
            self.becomes.clear()
        self.seen = together
        return len(self.seen) < MOST_ENTRIES

    def due(self, now: float) -> list[Tally]:
        """What is to be told now; it is as good as told."""
        tallies = []
        for (deed, what), seen in self.seen.items():
            again = seen.told_at is None or seen.fresh or now - seen.told_at >= AGAIN_SECONDS
            if not seen.times or not again:
                continue
            tallies.append(Tally(deed, what, seen.times, seen.fresh, seen.first, seen.last))
            seen.times, seen.fresh, seen.told_at, seen.first = 0, 0, now, seen.last
        return tallies


class Learner:
    """One thread uses it. ``put`` keeps a record until the server has it."""

    def __init__(self, put: Callable[[Learned], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._put, self._clock = put, clock
        self._tables: dict[str, _Table] = {}
        self._told_at = clock()

    def load(self, policies: NodePolicies) -> None:
        """Learn these profiles from now on; what is known of one whose learning goes on is kept."""
        before, self._tables = self._tables, {}
        for profile in policies.profiles:
            if profile.state is ProfileState.LEARNING:
                known = before.get(profile.id)
                same = known is not None and known.profile.generation == profile.generation
                self._tables[profile.id] = known if known is not None and same else _Table(profile)

    def note(self, event: Event) -> None:
        """Take the event into account, if its image is being learned."""
        if not self._tables or event.image is None:
            return
        profile = profile_of((table.profile for table in self._tables.values()), event.image.name)
        if profile is None:
            return
        table = self._tables[profile.id]
        table.meet(event.container.id)
        deed = done(event)
        if deed is not None:
            table.note(deed.deed, deed.what, event)
        # What was running before learning began: without it a container's own main program would be unknown.
        for process in event.lineage[:-1] if deed is not None and deed.deed is Behaviour.EXEC else event.lineage:
            if process.exe and process.exe.startswith("/") and not process.outside:
                what = general(process.exe) if process.exe_new or process.exe_memfd else process.exe
                self._ran(table, what, event)

    def tell(self) -> None:
        """Put what is new into records, now and then."""
        now = self._clock()
        if now - self._told_at < TELL_SECONDS:
            return
        self._told_at = now
        for table in self._tables.values():
            for record in _records(table, now):
                self._put(record)

    def _ran(self, table: _Table, what: str, event: Event) -> None:
        key = table.becomes.get((Behaviour.EXEC, what), (Behaviour.EXEC, what))
        seen = table.seen.get(key)
        if seen is None or event.container.id not in seen.containers:
            table.note(Behaviour.EXEC, what, event)


def _records(table: _Table, now: float) -> Iterator[Learned]:
    profile, tallies = table.profile, table.due(now)
    fresh, dropped = table.fresh, table.dropped
    table.fresh = table.dropped = 0
    for start in range(0, max(len(tallies), 1), BATCH_TALLIES):
        part = tuple(tallies[start : start + BATCH_TALLIES])
        if part or fresh or dropped:
            yield Learned(profile.id, profile.generation, fresh, dropped, part)
        fresh = dropped = 0


def _joined(one: _Seen, other: _Seen) -> _Seen:
    told = [each for each in (one.told_at, other.told_at) if each is not None]
    containers = one.containers | other.containers
    return _Seen(
        min(one.first, other.first),
        max(one.last, other.last),
        one.times + other.times,
        containers,
        min(one.fresh + other.fresh, len(containers)),
        min(told) if told else None,
    )
