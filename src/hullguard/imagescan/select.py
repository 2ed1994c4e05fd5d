"""What of a report is asked for: some severities, only what can be fixed."""

from collections.abc import Collection

import msgspec

from hullguard.model.content import Hit
from hullguard.model.errors import Invalid
from hullguard.model.report import ScanReport, Vulnerability
from hullguard.model.severity import Severity


def parse_severities(text: str) -> frozenset[Severity]:
    """``critical,high``; raises Invalid naming the word that is no severity."""
    return frozenset(parse_severity(word) for word in text.split(",") if word.strip())


def parse_severity(word: str) -> Severity:
    """One of the six words, in any case."""
    try:
        return Severity(word.strip().lower())
    except ValueError as cause:
        known = ", ".join(Severity)
        raise Invalid(f"{word.strip()!r} is no severity; choose among {known}", "severity.unknown") from cause


def select(report: ScanReport, severities: Collection[Severity] = (), *, fixable_only: bool = False) -> ScanReport:
    """The report with only the vulnerabilities asked for; everything else stays."""

    def wanted(one: Vulnerability) -> bool:
        return (not severities or one.severity in severities) and (one.fixed is not None or not fixable_only)

    return msgspec.structs.replace(report, vulnerabilities=tuple(filter(wanted, report.vulnerabilities)))


def reaches(report: ScanReport, bound: Severity) -> bool:
    """Whether anything that was found is at least as grave: a vulnerability, a secret, malware or a failed check."""
    found: tuple[Vulnerability | Hit, ...] = (
        *report.vulnerabilities,
        *report.secrets,
        *report.malware,
        *report.config,
    )
    return any(one.severity.rank >= bound.rank for one in found)
