"""What a story says apart from its time line: files, sockets, users; and how grave it is, with the reasons."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Final

import msgspec

from hullguard.model.attack import Tactic
from hullguard.model.event import EventKind, Process
from hullguard.model.incident import AtStake, FileSeen, NotKnown, Raise, SocketSeen, Step, Story, StoryProcess, UserSeen
from hullguard.model.package import OS_TYPES
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity

SERIOUS: Final = (Severity.CRITICAL, Severity.HIGH)
CHAIN: Final = 3
"""As many tactics make an attack of what may each be a habit: one step graver, and two from ``LONG_CHAIN`` on."""
LONG_CHAIN: Final = 5
MOST_AT_STAKE: Final = 20
_OF_STEPS: Final = frozenset({"technique", "processes"})
"""Codes of what the steps leave unknown; the others are about what is at stake."""
_OS_PURLS: Final = tuple(f"pkg:{kind.value}/" for kind in OS_TYPES)


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
    serious = sum(each.severity in SERIOUS or each.exploited for each in at_stake)
    if serious:
        found.append(Raise("vulnerable", 1, serious))
    return tuple(found)


def raised(gravest: Severity, reasons: Iterable[Raise]) -> Severity:
    """The severity with what the reasons add."""
    return Severity.from_rank(min(Severity.CRITICAL.rank, gravest.rank + sum(each.by for each in reasons)))


def at_stake(
    processes: Iterable[Process], report: ScanReport | None
) -> tuple[tuple[AtStake, ...], int, tuple[NotKnown, ...]]:
    """Vulnerabilities of the image in programs that ran, the gravest first; how many more; and what is not known.

    Programs that the image did not bring are no package's. Which libraries a program had mapped is not recorded.
    """
    programs = sorted(
        {each.exe for each in processes if each.exe and not (each.exe_new or each.exe_memfd or each.outside)}
    )
    if not programs:
        return (), 0, ()
    if report is None:
        return (), 0, (NotKnown("image-unread"),)
    by_package: dict[str, list[Vulnerability]] = {}
    for vulnerability in report.vulnerabilities:
        by_package.setdefault(vulnerability.package, []).append(vulnerability)
    found: dict[tuple[str, str], AtStake] = {}
    unowned = []
    for program in programs:
        owners = _owners(program, report.packages)
        unowned += [] if owners else [program]
        for package, by in owners:
            for each in by_package.get(package.purl, ()):
                found.setdefault((each.id, package.purl), _at_stake(each, package, program, by))
    ordered = sorted(found.values(), key=lambda each: (-each.severity.rank, not each.exploited, each.vulnerability))
    unknowns = [NotKnown("libraries")]
    if unowned:
        unknowns.append(NotKnown("programs", {"count": len(unowned), "example": unowned[0][:200]}))
    if report.advisories.built is None:
        unknowns.append(NotKnown("image-unmatched"))
    return tuple(ordered[:MOST_AT_STAKE]), len(ordered[MOST_AT_STAKE:]), tuple(unknowns)


def weighed(told: Story, report: ScanReport | None) -> Story:
    """The story with what is at stake by this report."""
    found, left_out, unknowns = at_stake([each.process for each in told.processes], report)
    kept = tuple(each for each in told.unknowns if each.code in _OF_STEPS)
    return msgspec.structs.replace(told, at_stake=found, at_stake_left_out=left_out, unknowns=(*kept, *unknowns))


def weighed_as(told: Story, before: Story) -> Story:
    """The story with what was at stake in the one before, whose processes are the same."""
    kept = tuple(each for each in before.unknowns if each.code not in _OF_STEPS)
    return msgspec.structs.replace(
        told,
        at_stake=before.at_stake,
        at_stake_left_out=before.at_stake_left_out,
        unknowns=(*told.unknowns, *kept),
    )


def _at_stake(found: Vulnerability, package: ReportedPackage, program: str, by: str) -> AtStake:
    return AtStake(
        found.id[:128],
        found.severity,
        package.name[:255],
        found.installed[:255],
        found.fixed,
        found.kev,
        program[:512],
        by,
    )


def _owners(program: str, packages: Iterable[ReportedPackage]) -> list[tuple[ReportedPackage, str]]:
    """The packages whose program it is: those that are this very file, else the distribution's of its name."""
    packages = list(packages)
    inside = program.lstrip("/")
    exact = [each for each in packages if inside in (location.lstrip("/") for location in each.locations)]
    if exact:
        return [(each, "location") for each in exact]
    name = PurePosixPath(program).name
    return [
        (each, "name") for each in packages if each.purl.startswith(_OS_PURLS) and name in {each.name, each.source_name}
    ]
