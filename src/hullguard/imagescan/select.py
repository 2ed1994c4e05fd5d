"""What of a report is asked for: some severities, only what can be fixed."""

from collections.abc import Collection

import msgspec

from hullguard.model.content import Hit
from hullguard.model.errors import Invalid
from hullguard.model.report import Asked, ScanReport, Vulnerability
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


def narrow(
    report: ScanReport, severities: Collection[Severity] = (), *, fixable_only: bool = False
) -> tuple[ScanReport, int]:
    """The report with only the findings asked for, of every kind, and how many were not; it says itself what was."""
    asked = select(report, severities, fixable_only=fixable_only)
    if severities:
        asked = msgspec.structs.replace(
            asked,
            secrets=tuple(one for one in report.secrets if one.severity in severities),
            malware=tuple(one for one in report.malware if one.severity in severities),
            config=tuple(one for one in report.config if one.severity in severities),
        )
    hidden = _findings(report) - _findings(asked)
    said = _narrowed(report.asked, severities, hidden, fixable_only=fixable_only)
    return msgspec.structs.replace(asked, asked=said), hidden


def _narrowed(
    before: Asked | None, severities: Collection[Severity], hidden: int, *, fixable_only: bool
) -> Asked | None:
    """What a report was asked for, now that a part of it is."""
    if before is None:
        return None
    both = {*before.severities} & {*severities} if before.severities and severities else ()
    return Asked(
        before.scanners,
        tuple(sorted(both or before.severities or severities)),
        before.fixable_only or fixable_only,
        before.left_out + hidden,
    )


def _findings(report: ScanReport) -> int:
    return len(report.vulnerabilities) + len(report.secrets) + len(report.malware) + len(report.config)


def reaches(report: ScanReport, bound: Severity) -> bool:
    """Whether anything that was found is at least as grave: a vulnerability, a secret, malware or a failed check."""
    return any(one.severity.rank >= bound.rank for one in _found(report))


def unrated(report: ScanReport) -> int:
    """How many of the same are of unknown severity, which may be any."""
    return sum(one.severity is Severity.UNKNOWN for one in _found(report))


def _found(report: ScanReport) -> tuple[Vulnerability | Hit, ...]:
    return (*report.vulnerabilities, *report.secrets, *report.malware, *report.config)
