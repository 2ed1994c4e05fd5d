"""What several formats say about a finding: where it is told of, how grave it is as a number, and clean text."""

import functools
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from hullguard.model.content import LicenseUse
from hullguard.model.report import FixStatus, ScanReport, Vulnerability
from hullguard.model.severity import Severity
from hullguard.words.plain import plain

SCORES = {
    Severity.CRITICAL: 9.5,
    Severity.HIGH: 8.0,
    Severity.MEDIUM: 5.5,
    Severity.LOW: 2.5,
    Severity.NEGLIGIBLE: 1.0,
    Severity.UNKNOWN: 0.0,
}
"""The middle of each band of CVSS, for readers that want a number where an advisory has a word."""

NO_FIX = {
    FixStatus.AFFECTED: "no fix yet",
    FixStatus.WILL_NOT_FIX: "will not be fixed",
    FixStatus.END_OF_LIFE: "end of life",
    FixStatus.UNKNOWN: "unknown",
    FixStatus.FIXED: "",
}

# What XML 1.0 cannot carry even escaped, beside the control characters: lone surrogates and two that are none.
_NO_XML = re.compile(r"[\ud800-\udfff\ufffe\uffff]")
_MAX_EXPRESSION = 200


def markup(text: str) -> str:
    """``plain`` text that XML and HTML can carry, still to be escaped."""
    return _NO_XML.sub("\N{REPLACEMENT CHARACTER}", plain(text))


def page_of(identity: str) -> str:
    """The public page of a vulnerability."""
    if identity.startswith("CVE-"):
        return f"https://www.cve.org/CVERecord?id={quote(identity, safe='')}"
    return f"https://osv.dev/vulnerability/{quote(identity, safe='')}"


def named_in(purl: str) -> str:
    """The last part of a package URL's name, as people write it."""
    return unquote(purl.partition("@")[0].rpartition("/")[2])


def declaring(report: ScanReport, use: LicenseUse) -> list[str]:
    """The names of the packages that declare a licence, each once, however many versions there are of one."""
    names = {package.purl: package.name for package in report.packages}
    return list(dict.fromkeys(names.get(purl) or named_in(purl) for purl in use.packages))


def score(one: Vulnerability) -> float:
    """The newest CVSS score within the band of the severity that the report gives, else the middle of that band.

    A distribution may have judged otherwise than the CVSS score: the number must not say what the word does not.
    """
    for cvss in sorted(one.cvss, key=lambda cvss: cvss.version, reverse=True):
        if cvss.score is not None and _band(cvss.score) is one.severity:
            return cvss.score
    return SCORES[one.severity]


def remedy(one: Vulnerability) -> str:
    """What to do, in one sentence."""
    if one.fixed is not None:
        return f"Update from {one.installed} to {one.fixed}."
    return f"There is no version to update to: {NO_FIX[one.status] or 'no fix is named'}."


def left_out(hidden: int) -> str:
    """That findings were not asked for: a document without them must not look like an all-clear."""
    return f"{hidden} findings are not shown, as --severity or --ignore-unfixed ask"


@functools.lru_cache(maxsize=4096)
def expression(licenses: Sequence[str]) -> str | None:
    """The SPDX expression of everything that a package declares, None when one of it is in other words."""
    from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

    parts = []
    for one in licenses:
        if len(one) > _MAX_EXPRESSION or "licenseref-" in one.lower():
            return None
        try:
            parts.append(str(canonicalize_license_expression(one)))
        except (InvalidLicenseExpression, SyntaxError, ValueError, RecursionError):
            return None
    if len(parts) < 2:
        return parts[0] if parts else None
    return " AND ".join(f"({part})" if " " in part else part for part in parts)


def _band(value: float) -> Severity:
    if value >= 9:
        return Severity.CRITICAL
    if value >= 7:
        return Severity.HIGH
    if value >= 4:
        return Severity.MEDIUM
    return Severity.LOW if value > 0 else Severity.NEGLIGIBLE
