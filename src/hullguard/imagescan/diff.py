"""What became of an image: two reports in, what changed out, and what to update next."""

import enum
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from msgspec import Struct

from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.imagescan.unread import unread
from hullguard.model.image import Target
from hullguard.model.package import OF_SYSTEM, Unknown
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity


class Verdict(enum.StrEnum):
    """Decided by the gravest severity whose number differs."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    UNDECIDED = "undecided"
    """One was not read to its end or not judged, or less of it was asked for: fewer findings may only mean that."""


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
    unknowns_before: tuple[Unknown, ...] = ()
    """What could not be decided of ``before`` only, and of which of its packages nobody could say anything."""
    unknowns_after: tuple[Unknown, ...] = ()
    """As much of ``after``."""


_LAST = re.compile("[:/]")
"""What stands before the last part of a name, which some bills of materials write apart."""
_COUNTED = re.compile(r"\d+ OS packages")
"""What is said of packages that are told one by one in the report, too."""
_Copies: TypeAlias = dict[tuple[str, str], dict[tuple[str, str], Vulnerability]]
"""By vulnerability and package without its version, then by place and purl."""


def compare(before: ScanReport, after: ScanReport) -> Difference:
    """A finding stays the same finding when its package got another version or place and is still affected.

    Of a package that lies in several places each copy counts: one more that is affected is new.
    """
    added, removed, changed = _packages(before, after)
    new, fixed, still = _findings(_copies(before), _copies(after))
    verdict, sentence = _verdict(before, after)
    return Difference(
        before=before.target,
        after=after.target,
        verdict=verdict,
        sentence=sentence,
        added=added,
        removed=removed,
        changed=changed,
        new=_gravest_first(new),
        fixed=_gravest_first(fixed),
        still=_gravest_first(still),
        upgrades=upgrades(after),
        unknowns_before=_told(before, after),
        unknowns_after=_told(after, before),
    )


def _told(one: ScanReport, other: ScanReport) -> tuple[Unknown, ...]:
    """What was not judged in both is not the same for that: it may be vulnerable in one of the two."""
    theirs = set(other.unknowns)
    return tuple(each for each in one.unknowns if each.unjudged or each not in theirs)


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


def _copies(report: ScanReport) -> _Copies:
    """Every finding at every place of its package, in the order of the places."""
    places = {(package.purl, package.layer): package.locations for package in report.packages}
    found: _Copies = {}
    for one in report.vulnerabilities:
        copies = found.setdefault((one.id, _without_version(one.package)), {})
        for place in places.get((one.package, one.layer)) or ("",):
            copies[place, one.package] = one
    return found


def _findings(before: _Copies, after: _Copies) -> tuple[list[Vulnerability], list[Vulnerability], list[Vulnerability]]:
    """New, fixed and still there: a place that is gone and one that is new are one copy that moved or was updated."""
    new: list[Vulnerability] = []
    fixed: list[Vulnerability] = []
    still: list[Vulnerability] = []
    for key in before.keys() | after.keys():
        old, now = before.get(key, {}), after.get(key, {})
        lasting = {place for place, _ in old} & {place for place, _ in now}
        moved = [
            [one for (place, _), one in sorted(side.items(), key=_place) if place not in lasting] for side in (old, now)
        ]
        pairs = min(map(len, moved))
        still += [one for (place, _), one in now.items() if place in lasting]
        still += moved[1][:pairs]
        fixed += moved[0][pairs:]
        new += moved[1][pairs:]
    return new, fixed, still


def _place(copy: tuple[tuple[str, str], Vulnerability]) -> tuple[str, str]:
    return copy[0]


def _without_version(purl: str) -> str:
    """Names in a purl have no bare ``@``: npm's scopes are written ``%40``."""
    return purl.partition("@")[0]


