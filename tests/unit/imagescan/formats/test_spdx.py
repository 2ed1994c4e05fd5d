"""SPDX: what the parser of its makers reads without complaint."""

import json
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.support.reports import everything, report, reported, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.spdx import SpdxFormat
from hullguard.imagescan.formats.words import left_out
from hullguard.model.image import Target
from hullguard.model.report import ScanReport

with warnings.catch_warnings():  # the library's own imports warn
    warnings.simplefilter("ignore")
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

PAGE = Page(at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def document(made: ScanReport) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(SpdxFormat().render(made, PAGE))
    return parsed


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "made",
    [
        everything(),
        report(),
        report(packages=[], os=None, layers=(), complete=False),
        report(target=Target("app", "docker", digest="sha256:" + "a" * 64)),
        report(packages=[structs.replace(reported("x"), licenses=("MIT OR Zlib", "as is", "as is"))]),
    ],
)
def test_the_makers_own_parser_finds_nothing_wrong(made: ScanReport, tmp_path: Path) -> None:
    path = tmp_path / "report.spdx.json"
    path.write_bytes(SpdxFormat().render(made, PAGE))

    assert validate_full_spdx_document(parse_file(str(path))) == []


def test_the_image_contains_each_package_once() -> None:
    twice = [reported("zlib1g"), structs.replace(reported("zlib1g"), layer="sha256:b")]
    made = document(report(packages=twice))

    assert [package["name"] for package in made["packages"]] == ["docker:app:1", "zlib1g"]
    assert [one["relationshipType"] for one in made["relationships"]] == ["DESCRIBES", "CONTAINS"]
    assert "layer: sha256:b" in made["packages"][1]["sourceInfo"]


def test_a_package_names_its_advisories() -> None:
    made = document(report(vulnerability("CVE-1", fixed="2")))

    assert made["packages"][1]["externalRefs"] == [
        {
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": "pkg:deb/debian/zlib1g@1",
        },
        {
            "referenceCategory": "SECURITY",
            "referenceType": "advisory",
            "referenceLocator": "https://www.cve.org/CVERecord?id=CVE-1",
            "comment": "CVE-1 (high). Update from 1 to 2.",
        },
    ]


def test_a_licence_in_other_words_keeps_them() -> None:
    made = document(report(packages=[structs.replace(reported("x"), licenses=("do as you like", "MIT OR Zlib"))]))
    (extracted,) = made["hasExtractedLicensingInfos"]

    assert extracted["extractedText"] == "do as you like"
    assert made["packages"][1]["licenseDeclared"] == f"{extracted['licenseId']} AND (MIT OR Zlib)"


def test_the_head_is_dated_and_unique() -> None:
    made = document(everything())

    assert made["creationInfo"]["created"] == "2026-01-02T03:04:05Z"
    assert made["documentNamespace"] != document(report())["documentNamespace"]
    assert made["documentNamespace"] == document(everything())["documentNamespace"]


def test_what_could_not_be_decided_is_said() -> None:
    assert "what 001: why" in document(everything())["comment"]
    assert "incomplete: packages or findings may be missing" in document(report(complete=False))["comment"]


@pytest.mark.filterwarnings("ignore")
def test_findings_that_were_not_asked_for_are_told(tmp_path: Path) -> None:
    path = tmp_path / "report.spdx.json"
    path.write_bytes(SpdxFormat().render(report(), structs.replace(PAGE, hidden=3)))

    assert validate_full_spdx_document(parse_file(str(path))) == []
    assert [each["comment"] for each in json.loads(path.read_bytes())["annotations"]] == [left_out(3)]
    assert "annotations" not in document(report())
