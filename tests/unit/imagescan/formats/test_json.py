"""The report for scripts: the fields of the contract, and no others' order."""

import json

import msgspec
from tests.support.reports import report, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.json import JsonFormat
from hullguard.model.report import Cvss, ScanReport

KEYS = [
    "schema", "target", "os", "layers", "packages", "vulnerabilities", "unknowns", "advisories", "complete", "secrets",
    "malware", "config", "licenses", "suppressed", "asked",
]  # fmt: skip


def test_the_report_has_the_fields_of_the_contract() -> None:
    document = json.loads(JsonFormat().render(report(vulnerability("CVE-1")), Page()))

    assert list(document) == KEYS
    assert document["schema"] == "hullguard/scan-report/1"
    assert set(document["target"]) == {"ref", "kind", "image_id", "digest", "platform", "tags"}
    assert set(document["os"]) == {"id", "version_id", "name", "end_of_life"}
    assert set(document["layers"][0]) == {"diff_id", "digest", "size", "created_by", "base"}
    assert set(document["packages"][0]) == {
        "purl", "name", "version", "ecosystem", "source_name", "source_version", "arch", "layer", "locations",
        "licenses",
    }  # fmt: skip
    assert set(document["vulnerabilities"][0]) >= {
        "id", "advisory", "aliases", "package", "installed", "fixed", "status", "severity", "severity_source", "cvss",
        "kev", "epss", "layer", "why",
    }  # fmt: skip
    assert document["vulnerabilities"][0]["why"] == {"rule": "osv.range", "evidence": "evidence"}
    assert document["vulnerabilities"][0]["fixed"] is None
    assert document["advisories"] == {"built": "2026-01-02T03:04:00Z", "sources": ["Debian"], "newest": "2025-12-24"}


def test_what_was_written_can_be_read_again() -> None:
    made = report(vulnerability("CVE-1", cvss=(Cvss("3.1", "CVSS:3.1/AV:N", 9.8),), epss=0.5, kev=True))

    assert msgspec.json.decode(JsonFormat().render(made, Page()), type=ScanReport) == made


def test_hostile_names_are_escaped() -> None:
    text = JsonFormat().render(report(vulnerability("CVE-1\x1b[2J\n")), Page()).decode()

    assert "\x1b" not in text
    assert json.loads(text)["vulnerabilities"][0]["id"] == "CVE-1\x1b[2J\n"


def test_it_is_indented_by_two_as_one_document() -> None:
    made = report(vulnerability("CVE-1"), vulnerability("CVE-2", summary="a\nb \u2028"))
    written = JsonFormat().render(made, Page())

    assert written == msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"
