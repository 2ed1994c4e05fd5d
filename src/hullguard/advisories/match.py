"""Matches the packages of an inventory against what is known; pure but for the look-ups that it is given."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Protocol, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from hullguard.advisories.changes import Change
from hullguard.advisories.coverage import family_of
from hullguard.advisories.evaluate import Verdict, judge, settled
from hullguard.advisories.findings import Findings, Match, findings, in_package
from hullguard.advisories.osv import Advisory, Statement
from hullguard.advisories.products import beside, is_ubuntu_pro, products, releases
from hullguard.advisories.severity import CveRating
from hullguard.advisories.subjects import Subject, addresses, comparable, is_kernel, order_for, subject, subjects
from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.model.inventory import Inventory
from hullguard.model.package import OS_TYPES, Package, PackageType, Unknown
from hullguard.model.report import Suppressed, Vulnerability

_MOST_HELD = 50_000
"""Findings, of about a kilobyte each."""


class Lookup(Protocol):
    """What the database answers."""

    def statements(self, ecosystem: str, name: str) -> Sequence[tuple[Advisory, Statement]]: ...
    def ecosystems(self) -> frozenset[str]: ...
    def covers(self, ecosystem: str) -> bool: ...
    def doubt(self, ecosystem: str, today: date) -> str | None: ...
    def named_in(self, ecosystems: Collection[str], names: Collection[str]) -> frozenset[str]: ...
    def known_exploited(self, cve: str) -> bool: ...
    def epss(self, cve: str) -> float | None: ...
    def ratings(self, cve: str) -> Iterable[CveRating]: ...


class Matched(Struct, frozen=True):
    """What is wrong with an inventory: the gravest first."""

    vulnerabilities: tuple[Vulnerability, ...]
    suppressed: tuple[Suppressed, ...]
    unknowns: tuple[Unknown, ...]
    """Everything that could not be judged."""


class Known(Struct, frozen=True):
    """What is found of every package of certain names and versions."""

    findings: Findings
    doubts: tuple[Unknown, ...]


Key: TypeAlias = tuple[str, bool, tuple[Subject, ...]]
"""An ecosystem, whether it is a kernel's, and under which names and versions advisories may speak of it."""


class Matcher:
    """Matches inventories against advisories that do not change.

    Images have most of their packages in common, so what was found of one is kept, up to a bound.
    """

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self._known: dict[Key, Known] = {}
        self._held = 0

    def match(self, inventory: Inventory, today: date) -> Matched:
        """Every vulnerability of every package."""
        unknowns = set(inventory.unknowns) | set(_gaps(inventory, self._lookup, today))
        found: list[Vulnerability] = []
        suppressed: list[Suppressed] = []
        for number, package in enumerate(inventory.packages):
            if len(found) + len(suppressed) >= MOST_FINDINGS:
                why = f"more than {MOST_FINDINGS} vulnerabilities were found in those before them, so nobody looked"
                left = len(inventory.packages) - number
                unknowns.add(Unknown(f"{left} packages, the first of them {package.name[:200]}", why, incomplete=True))
                break
            known = self._of(package)
            found += [in_package(one, package) for one in known.findings.vulnerabilities]
            suppressed += [
                replace(one, vulnerability=in_package(one.vulnerability, package)) for one in known.findings.suppressed
            ]
            unknowns.update(known.doubts)
        found.sort(key=_gravest)
        suppressed.sort(key=lambda one: _gravest(one.vulnerability))
        said = tuple(sorted(unknowns, key=lambda unknown: (unknown.what, unknown.why)))
        return Matched(tuple(found), tuple(suppressed), said)

    def untouched(self, changes: Iterable[Change]) -> Iterator[tuple[Key, Known]]:
        """What was found of packages of which a later build says nothing else."""
        told = {(release, change.name) for change in changes for release in releases(change.ecosystem)}
        for key, known in self._known.items():
            ecosystem, _, abouts = key
            if (ecosystem, "") not in told and all((ecosystem, about.name) not in told for about in abouts):
                yield key, known

    def inherit(self, found: Iterable[tuple[Key, Known]]) -> None:
        """Keeps what an earlier build of the same advisories found."""
        for key, known in found:
            self._keep(key, known)

    def _keep(self, key: Key, known: Known) -> None:
        if self._held > _MOST_HELD:
            self._known.clear()
            self._held = 0
        self._known[key] = known
        self._held += 1 + len(known.findings.vulnerabilities) + len(known.findings.suppressed)

    def _of(self, package: Package) -> Known:
        published = products(package.ecosystem, self._lookup.ecosystems())
        if not published:
            return _NOTHING
        key = (package.ecosystem, is_kernel(package), subjects(package))
        known = self._known.get(key)
        if known is None:
            known = self._judged(*key, published)
            self._keep(key, known)
        return known

    def _judged(self, ecosystem: str, kernel: bool, abouts: tuple[Subject, ...], published: tuple[str, ...]) -> Known:
        matches: dict[str, Match] = {}
        doubts: list[Unknown] = []
        for name in published:
            here: dict[str, Match] = {}
            for about in abouts:
                judged, more = _judge(replace(about, ecosystem=name), self._lookup)
                here.update((match.advisory.id, match) for match in judged)
                doubts += more
            for identity, match in here.items():
                before = matches.get(identity)
                matches[identity] = match if before is None else _of_two(before, match)
        if not matches and not doubts:
            return _NOTHING
        return Known(findings(ecosystem, matches.values(), self._lookup, kernel=kernel), tuple(doubts))


