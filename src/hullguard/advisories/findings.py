"""Joins what several advisories say of one package into one finding per vulnerability."""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from msgspec import Struct

from hullguard.advisories.evaluate import Judgement, Verdict
from hullguard.advisories.osv import Advisory, Statement
from hullguard.advisories.priority import priority
from hullguard.advisories.severity import CveRating, rate
from hullguard.advisories.subjects import is_kernel
from hullguard.advisories.versions.catalog import order_of
from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.model.package import Package
from hullguard.model.report import FixStatus, Vulnerability, Why

# Announcements of updates name their CVEs as related, though they are what the update fixes.
_ANNOUNCEMENTS = (
    "DSA-", "DLA-", "DTSA-", "RHSA-", "RHBA-", "RHEA-", "ALSA-", "ALBA-", "ALEA-", "RLSA-", "RLBA-", "RLEA-", "RXSA-",
    "SUSE-", "openSUSE-", "PHSA-",
)  # fmt: skip
# Updates that fix mistakes or bring features: without a CVE they are no vulnerability.
_NOT_SECURITY = ("RHBA-", "RHEA-", "ALBA-", "ALEA-", "RLBA-", "RLEA-", "SUSE-FU-", "SUSE-RU-", "SUSE-OU-")
_NO_BOOT = "a container runs on the kernel of its host and cannot boot this one"
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
    name: str
    """Of the package that the advisory speaks of."""


def vulnerabilities(package: Package, matches: Collection[Match], facts: Facts) -> list[Vulnerability]:
    """One finding per vulnerability of the package."""
    return [_vulnerability(identity, group, package, facts) for identity, group in _groups(matches).items()]


def _groups(matches: Collection[Match]) -> dict[str, list[Match]]:
    """Matches by vulnerability: the CVE where there is one, else the advisory's own id."""
    affected = [match for match in matches if match.judgement.verdict is Verdict.AFFECTED]
    cleared = {
        cve
        for match in matches
        if match.judgement.verdict is Verdict.NOT_AFFECTED and len(match.advisory.upstream) == 1
        for cve in match.advisory.upstream
        if match.advisory.id.endswith(cve)
    }
    same = _Same()
    for match in affected:
        for alias in match.advisory.aliases:
            same.join(match.advisory.id, alias)
    groups: dict[str, list[Match]] = {}
    for match in affected:
        for identity in _identities(match.advisory, cleared):
            groups.setdefault(same.name(identity), []).append(match)
    return {identity: sorted(group, key=_particular) for identity, group in groups.items()}


def _identities(advisory: Advisory, cleared: set[str]) -> Iterable[str]:
    """The vulnerabilities that an advisory speaks of: an announcement may fix several at once."""
    upstream = [cve for cve in advisory.upstream if _is_cve(cve)]
    if not upstream and advisory.id.startswith(_ANNOUNCEMENTS):
        upstream = [cve for cve in advisory.related if _is_cve(cve)]
    if len(upstream) > 1 or advisory.id.startswith(_ANNOUNCEMENTS):
        # The record of the single CVE knows this release better than the announcement of many.
        upstream = [cve for cve in upstream if cve not in cleared]
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
    return (3 if advisory.id.startswith(_ANNOUNCEMENTS) else 2), advisory.id


def _vulnerability(identity: str, group: Sequence[Match], package: Package, facts: Facts) -> Vulnerability:
    ecosystem = package.ecosystem
    first = group[0]
    cves = _cves(identity, group)
    said = [(match.advisory, match.statement) for match in group]
    rated = rate(ecosystem, said, [rating for cve in cves for rating in facts.ratings(cve)])
    fixed = _fixed(group, ecosystem)
    names = {name for match in group for name in _names(match.advisory)}
    place = package.locations[0] if package.locations else "the image"
    evidence = f"{first.name}: {first.judgement.evidence} ({ecosystem}, {first.advisory.id}); read from {place}"
    kernel = is_kernel(package)
    if kernel:
        evidence += f"; {_NO_BOOT}"
    kev = any(facts.known_exploited(cve) for cve in cves)
    epss = max((score for cve in cves if (score := facts.epss(cve)) is not None), default=None)
    return Vulnerability(
        id=identity,
        advisory=first.advisory.id,
        aliases=tuple(sorted(names - {identity})),
        package=package.purl,
        installed=package.version,
        fixed=fixed,
        status=_status(group, fixed),
        severity=rated.severity,
        severity_source=rated.source,
        cvss=rated.cvss,
        kev=kev,
        epss=epss,
        layer=package.layer,
        why=Why(first.judgement.rule, evidence),
        summary=next((match.advisory.summary for match in group if match.advisory.summary), None),
        priority=priority(rated.severity, kev=kev, epss=epss, fixable=fixed is not None, kernel=kernel),
    )


def _names(advisory: Advisory) -> set[str]:
    """Every id of the vulnerability, also those it comes from if they are one CVE and one GHSA at most."""
    names = {advisory.id, *advisory.aliases}
    cves = sum(map(_is_cve, advisory.upstream))
    if cves <= 1 and len(advisory.upstream) - cves <= 1:
        names.update(advisory.upstream)
    return names


def _cves(identity: str, group: Sequence[Match]) -> list[str]:
    if _is_cve(identity):
        return [identity]
    return sorted({alias for match in group for alias in match.advisory.aliases if _is_cve(alias)})


def _fixed(group: Sequence[Match], ecosystem: str) -> str | None:
    """The version after which none of the advisories applies any more: an announcement may raise the tracker's."""
    versions = {match.judgement.fixed for match in group if match.judgement.fixed is not None}
    order = order_of(ecosystem)
    if order is None or len(versions) < 2:
        return next(iter(versions), None)
    try:
        return max(versions, key=order.key)
    except UnreadableVersion:
        return min(versions)


def _status(group: Sequence[Match], fixed: str | None) -> FixStatus:
    if fixed is not None:
        return FixStatus.FIXED
    if any(match.statement.urgency == "end-of-life" for match in group):
        return FixStatus.END_OF_LIFE
    if any(match.statement.status in _WILL_NOT_FIX for match in group):
        return FixStatus.WILL_NOT_FIX
    return FixStatus.AFFECTED


def _is_cve(identity: str) -> bool:
    return identity.startswith("CVE-")


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
    return not _is_cve(identity), identity
