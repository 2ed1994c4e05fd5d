"""What became of an image: two reports in, what changed out, and what to update next."""

import enum
from collections.abc import Iterable, Sequence

from msgspec import Struct

from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.model.image import Target
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity


class Verdict(enum.StrEnum):
    """Decided by the gravest severity whose number differs."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNDECIDED = "undecided"
    """One of the two was not read to its end, so that fewer findings may only mean that fewer were looked for."""


class Change(Struct, frozen=True):
    """A package that both images have, in other versions."""

    name: str
    ecosystem: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Upgrade(Struct, frozen=True):
    """The lowest version that rids one package of everything that an update can rid it of."""

    name: str
    """Of the source package where a distribution builds several packages from one."""
    ecosystem: str
    installed: str
    to: str
    removes: tuple[str, ...]
    """The vulnerabilities that go away."""
    findings: int
    """Counted once per installed package."""
    gravest: Severity
    packages: tuple[str, ...]


class Difference(Struct, frozen=True, tag_field="schema", tag="hullguard/scan-diff/1"):
    """From ``before`` to ``after``; ``upgrades`` speak of ``after``."""

    before: Target
    after: Target
    verdict: Verdict
    sentence: str
    added: tuple[ReportedPackage, ...]
    removed: tuple[ReportedPackage, ...]
    changed: tuple[Change, ...]
    new: tuple[Vulnerability, ...]
    fixed: tuple[Vulnerability, ...]
    still: tuple[Vulnerability, ...]
    upgrades: tuple[Upgrade, ...]


def compare(before: ScanReport, after: ScanReport) -> Difference:
    """A finding stays the same finding when its package got another version and is still affected."""
    added, removed, changed = _packages(before, after)
    old, now = _by_identity(before.vulnerabilities), _by_identity(after.vulnerabilities)
    verdict, sentence = _verdict(before, after)
    return Difference(
        before=before.target,
        after=after.target,
        verdict=verdict,
        sentence=sentence,
        added=added,
        removed=removed,
        changed=changed,
        new=_gravest_first(now[key] for key in now.keys() - old.keys()),
        fixed=_gravest_first(old[key] for key in old.keys() - now.keys()),
        still=_gravest_first(now[key] for key in now.keys() & old.keys()),
        upgrades=upgrades(after),
    )


def upgrades(report: ScanReport) -> tuple[Upgrade, ...]:
    """The smallest set of updates that removes all that updates can remove, the most rewarding first."""
    packages = {package.purl: package for package in report.packages}
    groups: dict[tuple[str, str, str], list[Vulnerability]] = {}
    for one in report.vulnerabilities:
        package = packages.get(one.package)
        if package is None or one.fixed is None:
            continue
        name = package.source_name or package.name
        groups.setdefault((package.ecosystem, name, package.source_version or package.version), []).append(one)
    found = []
    for (ecosystem, name, installed), findings in groups.items():
        target, removed = _lowest(order_of(ecosystem), findings)
        if target is not None:
            found.append(
                Upgrade(
                    name=name,
                    ecosystem=ecosystem,
                    installed=installed,
                    to=target,
                    removes=tuple(sorted({one.id for one in removed})),
                    findings=len(removed),
                    gravest=max((one.severity for one in removed), key=lambda severity: severity.rank),
                    packages=tuple(sorted({packages[one.package].name for one in removed})),
                )
            )
    return tuple(sorted(found, key=lambda one: (-one.gravest.rank, -one.findings, one.ecosystem, one.name)))


def _lowest(order: Order | None, findings: Sequence[Vulnerability]) -> tuple[str | None, list[Vulnerability]]:
    """The highest of the fixed versions. One that cannot be ordered promises nothing: its finding is left out."""
    best: str | None = None
    removed: list[Vulnerability] = []
    for one in findings:
        try:
            higher = _higher(order, best, one.fixed or "")
        except UnreadableVersion:
            continue
        best = higher
        removed.append(one)
    return best, removed


def _higher(order: Order | None, one: str | None, other: str) -> str:
    if one is None or one == other:
        if order is not None:
            order.key(other)
        return other
    if order is None:
        raise UnreadableVersion(other, "comparable")
    return other if order.key(other) > order.key(one) else one


def _packages(
    before: ScanReport, after: ScanReport
) -> tuple[tuple[ReportedPackage, ...], tuple[ReportedPackage, ...], tuple[Change, ...]]:
    old, now = _by_name(before.packages), _by_name(after.packages)
    added = tuple(package for key in sorted(now.keys() - old.keys()) for package in now[key])
    removed = tuple(package for key in sorted(old.keys() - now.keys()) for package in old[key])
    changed = []
    for key in sorted(old.keys() & now.keys()):
        was, became = ({package.version for package in side[key]} for side in (old, now))
        if was != became:
            first = now[key][0]
            changed.append(Change(first.name, first.ecosystem, tuple(sorted(was)), tuple(sorted(became))))
    return added, removed, tuple(changed)


def _by_name(packages: Iterable[ReportedPackage]) -> dict[str, list[ReportedPackage]]:
    groups: dict[str, list[ReportedPackage]] = {}
    for package in packages:
        groups.setdefault(_without_version(package.purl), []).append(package)
    return groups


def _by_identity(found: Iterable[Vulnerability]) -> dict[tuple[str, str], Vulnerability]:
    return {(one.id, _without_version(one.package)): one for one in found}


def _without_version(purl: str) -> str:
    """Names in a purl have no bare ``@``: npm's scopes are written ``%40``."""
    return purl.partition("@")[0]


def _gravest_first(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple(sorted(found, key=lambda one: (-one.priority.score, -one.severity.rank, one.package, one.id)))


def _verdict(before: ScanReport, after: ScanReport) -> tuple[Verdict, str]:
    steps = []
    for severity in Severity:
        was, became = (
            sum(one.severity is severity for one in _by_identity(side.vulnerabilities).values())
            for side in (before, after)
        )
        if was != became:
            steps.append((became - was, severity))
    if not (before.complete and after.complete):
        return Verdict.UNDECIDED, "undecided: one of the two was not read to its end"
    if not steps:
        return Verdict.SAME, "the same: as many findings of every severity"
    verdict = Verdict.BETTER if steps[0][0] < 0 else Verdict.WORSE
    words = [f"{abs(step)} {'fewer' if step < 0 else 'more'} {severity}" for step, severity in steps]
    return verdict, f"{verdict}: {', '.join(words)}"