MOST_FINDINGS = 50_000
"""Of one image, those that are suppressed counted too. A large one has some thousands; more only somebody makes up, and
each takes four kilobytes."""
_NAMED = 5
_NOTHING = Known(Findings(), ())
_ESM = re.compile(r"[+~]esm\d")
"""In the versions of Ubuntu Pro's builds ("expanded security maintenance"); kernels' do not tell."""


def _gravest(one: Vulnerability) -> tuple[int, int, str, str, str]:
    return (-one.severity.rank, -one.priority.score, one.id, one.package, one.layer or "")


def _of_two(one: Match, other: Match) -> Match:
    """Which of two counts that one advisory says of a package, for parts of a release or for Ubuntu Pro.

    ``other`` is of the ecosystem that sorts later, so Ubuntu Pro's is never ``one`` with the release's behind it.
    """
    affected = one.judgement.verdict is Verdict.AFFECTED
    if not is_ubuntu_pro(other.about.ecosystem) or is_ubuntu_pro(one.about.ecosystem):
        # Parts of a release may have fixes of their own; here as well one "affected" decides.
        return one if affected else other
    if _ESM.search(other.about.version):
        # Pro's builds are put on top of the release's, so they have the fixes of both.
        return one if one.judgement.verdict is Verdict.NOT_AFFECTED else other
    # What is of the release is judged by the release; what it never mends may be mended with Pro.
    better = affected and one.judgement.fixed is None and other.judgement.fixed is not None
    return other if better else one


def _judge(about: Subject, lookup: Lookup) -> tuple[list[Match], list[Unknown]]:
    statements = lookup.statements(about.ecosystem, about.name)
    what = f"{about.name} {about.version}"
    order = order_for(about)
    if not statements:
        return [], []
    if order is None:
        return [], [Unknown(what, f"versions of {about.ecosystem} cannot be ordered")]
    readable = _unreadable(about.version, order) is None
    matches: dict[str, Match] = {}
    said: dict[str, list[Statement]] = {}
    doubts = []
    for advisory, statement in statements:
        if not addresses(about, advisory, statement):
            continue
        said.setdefault(advisory.id, []).append(comparable(about, statement))
        judgement = judge(about.version, said[advisory.id][-1], order)
        if judgement.verdict is Verdict.UNKNOWN and readable:
            doubts.append(Unknown(what, f"{advisory.id}: {judgement.evidence}"))
        known = matches.get(advisory.id)
        # One record may speak of a package several times; one "affected" decides.
        if known is None or known.judgement.verdict is not Verdict.AFFECTED:
            matches[advisory.id] = Match(advisory, statement, judgement, about)
    if not readable:
        why = f"{_unreadable(about.version, order)}; {len(statements)} advisories were looked up by exact version only"
        doubts.append(Unknown(what, why))
    return [_settled(match, said[match.advisory.id], order) for match in matches.values()], doubts


def _settled(match: Match, said: Sequence[Statement], order: Order) -> Match:
    """The match with the version from which on no part of its record holds any more."""
    judgement = match.judgement
    if judgement.fixed is None:
        return match
    fixed = settled(judgement.fixed, said, order)
    if fixed == judgement.fixed:
        return match
    evidence = f"{judgement.evidence}; versions from there on are affected, too, and no fix is named"
    if fixed is not None:
        evidence = f"{judgement.evidence}; versions from there on are affected, too, before {fixed}"
    return replace(match, judgement=replace(judgement, fixed=fixed, evidence=evidence))


