"""Joins what several advisories say of one package into one finding per vulnerability."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from hullguard.advisories.evaluate import Judgement, Verdict, judge, why_not
from hullguard.advisories.kinship import is_cve
from hullguard.advisories.osv import Advisory, Statement, announces
from hullguard.advisories.products import is_ubuntu_pro
from hullguard.advisories.severity import CveRating, rate
from hullguard.advisories.subjects import Subject, comparable, is_kernel, order_for
from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.model.package import Package
from hullguard.model.priority import priority
from hullguard.model.report import FixStatus, Suppressed, SuppressedBy, Vulnerability, Why

# Updates that fix mistakes or bring features: without a CVE they are no vulnerability.
_NOT_SECURITY = ("RHBA-", "RHEA-", "ALBA-", "ALEA-", "RLBA-", "RLEA-", "SUSE-FU-", "SUSE-RU-", "SUSE-OU-")
_NO_BOOT = "a container runs on the kernel of its host and cannot boot this one"
_BY_BILL = "named by the bill of materials {place} alone, which may be older than the image or speak of something else"
_WITH_PRO = "the fix comes with Ubuntu Pro"
_STEPS = 10
"""Advisories of one vulnerability of which each is affected where another is fixed."""
_WILL_NOT_FIX = frozenset({"ignored", "wont-fix", "will_not_fix", "will-not-fix"})


class Facts(Protocol):
    """What is known of a CVE beside the advisories."""

    def known_exploited(self, cve: str) -> bool: ...
    def epss(self, cve: str) -> float | None: ...
    def ratings(self, cve: str) -> Iterable[CveRating]: ...


class Match(Struct, frozen=True):
    """An advisory with its judgement of one version."""

    advisory: Advisory
    statement: Statement
    judgement: Judgement
    about: Subject


class Findings(Struct, frozen=True):
    """What is found of every package that advisories call by the same names and versions.

    ``in_package`` makes a finding one of a certain package.
    """

    vulnerabilities: tuple[Vulnerability, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()


def findings(ecosystem: str, matches: Collection[Match], facts: Facts, *, kernel: bool) -> Findings:
    """One finding per vulnerability; ``kernel`` says that the packages are of a kernel."""
    groups = _Groups(matches)
    found = {
        identity: _vulnerability(
            identity, sorted(group, key=_particular), ecosystem, facts, groups.others.get(identity, ()), kernel=kernel
        )
        for identity, group in groups.affected.items()
    }
    suppressed = []
    for identity, (group, denial) in groups.denied.items():
        if identity not in found:
            one = _vulnerability(identity, sorted(group, key=_particular), ecosystem, facts, kernel=kernel)
            suppressed.append(Suppressed(one, SuppressedBy.DISTRIBUTION, _reason(denial)))
    return Findings(tuple(found.values()), tuple(suppressed))


def in_package(template: Vulnerability, package: Package) -> Vulnerability:
    """The finding as one of this package."""
    place = package.locations[0] if package.locations else "the image"
    evidence = f"{template.why.evidence}; read from {place}"
    if package.by_bill:
        evidence = f"{template.why.evidence}; {_BY_BILL.format(place=place)}"
    if is_kernel(package):
        evidence += f"; {_NO_BOOT}"
    return replace(
        template,
        package=package.purl,
        installed=package.version,
        layer=package.layer,
        why=Why(template.why.rule, evidence),
    )


class _Groups:
    """Matches by vulnerability: the CVE where there is one, else the advisory's own id."""

    def __init__(self, matches: Collection[Match]) -> None:
        self.affected: dict[str, list[Match]] = {}
        self.denied: dict[str, tuple[list[Match], Match]] = {}
        """What would have been found, and the match that says otherwise."""
        self.others: dict[str, list[Match]] = {}
        """What speaks of the same, but not of the version that is installed."""
        self._same = _Same()
        cleared = {cve: match for match in matches if (cve := _settled(match)) is not None}
        affected = [match for match in matches if match.judgement.verdict is Verdict.AFFECTED]
        for match in affected:
            for alias in match.advisory.known_as:
                self._same.join(match.advisory.id, alias)
        for match in affected:
            self._sort(match, cleared)
        for match in matches:
            if match.judgement.verdict is Verdict.NOT_AFFECTED and not match.judgement.denied:
                for identity in _identities(match.advisory):
                    if (name := self._same.name(identity)) in self.affected:
                        self.others.setdefault(name, []).append(match)
            if match.judgement.denied:
                for identity in _identities(match.advisory):
                    self.denied.setdefault(self._same.name(identity), ([match], match))

    def _sort(self, match: Match, cleared: Mapping[str, Match]) -> None:
        identities = _identities(match.advisory)
        if len(identities) > 1 or announces(match.advisory.id):
            # The record of the single CVE knows this release better than the announcement of many.
            left = [identity for identity in identities if identity not in cleared]
            if not left and not match.advisory.id.startswith(_NOT_SECURITY):
                left = [match.advisory.id]
            else:
                for identity in cleared.keys() & identities:
                    self.denied.setdefault(identity, ([], cleared[identity]))[0].append(match)
            identities = left
        for identity in identities:
            self.affected.setdefault(self._same.name(identity), []).append(match)


