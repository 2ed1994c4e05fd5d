"""What a story says apart from its time line: files, sockets, users; and how grave it is, with the reasons."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from hullguard.model.attack import Tactic
from hullguard.model.event import EventKind
from hullguard.model.incident import AtStake, FileSeen, Raise, SocketSeen, Step, StoryProcess, UserSeen
from hullguard.model.severity import Severity

SERIOUS: Final = (Severity.CRITICAL, Severity.HIGH)
CHAIN: Final = 3
"""As many tactics make an attack of what may each be a habit: one step graver, and two from ``LONG_CHAIN`` on."""
LONG_CHAIN: Final = 5


def files(steps: Iterable[Step]) -> tuple[FileSeen, ...]:
    """Every path with what was done to it, in the order of the time line."""
    hows: dict[str, dict[str, None]] = {}
    counts: dict[str, int] = {}
    for step in steps:
        deed = step.deed
        if deed is None or deed.remote is not None:
            continue
        for path in (deed.path, deed.target):
            if path is None or not path.startswith("/"):
                continue
            hows.setdefault(path, {}).update(dict.fromkeys(_how(step)))
            counts[path] = counts.get(path, 0) + step.count
    return tuple(FileSeen(path, tuple(how), counts[path]) for path, how in hows.items())


def _how(step: Step) -> list[str]:
    deed = step.deed
    if deed is None:
        return []
    if deed.kind is EventKind.EXEC:
        return ["run-new" if deed.new_file else "run"]
    if deed.kind is EventKind.FILE_OPEN:
        return [word for word, so in (("read", deed.reads), ("write", deed.writes)) if so] or ["file_open"]
    return [deed.kind.value]


def sockets(steps: Iterable[Step]) -> tuple[SocketSeen, ...]:
    """The other ends, in the order of the time line."""
    counts: dict[tuple[str, int, str, bool], int] = {}
    for step in steps:
        if step.deed is not None and (remote := step.deed.remote) is not None:
            key = (remote.address, remote.port, remote.name, step.deed.inbound)
            counts[key] = counts.get(key, 0) + step.count
    return tuple(SocketSeen(*key, count) for key, count in counts.items())


def users(steps: Iterable[Step], processes: Mapping[str, StoryProcess]) -> tuple[UserSeen, ...]:
    """Of the processes that did something."""
    found: dict[UserSeen, None] = {}
    for step in steps:
        actor = processes.get(step.lineage[-1]) if step.lineage else None
        if actor is not None and actor.process.uid is not None:
            one = actor.process
            found[UserSeen(one.uid or 0, one.user_name or "", one.login_name or "")] = None
    return tuple(found)


def raises(tactics: Collection[Tactic], at_stake: Sequence[AtStake]) -> tuple[Raise, ...]:
    """Why the incident is graver than its gravest rule."""
    found = []
    if len(tactics) >= CHAIN:
        found.append(Raise("tactics", 2 if len(tactics) >= LONG_CHAIN else 1, len(tactics)))
    # Nearly every process has some library with a grave one: without more that tells nothing of this incident.
    serious = sum(each.exploited or (each.severity in SERIOUS and not each.library) for each in at_stake)
    if serious:
        found.append(Raise("vulnerable", 1, serious))
    return tuple(found)


def raised(gravest: Severity, reasons: Iterable[Raise]) -> Severity:
    """The severity with what the reasons add."""
    return Severity.from_rank(min(Severity.CRITICAL.rank, gravest.rank + sum(each.by for each in reasons)))
