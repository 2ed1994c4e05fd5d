"""The scan report, ``hullguard/scan-report/1``: the contract that scripts read."""

import enum
from datetime import date, datetime
from typing import Self

from msgspec import UNSET, Struct, UnsetType

from hullguard.model.content import LicenseUse, Malware, Misconfiguration, Secret
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.package import Package, Unknown
from hullguard.model.severity import Severity


class FixStatus(enum.StrEnum):
    """What the publisher of the advisory says about a fix."""

    FIXED = "fixed"
    AFFECTED = "affected"
    WILL_NOT_FIX = "will_not_fix"
    END_OF_LIFE = "end_of_life"
    UNKNOWN = "unknown"


class Cvss(Struct, frozen=True):
    """One CVSS vector. ``score`` is the base score, 0.0 to 10.0, where it could be computed."""

    version: str
    vector: str
    score: float | None = None


class Why(Struct, frozen=True):
    """The proof of a finding: the rule that matched and the evidence it matched on."""

    rule: str
    evidence: str


class ReportedPackage(Struct, frozen=True):
    """A package as the report shows it (``model.package.Package`` without what only matching needs)."""

    purl: str
    name: str
    version: str
    ecosystem: str
    source_name: str | None
    source_version: str | None
    arch: str | None
    layer: str | None
    locations: tuple[str, ...]
    licenses: tuple[str, ...] = ()

    @classmethod
    def of(cls, package: Package) -> Self:
        """What lists and reports show of a package."""
        return cls(
            purl=package.purl,
            name=package.name,
            version=package.version,
            ecosystem=package.ecosystem,
            source_name=package.source_name,
            source_version=package.source_version,
            arch=package.arch,
            layer=package.layer,
            locations=package.locations,
            licenses=package.licenses,
        )


class Priority(Struct, frozen=True):
    """How soon to act: one number of 0 to 100, and what it was made of."""

    score: int
    reasons: tuple[str, ...] = ()


class Vulnerability(Struct, frozen=True):
    """One vulnerability of one installed package. ``id`` is the CVE where one alias is a CVE."""

    id: str
    advisory: str
    aliases: tuple[str, ...]
    package: str
    """The package's purl."""
    installed: str
    fixed: str | None
    status: FixStatus
    severity: Severity
    severity_source: str | None
    cvss: tuple[Cvss, ...]
    kev: bool
    epss: float | None
    layer: str | None
    why: Why
    summary: str | None = None
    priority: Priority = Priority(0)


class SuppressedBy(enum.StrEnum):
    """Who said that a finding does not count."""

    VEX = "vex"
    IGNORE_FILE = "ignore-file"
    EXCEPTION = "exception"
    """Of the platform."""
    DISTRIBUTION = "distribution"


class Suppressed(Struct, frozen=True):
    """A finding that does not count, and why not."""

    vulnerability: Vulnerability
    by: SuppressedBy
    reason: str
    until: date | None = None
    source: str | UnsetType = UNSET
    """In the platform: the id of the exception or of the VEX document that says so."""


class AdvisoryState(Struct, frozen=True):
    """Which advisory database answered: when it was built and from which ecosystems."""

    built: datetime | None
    sources: tuple[str, ...] = ()
    newest: date | None = None
    """The last day on which one of its records was changed: old records can be imported today."""


class Asked(Struct, frozen=True, omit_defaults=True):
    """What a report was asked for."""

    scanners: tuple[str, ...]
    """What was looked for; of anything else a report has none because nobody looked."""
    severities: tuple[Severity, ...] = ()
    """The only ones that were asked for; all where there is none."""
    fixable_only: bool = False
    left_out: int = 0
    """Findings that were not asked for."""


class ScanReport(Struct, frozen=True, tag_field="schema", tag="hullguard/scan-report/1"):
    """What is in an image and what is wrong with it."""

    target: Target
    os: OperatingSystem | None
    layers: tuple[Layer, ...]
    packages: tuple[ReportedPackage, ...]
    vulnerabilities: tuple[Vulnerability, ...]
    unknowns: tuple[Unknown, ...]
    advisories: AdvisoryState
    complete: bool
    secrets: tuple[Secret, ...] = ()
    malware: tuple[Malware, ...] = ()
    config: tuple[Misconfiguration, ...] = ()
    licenses: tuple[LicenseUse, ...] = ()
    suppressed: tuple[Suppressed, ...] = ()
    asked: Asked | None = None
    """Of a report that the command line made."""

    @property
    def unjudged(self) -> int:
        """How many packages of distributions nobody could judge: without findings they are no all-clear."""
        return sum(one.unjudged for one in self.unknowns)
