"""Small scan reports."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, FixStatus, ReportedPackage, ScanReport, Vulnerability, Why
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
        "advisories": AdvisoryState(BUILT, ("Debian",)),
        "complete": True,
    }
    return ScanReport(**{**values, **fields})


def unknown(number: int) -> Unknown:
    return Unknown(f"what {number:03}", "why")
