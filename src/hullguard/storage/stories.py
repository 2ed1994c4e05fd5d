"""Which observations are one incident, and what they tell together. Pure: nothing here reads a database.

Two observations of one container belong together when they share a key (the root of the process tree, or the session)
and lie within ``WINDOW`` of each other; what belongs to the same belongs together. That is a closure, so the order in
which observations arrive does not matter, nor whether an agent was cut off meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from hullguard.model.attack import ORDER, Tactic, tactic_of
from hullguard.model.event import Process
from hullguard.model.ids import derived_id
from hullguard.model.incident import Loaded, NotKnown, Observation, Step, Story, StoryProcess
from hullguard.model.policy import Action
from hullguard.storage import story_facts
from hullguard.storage.dialect import EPOCH, as_kept

WINDOW: Final = timedelta(minutes=30)
"""Longer without anything to tell, and what comes next is another incident."""
MOST_STEPS: Final = 100
MOST_PROCESSES: Final = 200
MOST_RULES: Final = 64
MOST_KEYS: Final = 32
LONGEST_RULE: Final = 128
_MOST_LINEAGE: Final = 16
_MOST_DETAILS, _LONGEST_DETAIL = 16, 512
_MOST_ARGUMENTS, _LONGEST_ARGUMENT = 32, 256
_MOST_LOADED = 256
_HOST: Final = "host"


class Simulated(Struct, frozen=True, order=True):
    """What a policy would have done, were it not only simulated; the first such observation stands for all."""

    at: datetime
    id: str
    policy: str
    version: int
    would: Action


class Account(Struct, frozen=True, kw_only=True):
    """What some observations come to; two accounts merge into one, in any order, to the same."""

    lead: Observation
    """The gravest, and of those the first."""
    first: datetime
    last: datetime
    observations: int
    keys: frozenset[str]
    rules: tuple[str, ...]
    tactics: frozenset[Tactic]
    steps: tuple[Step, ...]
    left_out: int
    processes: Mapping[str, StoryProcess]
    unplaced: frozenset[str] = frozenset()
    """Techniques that no tactic is known for."""
    simulated: Simulated | None = None
    loaded: Loaded = Loaded()

    def near(self, other: "Account") -> bool:
        """Whether they belong together."""
        apart = max(self.first - other.last, other.first - self.last)
        return apart <= WINDOW and not self.keys.isdisjoint(other.keys)


def account_of(node: str, seen: Observation) -> Account:
    """One observation alone."""
    seen = msgspec.structs.replace(seen, at=as_kept(seen.at))
    lineage = _short(seen.lineage)
    processes = story_processes(lineage)
    tactic = tactic_of(seen.technique)
    step = Step(
        id=seen.id,
        at=seen.at,
        last=seen.at,
        count=1,
        rule=seen.rule,
        title=seen.title,
        title_zh=seen.title_zh,
        severity=seen.severity,
        technique=seen.technique,
        tactic=tactic,
        action=seen.action,
        stopped=seen.stopped,
        would=seen.would,
        deed=seen.deed,
        lineage=tuple(processes),
        details=_brief_details(seen.details),
    )
    return Account(
        lead=seen,
        first=seen.at,
        last=seen.at,
        observations=1,
        keys=keys_of(node, seen),
        rules=(seen.rule[:LONGEST_RULE],),
        tactics=frozenset() if tactic is None else frozenset({tactic}),
        steps=(step,),
        left_out=0,
        processes=processes,
        unplaced=frozenset({seen.technique}) if tactic is None and seen.technique else frozenset(),
        simulated=None
        if seen.would is None or seen.policy is None
        else Simulated(seen.at, seen.id, seen.policy.id, seen.policy.version, seen.would),
        loaded=_together_loaded([seen.loaded or Loaded()]),
    )


def keys_of(node: str, seen: Observation) -> frozenset[str]:
    """What it shares with others of the same attack.

    The root is the outermost process inside the container: what the runtime started, so the container's own first
    process or that of one ``exec``. A process that was adopted by another parent is still in the session of the one
    that began it. Where the root is not known (the kernel tells of a few ancestors only), the container stands for it.
    What the agent says of itself, or of the host, is joined by its rule.
    """
    place = (node, seen.container.id)
    if seen.container.id == _HOST or not seen.container.id:
        return frozenset({derived_id(*place, "rule", seen.rule)})
    root = root_of(seen.lineage)
    if root is None and seen.lineage and seen.deed is None:
        return frozenset({derived_id(*place, "rule", seen.rule)})
    keys = {derived_id(*place, "container") if root is None else derived_id(*place, "root", identity(root))}
    session = seen.lineage[-1].session if seen.lineage else None
    if session:
        keys.add(derived_id(*place, "session", session))
    return frozenset(keys)


def root_of(lineage: Sequence[Process]) -> Process | None:
    """The outermost process inside the container, where that is known."""
    outside = 0
    while outside < len(lineage) and lineage[outside].outside:
        outside += 1
    if outside == len(lineage):
        return None
    first = lineage[outside]
    return first if outside or first.vpid == 1 else None


def identity(process: Process) -> str:
    """Pid and second of the start: the kernel's clock and the wall's drift apart by less between two events."""
    if process.started is None:
        return str(process.pid)
    return f"{process.pid}@{round((as_kept(process.started) - EPOCH).total_seconds())}"


def story_processes(lineage: Sequence[Process]) -> dict[str, StoryProcess]:
    """Outermost first; each is the child of the one before."""
    found: dict[str, StoryProcess] = {}
    parent: str | None = None
    for process in lineage:
        key = identity(process)
        found[key] = StoryProcess(key, parent if parent != key else None, _brief(process))
        parent = key
    return found


def merged(accounts: Iterable[Account]) -> Account:
    """One account of all; at least one is given."""
    parts = list(accounts)
    if len(parts) == 1:
        return parts[0]
    processes: dict[str, StoryProcess] = {}
    for part in parts:
        for key, process in part.processes.items():
            processes[key] = _fuller(processes[key], process) if key in processes else process
    steps, dropped = _joined([step for part in parts for step in part.steps])
    mentioned = {key for step in steps for key in step.lineage}
    return Account(
        lead=min((part.lead for part in parts), key=_leads),
        first=min(part.first for part in parts),
        last=max(part.last for part in parts),
        observations=sum(part.observations for part in parts),
        keys=frozenset(sorted(frozenset().union(*(part.keys for part in parts)))[:MOST_KEYS]),
        rules=tuple(sorted({rule for part in parts for rule in part.rules})[:MOST_RULES]),
        tactics=frozenset().union(*(part.tactics for part in parts)),
        steps=steps,
        left_out=sum(part.left_out for part in parts) + dropped,
        processes={key: process for key, process in processes.items() if key in mentioned},
        unplaced=frozenset(sorted(frozenset().union(*(part.unplaced for part in parts)))[:MOST_RULES]),
        simulated=min((part.simulated for part in parts if part.simulated is not None), default=None),
        loaded=_together_loaded([part.loaded for part in parts]),
    )


def clusters(accounts: Iterable[Account]) -> list[list[Account]]:
    """Those that belong together, directly or through others."""
    groups: dict[int, tuple[Account, list[Account]]] = {}
    known: dict[str, set[int]] = {}
    """The groups that have a key."""
    for number, account in enumerate(accounts):
        hull, parts = account, [account]
        while True:
            sharing = sorted(set().union(*(known.get(key, ()) for key in hull.keys)))
            near = [groups.pop(each) for each in sharing if groups[each][0].near(hull)]
            if not near:
                break
            for key in {key for other, _ in near for key in other.keys}:
                known[key].intersection_update(groups)
            parts = [part for _, members in near for part in members] + parts
            hull = _hull(hull, [group[0] for group in near])
        groups[number] = hull, parts
        for key in hull.keys:
            known.setdefault(key, set()).add(number)
    return [parts for _, parts in groups.values()]


def story(account: Account) -> Story:
    """The account as a document, without what is at stake."""
    kept = _kept_processes(account)
    unknowns = [NotKnown("technique", {"technique": name}) for name in sorted(account.unplaced)]
    if not kept and any(step.deed for step in account.steps):
        unknowns.append(NotKnown("processes"))
    return Story(
        steps=account.steps,
        left_out=account.left_out,
        processes=tuple(kept.values()),
        processes_left_out=len({key for step in account.steps for key in step.lineage} - kept.keys()),
        files=story_facts.files(account.steps),
        sockets=story_facts.sockets(account.steps),
        users=story_facts.users(account.steps, kept),
        loaded=account.loaded,
        unknowns=tuple(unknowns),
    )


def tactics(account: Account) -> tuple[Tactic, ...]:
    """In ATT&CK's order."""
    return tuple(sorted(account.tactics, key=ORDER.__getitem__))


