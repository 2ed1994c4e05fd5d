"""SPDX 2.3 in JSON: what is inside, under which licences, and which advisories speak of it."""

import hashlib
import uuid
from typing import Any

import msgspec

from hullguard import __version__
from hullguard.imagescan.formats.format import Format, Page
from hullguard.imagescan.formats.words import expression, left_out, page_of, remedy
from hullguard.inventory.bills.document import OWN_TOOL, SPDX_INCOMPLETE
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.words.plain import plain

_NAMES = uuid.UUID("3d2f0d0c-5d53-5a2b-8f0e-54c2c1a1b1f7")
_ROOT = "SPDXRef-Image"
_UNSAID = "NOASSERTION"


class SpdxFormat(Format):
    """A licence in other words than SPDX's becomes a ``LicenseRef`` with those words as its text."""

    name = "spdx"
    suffix = "spdx.json"
    media = "application/spdx+json"
    lists_licenses = True

    def render(self, report: ScanReport, page: Page) -> bytes:
        made = _Document(report)
        document: dict[str, Any] = {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": plain(report.target.ref),
            "creationInfo": {
                "created": page.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "creators": [f"Tool: {OWN_TOOL}{__version__}"],
            },
            "packages": made.packages,
            "relationships": made.relationships,
        }
        if made.licenses:
            document["hasExtractedLicensingInfos"] = list(made.licenses.values())
        said = [f"{one.what}: {one.why}" for one in report.unknowns]
        if not report.complete:
            said.append(f"{SPDX_INCOMPLETE} packages or findings may be missing")
        if said:
            document["comment"] = "\n".join(plain(line) for line in said)
        if page.hidden:
            document["annotations"] = [_annotation(left_out(page.hidden), document["creationInfo"])]
        number = uuid.uuid5(_NAMES, msgspec.json.encode(document).decode())
        document["documentNamespace"] = f"https://spdx.org/spdxdocs/hullguard-{number}"
        return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


class _Document:
    """Collects the words of licences while packages are described."""

    def __init__(self, report: ScanReport) -> None:
        self.licenses: dict[str, dict[str, str]] = {}
        findings: dict[str, list[Vulnerability]] = {}
        for one in report.vulnerabilities:
            findings.setdefault(one.package, []).append(one)
        by_purl: dict[str, list[ReportedPackage]] = {}
        for package in report.packages:
            by_purl.setdefault(package.purl, []).append(package)
        self.packages = [_image(report)]
        self.packages += [self._package(same, findings.get(purl, [])) for purl, same in by_purl.items()]
        self.relationships = [_related("SPDXRef-DOCUMENT", "DESCRIBES", _ROOT)]
        self.relationships += [_related(_ROOT, "CONTAINS", package["SPDXID"]) for package in self.packages[1:]]

    def _package(self, same: list[ReportedPackage], findings: list[Vulnerability]) -> dict[str, Any]:
        package = same[0]
        references = [_reference("PACKAGE-MANAGER", "purl", package.purl)]
        references += [
            {
                **_reference("SECURITY", "advisory", page_of(one.id)),
                "comment": f"{one.id} ({one.severity}). {remedy(one)}",
            }
            for one in findings
        ]
        made: dict[str, Any] = {
            **_bare(_identity(package.purl), package.name),
            "versionInfo": package.version,
            "licenseDeclared": self._license(package.licenses),
            "externalRefs": references,
        }
        about = [f"installed: {place}" for one in same for place in one.locations]
        about += [f"layer: {one.layer}" for one in same if one.layer]
        if package.source_name:
            about.append(f"built from: {package.source_name} {package.source_version or ''}".rstrip())
        if about:
            made["sourceInfo"] = "\n".join(plain(line) for line in about)
        return made

    def _license(self, declared: tuple[str, ...]) -> str:
        if not declared:
            return _UNSAID
        known = expression(declared)
        if known is not None:
            return known
        return " AND ".join(dict.fromkeys(self._reference(words) for words in declared))

    def _reference(self, words: str) -> str:
        known = expression((words,))
        if known is not None:
            return f"({known})" if " " in known else known
        identity = f"LicenseRef-{hashlib.sha256(words.encode()).hexdigest()[:16]}"
        name = plain(words)[:100] or "empty"
        self.licenses[identity] = {"licenseId": identity, "name": name, "extractedText": plain(words) or "empty"}
        return identity


def _image(report: ScanReport) -> dict[str, Any]:
    made: dict[str, Any] = {**_bare(_ROOT, report.target.ref), "primaryPackagePurpose": "CONTAINER"}
    digest = report.target.digest or ""
    if digest:
        made["versionInfo"] = digest
    algorithm, _, value = digest.partition(":")
    if algorithm == "sha256" and len(value) == 64:
        made["checksums"] = [{"algorithm": "SHA256", "checksumValue": value.lower()}]
    return made


def _annotation(said: str, by: dict[str, Any]) -> dict[str, str]:
    """Beside the comment, which tells what of the packages is not known."""
    maker, day = by["creators"][0], by["created"]
    return {"annotationType": "OTHER", "annotator": maker, "annotationDate": day, "comment": said}


def _bare(identity: str, name: str) -> dict[str, Any]:
    return {
        "SPDXID": identity,
        "name": plain(name),
        "downloadLocation": _UNSAID,
        "filesAnalyzed": False,
        "licenseConcluded": _UNSAID,
        "licenseDeclared": _UNSAID,
        "copyrightText": _UNSAID,
        "supplier": _UNSAID,
    }


def _identity(purl: str) -> str:
    return f"SPDXRef-Package-{hashlib.sha256(purl.encode()).hexdigest()[:24]}"


def _reference(category: str, kind: str, locator: str) -> dict[str, str]:
    return {"referenceCategory": category, "referenceType": kind, "referenceLocator": locator}


def _related(one: str, how: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}