def _gravest_first(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    """Each once, however many copies of its package there are."""
    once = {(one.id, one.package, one.layer): one for one in found}.values()
    return tuple(sorted(once, key=lambda one: (-one.priority.score, -one.severity.rank, one.package, one.id)))


def _verdict(before: ScanReport, after: ScanReport) -> tuple[Verdict, str]:
    was, became = (_counts(_copies(side)) for side in (before, after))
    steps = [(became[each] - was[each], each) for each in Severity if was[each] != became[each]]
    if not (before.complete and after.complete):
        return Verdict.UNDECIDED, "undecided: one of the two was not read to its end"
    if _unjudged(before, after) or _unjudged(after, before):
        return (
            Verdict.UNDECIDED,
            "undecided: packages of one of the two could not be judged while those of the other were",
        )
    if any(_no_longer_read(*sides) or _perhaps_unread(*sides) for sides in ((before, after), (after, before))):
        return Verdict.UNDECIDED, "undecided: what is gone from one of the two may be what could not be read there"
    if (why := _incomparable(before, after)) is not None:
        return Verdict.UNDECIDED, why
    if not steps and not _as_well_judged(before, after):
        return Verdict.UNDECIDED, "undecided: nothing is found more or less, but not all packages were judged"
    if not steps and unread(before) != unread(after):
        return Verdict.UNDECIDED, "undecided: nothing is found more or less, but more was left unread in one of the two"
    if not steps:
        return Verdict.SAME, "the same: as many findings of every severity"
    verdict = Verdict.BETTER if steps[0][0] < 0 else Verdict.WORSE
    words = [f"{abs(step)} {'fewer' if step < 0 else 'more'} {severity}" for step, severity in steps]
    return verdict, f"{verdict}: {', '.join(words)}"


def _incomparable(before: ScanReport, after: ScanReport) -> str | None:
    """Why fewer findings of one may only mean that fewer were asked for."""
    if before.advisories.built is None or after.advisories.built is None:
        return "undecided: nobody looked for vulnerabilities in one of the two, or in both"
    asked = [
        (set(each.severities), each.fixable_only) if each else (set(), False) for each in (before.asked, after.asked)
    ]
    if asked[0] != asked[1] and any(each and each.left_out for each in (before.asked, after.asked)):
        return "undecided: --severity or --ignore-unfixed left findings out of one of the two, and not of the other"
    return None


def _counts(found: _Copies) -> Counter[Severity]:
    return Counter(one.severity for copies in found.values() for one in copies.values())


def _unjudged(one: ScanReport, other: ScanReport) -> bool:
    """Whether what the other one has judged packages of was not judged, or not found, in this one."""
    unknown = {each.what for each in one.unknowns}
    theirs = {package.ecosystem for package in other.packages} - {each.what for each in other.unknowns}
    if not unknown.isdisjoint(theirs):
        return True  # the advisories that were asked hold nothing of it
    if not any(package.ecosystem in theirs for package in other.packages if _of_system(package) and package.ecosystem):
        return False
    own = [package for package in one.packages if _of_system(package)]
    # Of a distribution or a release without advisories, or whose database was not found; one from scratch has neither.
    unjudged = any(not package.ecosystem or package.ecosystem in unknown for package in own)
    return unjudged or bool(one.os and unknown and not own)


def lets_in_unjudged(before: ScanReport, after: ScanReport) -> bool:
    """Whether ``after`` has packages that nobody judged and that ``before`` has not: new findings may be theirs."""
    return not _not_judged(after) <= _not_judged(before)


def _as_well_judged(before: ScanReport, after: ScanReport) -> bool:
    """Whether what was not judged is the same of both, and something was judged: else equal figures say nothing."""
    unjudged = _not_judged(before)
    return unjudged == _not_judged(after) and (not unjudged or _any_judged(before))


def _not_judged(report: ScanReport) -> set[str]:
    """The packages, by purl, and the parts of a bill of materials of which no advisory could say anything."""
    unknown = {each.what for each in report.unknowns if each.unjudged}
    packages = {
        each.purl for each in report.packages if each.ecosystem in unknown or (not each.ecosystem and _of_system(each))
    }
    nameless = unknown - {each.ecosystem for each in report.packages}
    return packages | {what for what in nameless if not _COUNTED.fullmatch(what)}


def _any_judged(report: ScanReport) -> bool:
    unknown = {each.what for each in report.unknowns if each.unjudged}
    return any(each.ecosystem and each.ecosystem not in unknown for each in report.packages)


def _no_longer_read(one: ScanReport, other: ScanReport) -> bool:
    """Whether a file in which the one has a vulnerable package could not be read in the other."""
    vulnerable = {(each.package, each.layer) for each in one.vulnerabilities}
    places = {place for each in one.packages if (each.purl, each.layer) in vulnerable for place in each.locations}
    doubted = {unknown.what for unknown in other.unknowns} - {unknown.what for unknown in one.unknowns}
    return not doubted.isdisjoint(place for each in places for place in (each, each.partition("!/")[0]))


def _perhaps_unread(one: ScanReport, other: ScanReport) -> bool:
    """Whether a package that is vulnerable in the one may be in what the other has more of and was not read there.

    An application that was packed into archives has lost none of its packages.
    """
    vulnerable = {(each.package, each.layer) for each in one.vulnerabilities}
    kept = {_without_version(each.purl) for each in other.packages}
    gone = [
        each
        for each in one.packages
        if (each.purl, each.layer) in vulnerable and _without_version(each.purl) not in kept
    ]
    if not gone:
        return False
    more = unread(other) - unread(one)
    nameless = {each.what.partition(" ")[0] for each in other.unknowns if each.unjudged}
    return any(
        each.purl.removeprefix("pkg:").partition("/")[0] in more or _LAST.split(each.name)[-1] in nameless
        for each in gone
    )


def _of_system(package: ReportedPackage) -> bool:
    return package.purl.startswith(OF_SYSTEM)