def _hull(account: Account, others: Sequence[Account]) -> Account:
    """Where the group lies, and by what it is known; the rest of it does not matter for joining."""
    everyone = [account, *others]
    return msgspec.structs.replace(
        account,
        first=min(each.first for each in everyone),
        last=max(each.last for each in everyone),
        keys=frozenset().union(*(each.keys for each in everyone)),
    )


def _joined(steps: Sequence[Step]) -> tuple[tuple[Step, ...], int]:
    """The same thing is one step, and the first ones are kept; how many observations are in no step."""
    by_subject: dict[bytes, Step] = {}
    for step in steps:
        subject = _subject(step)
        known = by_subject.get(subject)
        by_subject[subject] = step if known is None else _together(known, step)
    ordered = sorted(by_subject.values(), key=lambda step: (step.at, step.id))
    return tuple(ordered[:MOST_STEPS]), sum(step.count for step in ordered[MOST_STEPS:])


def _together(one: Step, other: Step) -> Step:
    first = min(one, other, key=lambda step: (step.at, step.id))
    return msgspec.structs.replace(
        first,
        last=max(one.last, other.last),
        count=one.count + other.count,
        stopped=one.stopped or other.stopped,
    )


def _together_loaded(parts: Sequence[Loaded]) -> Loaded:
    """Of all; beyond the bound the first ones by name, whatever the order in which they came."""
    files = sorted({path for part in parts for path in part.files if len(path) <= _LONGEST_DETAIL})
    return Loaded(tuple(files[:_MOST_LOADED]), all(part.whole for part in parts) and len(files) <= _MOST_LOADED)