def _settled(match: Match) -> str | None:
    """The CVE of which the distribution's own record says that it does not matter here."""
    upstream = match.advisory.upstream
    if match.judgement.verdict is not Verdict.NOT_AFFECTED or len(upstream) != 1:
        return None
    return upstream[0] if is_cve(upstream[0]) and match.advisory.id.endswith(upstream[0]) else None


def _reason(denial: Match) -> str:
    about = denial.about
    order = order_for(about)
    why = "no version of it is" if order is None else why_not(about.version, denial.statement, order)
    return f"{denial.advisory.id}: {about.name} {about.version} is not affected in {about.ecosystem}: {why}"


def _identities(advisory: Advisory) -> list[str]:
    """The vulnerabilities that an advisory speaks of: an announcement may fix several at once."""
    upstream = list(filter(is_cve, advisory.upstream))
    if advisory.kin is not None:
        cves = (min(filter(is_cve, root), default="") for root in advisory.kin.roots)
        upstream = list(dict.fromkeys(filter(None, cves)))
    if not upstream and announces(advisory.id):
        upstream = list(filter(is_cve, advisory.related))
    if not upstream and advisory.id.startswith(_NOT_SECURITY):
        return []
    return upstream or [advisory.id]


def _particular(match: Match) -> tuple[int, str]:
    """The record of one CVE by the distribution, then reviewed records, then announcements."""
    advisory = match.advisory
    if "-CVE-" in advisory.id:
        return 0, advisory.id
    if advisory.id.startswith("GHSA-"):
        return 1, advisory.id
    return (3 if announces(advisory.id) else 2), advisory.id


def _vulnerability(
    identity: str,
    group: Sequence[Match],
    ecosystem: str,
    facts: Facts,
    others: Sequence[Match] = (),
    *,
    kernel: bool,
) -> Vulnerability:
    first = group[0]
    names = {name for match in group for name in _names(identity, match.advisory)}
    cve = identity if is_cve(identity) else None
    sources = [(match.advisory, match.statement) for match in group]
    asked = [cve] if cve else sorted(names)
    rated = rate(ecosystem, sources, [rating for name in asked for rating in facts.ratings(name)])
    for_all = any(map(_mends_for_all, group))
    said = [match for match in (*group, *others) if not for_all or not is_ubuntu_pro(match.about.ecosystem)]
    fixed, still = _after(_fixed(group, ecosystem), said)
    with_pro = fixed is not None and not for_all
    kev = cve is not None and facts.known_exploited(cve)
    epss = None if cve is None else facts.epss(cve)
    said_of = first.about.ecosystem if is_ubuntu_pro(first.about.ecosystem) else ecosystem
    evidence = f"{first.about.name}: {first.judgement.evidence} ({said_of}, {first.advisory.id})"
    if with_pro:
        evidence += f"; {_WITH_PRO}"
    if still is not None:
        evidence += f"; by {still.advisory.id} {fixed} is affected, too"
    return Vulnerability(
        id=identity,
        advisory=first.advisory.id,
        aliases=tuple(sorted(names - {identity})),
        package="",
        installed="",
        fixed=fixed,
        status=_status(group, fixed),
        severity=rated.severity,
        severity_source=rated.source,
        cvss=rated.cvss,
        kev=kev,
        epss=epss,
        layer=None,
        why=Why(first.judgement.rule, evidence),
        summary=next((match.advisory.summary for match in group if match.advisory.summary), None),
        priority=priority(rated.severity, kev=kev, epss=epss, fixable=fixed is not None, kernel=kernel),
    )


