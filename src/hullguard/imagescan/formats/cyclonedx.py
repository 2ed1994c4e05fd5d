"""CycloneDX 1.6 in JSON: what is inside, what is wrong with it, and what was judged not to count."""

import uuid
from typing import Any

import msgspec

from hullguard import __version__
from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.words import expression, left_out, page_of, remedy
from hullguard.inventory.bills.document import OWN_DOUBT
from hullguard.model.report import Cvss, ReportedPackage, ScanReport, Suppressed, SuppressedBy, Vulnerability
from hullguard.model.severity import Severity

_METHODS = {"2.0": "CVSSv2", "3.0": "CVSSv3", "3.1": "CVSSv31", "4.0": "CVSSv4"}
_ROOT = "image"
_NAMES = uuid.UUID("6b0f6a8e-6c0c-5f0e-9a35-1f6f3f4a7a11")
"""The name space of serial numbers: the same report on the same second has the same number."""


class CyclonedxFormat(Format):
    """A package that several layers brought is one component, for its purl is its reference."""

    name = "cyclonedx"
    suffix = "cdx.json"
    media = "application/vnd.cyclonedx+json"
    lists_licenses = True

    def render(self, report: ScanReport, page: Page) -> bytes:
        by_purl: dict[str, list[ReportedPackage]] = {}
        for package in report.packages:
            by_purl.setdefault(package.purl, []).append(package)
        found = [_vulnerability(one) for one in report.vulnerabilities]
        found += [_vulnerability(one.vulnerability, one) for one in report.suppressed]
        document: dict[str, Any] = {
            "metadata": _metadata(report, page),
            "components": [*_system(report), *(_component(packages) for packages in by_purl.values())],
            "dependencies": [{"ref": _ROOT, "dependsOn": list(by_purl)}, *({"ref": purl} for purl in by_purl)],
            "compositions": [{"aggregate": "unknown" if report.complete else "incomplete", "assemblies": [_ROOT]}],
            "vulnerabilities": _numbered(found),
        }
        serial = uuid.uuid5(_NAMES, msgspec.json.encode(document).decode())
        head = {"bomFormat": "CycloneDX", "specVersion": "1.6", "serialNumber": f"urn:uuid:{serial}", "version": 1}
        return msgspec.json.format(msgspec.json.encode({**head, **document}), indent=2) + b"\n"


def _metadata(report: ScanReport, page: Page) -> dict[str, Any]:
    target = report.target
    built = report.advisories.built
    facts = {
        "hullguard:image-id": target.image_id,
        "hullguard:digest": target.digest,
        "hullguard:platform": target.platform,
        "hullguard:advisories-built": built.isoformat() if built else None,
        "hullguard:left-out": left_out(page.hidden) if page.hidden else None,
    }
    properties = _properties(facts)
    properties += [_property(OWN_DOUBT, f"{one.what}: {one.why}") for one in report.unknowns]
    properties += [_property(f"hullguard:layer:{number}", one.diff_id) for number, one in enumerate(report.layers, 1)]
    root: dict[str, Any] = {"bom-ref": _ROOT, "type": "container", "name": target.ref}
    if target.digest:
        root["version"] = target.digest
    return {
        "timestamp": page.at.isoformat(timespec="seconds"),
        "tools": {"components": [{"type": "application", "name": "hullguard", "version": __version__}]},
        "component": root,
        "properties": properties,
    }


def _system(report: ScanReport) -> list[dict[str, Any]]:
    if report.os is None:
        return []
    system = {"bom-ref": "os", "type": "operating-system", "name": report.os.id}
    if report.os.version_id:
        system["version"] = report.os.version_id
    if report.os.name:
        system["description"] = report.os.name
    return [system]


def _component(packages: list[ReportedPackage]) -> dict[str, Any]:
    first = packages[0]
    component: dict[str, Any] = {
        "bom-ref": first.purl,
        "type": "library",
        "name": first.name,
        "version": first.version,
        "purl": first.purl,
    }
    known = expression(first.licenses)
    if known is not None:
        component["licenses"] = [{"expression": known}]
    elif first.licenses:
        component["licenses"] = [{"license": _license(one)} for one in dict.fromkeys(first.licenses) if one]
    facts = {
        "hullguard:ecosystem": first.ecosystem,
        "hullguard:source": first.source_name,
        "hullguard:source-version": first.source_version,
    }
    properties = _properties(facts)
    properties += [_property("hullguard:layer", one.layer) for one in packages if one.layer]
    if properties:
        component["properties"] = properties
    places = dict.fromkeys(place for one in packages for place in one.locations)
    if places:
        component["evidence"] = {"occurrences": [{"location": place} for place in places]}
    return component


def _license(words: str) -> dict[str, str]:
    """One of several that are no expression together: beside a name an expression has no place."""
    known = expression((words,))
    return {"name": words} if known is None or " " in known or known.endswith("+") else {"id": known}


def _vulnerability(one: Vulnerability, suppressed: Suppressed | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "id": one.id,
        "source": {"name": one.advisory, "url": page_of(one.advisory)},
        "references": [
            {"id": alias, "source": {"name": alias, "url": page_of(alias)}}
            for alias in dict.fromkeys(one.aliases)
            if alias != one.id
        ],
        "ratings": _ratings(one),
        "recommendation": remedy(one),
        "affects": [{"ref": one.package, "versions": [{"version": one.installed, "status": "affected"}]}],
    }
    if one.summary:
        made["description"] = one.summary
    if suppressed is not None:
        made["analysis"] = _analysis(suppressed)
    facts = {
        "hullguard:layer": one.layer,
        "hullguard:fixed": one.fixed,
        "hullguard:status": str(one.status),
        "hullguard:exploited": "true" if one.kev else None,
        "hullguard:epss": None if one.epss is None else str(one.epss),
        "hullguard:priority": str(one.priority.score) if one.priority.score else None,
        "hullguard:why": f"{one.why.rule}: {one.why.evidence}",
    }
    made["properties"] = _properties(facts)
    return made


def _ratings(one: Vulnerability) -> list[dict[str, Any]]:
    """First whose word the report gives, then every vector that the advisory has."""
    ratings: list[dict[str, Any]] = [{"severity": _severity(one.severity), "method": "other"}]
    if one.severity_source:
        ratings[0]["source"] = {"name": one.severity_source}
    return ratings + [_vector(cvss) for cvss in dict.fromkeys(one.cvss)]


def _vector(cvss: Cvss) -> dict[str, Any]:
    rating: dict[str, Any] = {"method": _METHODS.get(cvss.version, "other"), "vector": cvss.vector}
    if cvss.score is not None:
        rating["score"] = cvss.score
    return rating


def _severity(severity: Severity) -> str:
    return "info" if severity is Severity.NEGLIGIBLE else str(severity)


def _analysis(one: Suppressed) -> dict[str, Any]:
    """An ignore file and an exception accept a risk; only VEX and the distribution say that there is none."""
    until = f" (until {one.until.isoformat()})" if one.until else ""
    detail = {"detail": f"{one.by}: {one.reason}{until}"}
    if one.by in (SuppressedBy.IGNORE_FILE, SuppressedBy.EXCEPTION):
        return {"response": ["will_not_fix"], **detail}
    return {"state": "not_affected", **detail}


def _numbered(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """References must differ, also where one vulnerability is in several packages."""
    return [{"bom-ref": f"vulnerability-{number}", **one} for number, one in enumerate(found, 1)]


def _properties(facts: dict[str, str | None]) -> list[dict[str, str]]:
    return [_property(name, value) for name, value in facts.items() if value]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}
