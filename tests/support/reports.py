"""Small scan reports."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from msgspec import structs

from hullguard.model.content import LicenseUse, Malware, Misconfiguration, Secret
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.package import Unknown
from hullguard.model.report import (
    AdvisoryState,
    Cvss,
    FixStatus,
    Priority,
    ReportedPackage,
    ScanReport,
    Suppressed,
    SuppressedBy,
    Vulnerability,
    Why,
)
from hullguard.model.severity import Severity

BUILT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def vulnerability(identity: str, **fields: Any) -> Vulnerability:
    values: dict[str, Any] = {
        "advisory": f"DEBIAN-{identity}",
        "aliases": (f"DEBIAN-{identity}",),
        "package": "pkg:deb/debian/zlib1g@1",
        "installed": "1",
        "fixed": None,
        "status": FixStatus.AFFECTED,
        "severity": Severity.HIGH,
        "severity_source": "Debian",
        "cvss": (),
        "kev": False,
        "epss": None,
        "layer": "sha256:a",
        "why": Why("osv.range", "evidence"),
    }
    return Vulnerability(id=identity, **{**values, **fields})


def reported(name: str, purl: str = "", ecosystem: str = "Debian:12") -> ReportedPackage:
    return ReportedPackage(
        purl or f"pkg:deb/debian/{name}@1", name, "1", ecosystem, name, "1", "amd64", "sha256:a", ("place",)
    )


def report(
    *vulnerabilities: Vulnerability, packages: Sequence[ReportedPackage] = (reported("zlib1g"),), **fields: Any
) -> ScanReport:
    values: dict[str, Any] = {
        "target": Target("docker:app:1", "docker", image_id="sha256:b", platform="linux/amd64", tags=("app:1",)),
        "os": OperatingSystem("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
        "layers": (Layer("sha256:a", created_by="/bin/sh -c #(nop) ADD file:abc in / ", size=5),),
        "packages": tuple(packages),
        "vulnerabilities": vulnerabilities,
        "unknowns": (),
        "advisories": AdvisoryState(BUILT, ("Debian",), BUILT.date() - timedelta(days=9)),
        "complete": True,
    }
    return ScanReport(**{**values, **fields})


def unknown(number: int) -> Unknown:
    return Unknown(f"what {number:03}", "why")


EVIL = "evil\x00\x1b[2J\u202e<script>alert(1)</script>\"'&]]>"
"""What an image may call its parts."""


def everything() -> ScanReport:
    """A report with all that a report can hold, under names that an attacker chose."""
    lodash = reported("lodash", "pkg:npm/lodash@4.17.4", "npm")
    evil = reported(EVIL, "pkg:pypi/evil@1", "PyPI")
    return report(
        vulnerability(
            "CVE-2024-1",
            severity=Severity.CRITICAL,
            fixed="1.2",
            status=FixStatus.FIXED,
            kev=True,
            epss=0.91,
            cvss=(Cvss("3.1", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),),
            summary="A heap overflow in inflate",
            priority=Priority(97, ("exploited", "EPSS 0.91")),
        ),
        vulnerability("GHSA-1-2-3", package=lodash.purl, severity=Severity.LOW, fixed="4.17.5"),
        vulnerability("CVE-2024-3", package=evil.purl, summary=EVIL, installed=EVIL, why=Why(EVIL, EVIL)),
        packages=[structs.replace(reported("zlib1g"), licenses=("Zlib",)), lodash, evil],
        unknowns=(unknown(1), Unknown(EVIL, EVIL)),
        secrets=(Secret("aws-key", "AWS access key", Severity.CRITICAL, f"app/{EVIL}", 3, "key=****", "sha256:a"),),
        malware=(Malware("miner", "A coin miner", Severity.HIGH, "tmp/x", "0" * 64, deleted=True),),
        config=(Misconfiguration("CIS-DI-0001", "Root user", Severity.MEDIUM, "It runs as root.", "Add a user."),),
        licenses=(LicenseUse("Zlib", "permissive", ("pkg:deb/debian/zlib1g@1",)),),
        suppressed=(
            Suppressed(vulnerability("CVE-2024-9"), SuppressedBy.VEX, f"not reached {EVIL}"),
            Suppressed(vulnerability("CVE-2024-8"), SuppressedBy.IGNORE_FILE, "accepted", date(2027, 1, 1)),
        ),
    )