def _names(identity: str, advisory: Advisory) -> set[str]:
    """Every id of the vulnerability, also those it comes from, as far as they are this one and no other."""
    roots = advisory.roots
    cves = sum(any(map(is_cve, root)) for root in roots[:3])
    if cves > 1 or len(roots) - cves > 1:
        roots = tuple(root for root in roots if identity in root)
    return {advisory.id, *advisory.known_as}.union(*roots)


def _fixed(group: Sequence[Match], ecosystem: str) -> str | None:
    """The version after which no advisory with a fix applies any more: an announcement may raise the tracker's."""
    # A fix of Ubuntu Pro's counts where there is none that everybody has.
    fixing = list(filter(_mends_for_all, group)) or group
    versions = {match.judgement.fixed for match in fixing if match.judgement.fixed is not None}
    order = order_of(ecosystem)
    if order is None or len(versions) < 2:
        return min(versions, default=None)
    try:
        return max(sorted(versions), key=order.key)  # of two spellings of one version always the same
    except UnreadableVersion:
        return min(versions)


def _after(fixed: str | None, said: Sequence[Match]) -> tuple[str | None, Match | None]:
    """The fix at which nobody speaks of another; with who says of it that it is affected, but names none."""
    if fixed is None or (len(said) == 1 and not said[0].statement.versions):
        return fixed, None  # of a single one its judgement has looked
    for _ in range(_STEPS):
        again = [(match, _judged(fixed, match)) for match in said]
        affected = [(match, one) for match, one in again if one is not None and one.verdict is Verdict.AFFECTED]
        if not affected:
            break
        following = next((one.fixed for _, one in affected if one.fixed is not None), None)
        if following is None:
            return fixed, affected[0][0]
        fixed = following
    return fixed, None


def _judged(version: str, match: Match) -> Judgement | None:
    order = order_for(match.about)
    return None if order is None else judge(version, comparable(match.about, match.statement), order)


def _mends_for_all(match: Match) -> bool:
    """Whether it names a fix that one need not subscribe to."""
    return match.judgement.fixed is not None and not is_ubuntu_pro(match.about.ecosystem)


def _status(group: Sequence[Match], fixed: str | None) -> FixStatus:
    if fixed is not None:
        return FixStatus.FIXED
    if any(match.statement.urgency == "end-of-life" for match in group):
        return FixStatus.END_OF_LIFE
    if any(match.statement.status in _WILL_NOT_FIX for match in group):
        return FixStatus.WILL_NOT_FIX
    return FixStatus.AFFECTED


class _Same:
    """Which ids name one thing: aliases are symmetric and transitive (OSV schema, "aliases")."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self._top(one), self._top(other)), key=_rank)
        if first != second:
            self._above[second] = first

    def name(self, identity: str) -> str:
        """The name that stands for all: a CVE if there is one."""
        return self._top(identity)

    def _top(self, identity: str) -> str:
        while identity in self._above:
            identity = self._above[identity]
        return identity


def _rank(identity: str) -> tuple[bool, str]:
    return not is_cve(identity), identity