def _unreadable(version: str, order: Order) -> str | None:
    try:
        order.key(version)
    except UnreadableVersion as bad:
        return f"cannot order versions: {bad}"
    return None


def _gaps(inventory: Inventory, lookup: Lookup, today: date) -> Iterable[Unknown]:
    """What the advisories cannot know about this image at all."""
    os, known = inventory.os, lookup.ecosystems()
    counts, others = _counted(inventory, lookup)
    if os is not None and os.end_of_life is not None and os.end_of_life < today:
        name = os.name or f"{os.id} {os.version_id or ''}".strip()
        why = f"its security support ended on {os.end_of_life}; what was found since then may be missing"
        if any(is_ubuntu_pro(product) for ecosystem in counts for product in products(ecosystem, known)):
            why = f"its security support ended on {os.end_of_life} but for Ubuntu Pro, whose advisories were looked up"
        yield Unknown(name, why)
    if others:
        yield Unknown(f"{others} other packages", "no advisories speak of their kind, or of a version such as theirs")
    yield from _old(counts, lookup, today)
    for ecosystem, count in counts.items():
        if not ecosystem:
            why = (
                "none of the sources of advisories that are read here speaks of this distribution or release, or it is "
                "not known which it is"
            )
            yield Unknown(f"{count} OS packages", why, unjudged=count)
        elif not products(ecosystem, known):
            why = f"the advisory database has no advisories for it; its {count} packages were not judged"
            yield Unknown(ecosystem, why, unjudged=count)
        elif not lookup.covers(ecosystem):
            why = (
                "the advisory database has none of its own advisories, only some of other ecosystems that name it, "
                f"too; its {count} packages were judged by those alone"
            )
            yield Unknown(ecosystem, why, unjudged=count)
        elif elsewhere := _elsewhere(inventory, ecosystem, lookup):
            why = "advisories speak of them for other products only, whose builds are numbered otherwise; not judged"
            yield Unknown(f"{len(elsewhere)} packages of {ecosystem}: {', '.join(elsewhere[:_NAMED])}", why)


def _old(ecosystems: Iterable[str], lookup: Lookup, today: date) -> Iterator[Unknown]:
    """Of which of those by which packages are judged the advisories may have an end long ago, each family once."""
    judged = {family_of(each): each for each in ecosystems if each and lookup.covers(each)}
    for family, ecosystem in judged.items():
        if (why := lookup.doubt(ecosystem, today)) is not None:
            yield Unknown(f"advisories of {family}", why)


def _counted(inventory: Inventory, lookup: Lookup) -> tuple[dict[str, int], int]:
    """How many packages are of each ecosystem, OS packages without one among them, and how many nobody speaks of."""
    counts: dict[str, int] = {}
    others, nameless = 0, _nameless(inventory, lookup)
    for package in inventory.packages:
        if package.type is PackageType.GENERIC and package.name in nameless:
            others += 1
        elif package.ecosystem or package.type in OS_TYPES:
            counts[package.ecosystem] = counts.get(package.ecosystem, 0) + 1
        else:
            others += 1
    return counts, others


def _nameless(inventory: Inventory, lookup: Lookup) -> set[str]:
    """The names of programs without a package of which those do not speak that have advisories about such programs."""
    names, spoken = dict[str, set[str]](), set[str]()
    for package in inventory.packages:
        if package.type is PackageType.GENERIC and package.ecosystem:
            names.setdefault(package.ecosystem, set()).add(package.name)
    for ecosystem, among in names.items():
        own = products(ecosystem, lookup.ecosystems())
        spoken |= lookup.named_in(own, among) if own else among
    return set[str]().union(*names.values()) - spoken


def _elsewhere(inventory: Inventory, ecosystem: str, lookup: Lookup) -> list[str]:
    """The names of which only products beside the distribution speak."""
    others = beside(ecosystem, lookup.ecosystems())
    if not others:
        return []
    about = {one.name for package in inventory.packages if package.ecosystem == ecosystem for one in subjects(package)}
    own = lookup.named_in(products(ecosystem, lookup.ecosystems()), about)
    return sorted(lookup.named_in(others, about - own))


__all__ = ["Lookup", "Matched", "Matcher", "Subject", "subject"]
