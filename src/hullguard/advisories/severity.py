"""How severe a finding is, and who says so: the distribution first, then CVSS, then whoever else has a word."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from hullguard.advisories.cvss import score
from hullguard.advisories.osv import Advisory, Rating, Statement
from hullguard.model.report import Cvss
from hullguard.model.severity import Severity

# Debian's security tracker; "not yet assigned" is no rating and "end-of-life" is a status.
_DEBIAN = {
    "unimportant": Severity.NEGLIGIBLE,
    "low": Severity.LOW,
    "medium": Severity.MEDIUM,
    "high": Severity.HIGH,
}
_WORDS = {
    "critical": Severity.CRITICAL,
    "important": Severity.HIGH,
    "high": Severity.HIGH,
    "moderate": Severity.MEDIUM,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "negligible": Severity.NEGLIGIBLE,
    "none": Severity.NEGLIGIBLE,
}
# Who is believed first among the collected ratings of a CVE.
_TRUST = ("nvd", "nvd-via-osv", "nvd-via-trivy", "cna", "cisa-adp", "ghsa", "redhat")


class CveRating(Struct, frozen=True):
    """One collected rating of a CVE."""

    source: str
    vector: str
    word: str


class Rated(Struct, frozen=True):
    """A severity with its author, and the vectors that were seen."""

    severity: Severity
    source: str | None
    cvss: tuple[Cvss, ...]


def rate(ecosystem: str, said: Sequence[tuple[Advisory, Statement]], collected: Iterable[CveRating]) -> Rated:
    """The severity of one vulnerability, said by several advisories of which the first is the most particular."""
    others = sorted(collected, key=lambda rating: (_trust(rating.source), rating.source))
    vectors = _vectors(said)
    if not vectors:
        vectors = _first_vectors(others)
    cvss = tuple(dict.fromkeys(vector for vector, _ in vectors))
    own = _distribution(ecosystem, said, others)
    if own is not None:
        return Rated(own, ecosystem.partition(":")[0], cvss)
    for vector, author in sorted(vectors, key=lambda item: item[0].version, reverse=True):
        word = score.severity(vector)
        if word is not None:
            return Rated(word, f"CVSS {vector.version}, {author}", cvss)
    for advisory, _ in said:
        if advisory.rating in _WORDS:
            return Rated(_WORDS[advisory.rating], advisory.id, cvss)
    for rating in others:
        if rating.word in _WORDS:
            return Rated(_WORDS[rating.word], rating.source, cvss)
    if any(advisory.id.startswith("MAL-") for advisory, _ in said):
        # No rating exists for these: the package is itself the attack.
        return Rated(Severity.CRITICAL, "malicious package", cvss)
    return Rated(Severity.UNKNOWN, None, cvss)


def _distribution(
    ecosystem: str, said: Sequence[tuple[Advisory, Statement]], others: Sequence[CveRating]
) -> Severity | None:
    family = ecosystem.partition(":")[0]
    for advisory, statement in said:
        if family == "Debian" and statement.urgency in _DEBIAN:
            return _DEBIAN[statement.urgency]
        for rating in (*statement.severity, *advisory.severity):
            if rating.type == family and rating.score in _WORDS:
                return _WORDS[rating.score]
    if family == "Ubuntu":
        words = (rating.word for rating in others if rating.source == "ubuntu")
        return next((_WORDS[word] for word in words if word in _WORDS), None)
    return None


def _vectors(said: Sequence[tuple[Advisory, Statement]]) -> list[tuple[Cvss, str]]:
    """Vectors with their author; what is said of the package overrides what is said of all packages."""
    found = []
    for advisory, statement in said:
        ratings: Sequence[Rating] = statement.severity or advisory.severity
        for rating in ratings:
            vector = score.read(rating.score) if rating.type.startswith("CVSS") else None
            if vector is not None:
                found.append((vector, advisory.id))
    return found


def _first_vectors(others: Sequence[CveRating]) -> list[tuple[Cvss, str]]:
    """All vectors of the most trusted source that gave one."""
    for source in dict.fromkeys(rating.source for rating in others if rating.vector):
        read = [score.read(rating.vector) for rating in others if rating.source == source and rating.vector]
        found = [(vector, source) for vector in read if vector is not None and vector.score is not None]
        if found:
            return found
    return []


def _trust(source: str) -> int:
    return _TRUST.index(source) if source in _TRUST else len(_TRUST)
