"""Reads a CVSS vector of any version and gives its base score and the word for it."""

from collections.abc import Callable, Mapping
from functools import lru_cache

from hullguard.advisories.cvss import v2, v3, v4
from hullguard.model.report import Cvss
from hullguard.model.severity import Severity

_BASES: dict[str, Callable[[Mapping[str, str]], float]] = {
    "2.0": v2.base,
    "3.0": v3.base,
    "3.1": v3.base,
    "4.0": v4.base,
}
_MAX_LENGTH = 300


@lru_cache(maxsize=1 << 14)
def read(vector: str) -> Cvss | None:
    """The vector with its score; None when it is no CVSS vector. A vector that lacks a metric has no score."""
    text = vector.strip().strip("()")
    if len(text) > _MAX_LENGTH:
        return None
    parts = text.split("/")
    version = "2.0"
    if parts[0].startswith("CVSS:"):
        version = parts.pop(0)[5:]
    if version not in _BASES:
        return None
    metrics = dict(part.split(":", 1) for part in parts if ":" in part)
    if "AV" not in metrics:
        return None
    try:
        score = _BASES[version](metrics)
    except KeyError:
        return Cvss(version, text)
    return Cvss(version, text, score)


def severity(cvss: Cvss) -> Severity | None:
    """The word of the qualitative rating scale; version 2, which has no critical, by the same figures."""
    if cvss.score is None:
        return None
    if cvss.score >= 9.0:
        return Severity.CRITICAL
    if cvss.score >= 7.0:
        return Severity.HIGH
    if cvss.score >= 4.0:
        return Severity.MEDIUM
    return Severity.LOW if cvss.score > 0 else Severity.NEGLIGIBLE