def _subject(step: Step) -> bytes:
    """What makes two observations the same thing: which of a rule's many processes did it does not matter."""
    facts = None if step.deed else {name: said for name, said in step.details.items() if name not in _OF_THE_MOMENT}
    return msgspec.msgpack.encode((step.rule, step.would, step.action, step.deed, facts), order="deterministic")


_OF_THE_MOMENT: Final = frozenset({"since", "until", "count", "pid", "unreported"})
"""Details of what the agent says of itself that differ each time."""


def _leads(seen: Observation) -> tuple[int, bool, bool, datetime, str]:
    return -seen.severity.rank, not seen.stopped, seen.would is None, seen.at, seen.id


def _fuller(one: StoryProcess, other: StoryProcess) -> StoryProcess:
    """A process is told more of when it acts than when its child does; ties go by the bytes, whoever came first."""
    return max(one, other, key=lambda each: (each.parent is not None, _told(each.process), msgspec.json.encode(each)))


def _told(process: Process) -> int:
    return len(process.args) + sum(
        value is not None for value in (process.exe, process.cwd, process.uid, process.started, process.session)
    )


def _kept_processes(account: Account) -> dict[str, StoryProcess]:
    """Those of the first steps; a parent that did not fit is none."""
    order = dict.fromkeys(key for step in account.steps for key in step.lineage if key in account.processes)
    kept = list(order)[:MOST_PROCESSES]
    known = set(kept)
    found = {}
    for key in kept:
        process = account.processes[key]
        found[key] = process if process.parent in known else msgspec.structs.replace(process, parent=None)
    return found


def _short(lineage: Sequence[Process]) -> tuple[Process, ...]:
    """Its beginning tells the root, its end what happened."""
    if len(lineage) <= _MOST_LINEAGE:
        return tuple(lineage)
    return (*lineage[:2], *lineage[2 - _MOST_LINEAGE :])


def _brief(process: Process) -> Process:
    return msgspec.structs.replace(
        process,
        comm=process.comm[:_LONGEST_ARGUMENT],
        exe=None if process.exe is None else process.exe[:_LONGEST_DETAIL],
        cwd=None if process.cwd is None else process.cwd[:_LONGEST_DETAIL],
        args=tuple(argument[:_LONGEST_ARGUMENT] for argument in process.args[:_MOST_ARGUMENTS]),
        args_truncated=process.args_truncated
        or len(process.args) > _MOST_ARGUMENTS
        or any(len(argument) > _LONGEST_ARGUMENT for argument in process.args),
        env=(),
    )


def _brief_details(details: Mapping[str, str]) -> dict[str, str]:
    return {name[:64]: said[:_LONGEST_DETAIL] for name, said in list(details.items())[:_MOST_DETAILS]}
