"""What people and makers say does not count: ignore files and VEX; and reports that are compared."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
from tests.fuzz.reading import written
from tests.fuzz.target import Target
from tests.support import records

from hullguard.app.cli.diff import read_report
from hullguard.imagescan.suppress import Rules, purl, standing, vex
from hullguard.imagescan.suppress.load import load

_STATEMENT = {
    "vulnerability": {"name": "CVE-2024-0001", "aliases": ["GHSA-x"]},
    "products": [
        {"@id": "pkg:oci/nginx@sha256%3Aaa", "subcomponents": [{"@id": "pkg:deb/debian/libssl3@3.0.9"}]},
        {"identifiers": {"purl": "pkg:npm/lodash@4.0.0"}},
    ],
    "status": "not_affected",
    "justification": "vulnerable_code_not_present",
}
_OPENVEX = {
    "@context": "https://openvex.dev/ns/v0.2.0",
    "timestamp": "2026-01-01T00:00:00Z",
    "statements": [_STATEMENT, {"vulnerability": "CVE-2", "products": ["pkg:npm/a"], "status": "fixed"}],
}
_CSAF = {
    "document": {"csaf_version": "2.0", "category": "csaf_vex", "tracking": {"current_release_date": "2026-01-02"}},
    "product_tree": {
        "branches": [
            {
                "category": "vendor",
                "branches": [
                    {
                        "product": {
                            "product_id": "a",
                            "product_identification_helper": {"purl": "pkg:deb/debian/libssl3@3.0.9"},
                        }
                    }
                ],
            }
        ],
        "full_product_names": [{"product_id": "i", "product_identification_helper": {"purl": "pkg:oci/nginx"}}],
        "relationships": [
            {"full_product_name": {"product_id": "r"}, "product_reference": "a", "relates_to_product_reference": "i"}
        ],
    },
    "vulnerabilities": [
        {
            "cve": "CVE-2024-0001",
            "ids": [{"text": "GHSA-x"}],
            "product_status": {
                "known_not_affected": ["a", "r"],
                "fixed": ["i"],
                "known_affected": [],
                "under_investigation": [],
            },
            "flags": [{"label": "component_not_present", "product_ids": ["a"]}],
            "threats": [{"category": "impact", "details": "none", "product_ids": ["a"]}],
        }
    ],
}
_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.5",
    "metadata": {"timestamp": "2026-01-01", "component": {"bom-ref": "root", "purl": "pkg:oci/nginx@sha256%3Aaa"}},
    "components": [
        {"bom-ref": "c", "purl": "pkg:npm/lodash@4.0.0", "components": [{"bom-ref": "d", "purl": "pkg:npm/d"}]}
    ],
    "vulnerabilities": [
        {
            "id": "CVE-2024-0001",
            "analysis": {"state": "not_affected", "justification": "code_not_present", "detail": "x"},
            "affects": [{"ref": "c"}, {"ref": "urn:cdx:1/1#pkg%3Anpm/e@1"}],
        }
    ],
}
_LINES = b"# nothing\n\nCVE-2024-0001 # not built in\nGHSA-x until:2026-12-31 # later\nCVE-4 exp:2026-01-01\n"
_YAML = b"""ignore:
- id: CVE-2024-0001
  reason: not reachable
  until: 2026-12-31
  purl: pkg:deb/debian/libssl3
- {id: CVE-2024-0002, reason: "only at build time", package: nginx, path: "usr/lib/*"}
"""
_ESCAPES = b"""- id: "\\x41\\u00e9\\U0001F600"
  reason: |
    several
    lines
  package: a
"""
_REPORT = records.report()


def _suppressing(name: str) -> Callable[[bytes], Any]:
    """A file of this name, and what becomes of a report with it."""

    def read(data: bytes) -> Any:
        path = written(data, name)
        rules = load(path) if name.startswith("ignore") else load(None, [path])
        report = rules.apply(_REPORT, date(2026, 6, 1))
        if not name.startswith("ignore"):
            head = vex.describe(data, name)
            said, _ = standing.document_rules("d1", head, data)
            names = standing.names_of(said)
            told = Rules(said).suppress(_REPORT, date(2026, 6, 1), ("nginx:1",))
            return [head, names, told.suppressed, standing.ask_names(said)]
        return [report.vulnerabilities, report.suppressed, report.unknowns]

    return read


def _purl(data: bytes) -> Any:
    read = purl.read(data.decode("utf-8", "replace"))
    return [read, read.covers(read) if read else None]


def _report(data: bytes) -> Any:
    """A report that an earlier scan wrote, on its way into a comparison."""
    return read_report(written(data, "report.json"))


TARGETS: tuple[Target, ...] = (
    Target("suppress.lines", _suppressing("ignore"), lambda: (_LINES,)),
    Target(
        "suppress.yaml",
        _suppressing("ignore.yaml"),
        lambda: (_YAML, _ESCAPES),
        words=(
            b'"\\Uffffffff"',
            b'"\\ud800"',
            b"!!binary ",
            b"&a ",
            b"*a",
            b"? ",
            b"<<: ",
            b"--- ",
            b"\n- id: a\n  reason: b",
        ),
        runs=400,
    ),
    Target("suppress.openvex", _suppressing("vex.json"), lambda: (json.dumps(_OPENVEX).encode(),)),
    Target("suppress.csaf", _suppressing("vex.json"), lambda: (json.dumps(_CSAF).encode(),)),
    Target("suppress.cyclonedx", _suppressing("vex.json"), lambda: (json.dumps(_CYCLONEDX).encode(),)),
    Target(
        "suppress.purl",
        _purl,
        lambda: (b"pkg:pypi/One_Two@1.0?a=b&arch=amd64#x", b"PKG:npm/%40scope/a@1%200"),
        runs=400,
    ),
    Target("suppress.report", _report, lambda: (msgspec.json.encode(_REPORT),)),
)
