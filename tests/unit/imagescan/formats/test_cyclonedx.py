"""CycloneDX: valid by the schema of its makers, and nothing of the report lost on the way."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from msgspec import structs
from tests.support.reports import everything, report, reported, vulnerability

from hullguard.imagescan.formats.cyclonedx import CyclonedxFormat
from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.words import left_out
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity

PAGE = Page(at=datetime(2026, 1, 2, tzinfo=UTC))


def document(made: ScanReport) -> dict[str, Any]:
    text = CyclonedxFormat().render(made, PAGE).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parsed: dict[str, Any] = json.loads(text)
    return parsed


@pytest.mark.parametrize(
    "made", [everything(), report(), report(packages=[], os=None, layers=()), report(complete=False)]
)
def test_it_is_valid(made: ScanReport) -> None:
    assert document(made)["specVersion"] == "1.6"


@pytest.mark.parametrize("severity", list(Severity))
def test_every_severity_has_its_word(severity: Severity) -> None:
    (one,) = document(report(vulnerability("CVE-1", severity=severity)))["vulnerabilities"]

    assert one["ratings"][0]["severity"] == ("info" if severity is Severity.NEGLIGIBLE else severity)
    assert one["ratings"][0]["source"] == {"name": "Debian"}


def test_a_finding_points_to_its_component() -> None:
    made = document(everything())
    references = {component["bom-ref"] for component in made["components"]}
    first = made["vulnerabilities"][0]

    assert all(one["affects"][0]["ref"] in references for one in made["vulnerabilities"])
    assert first["recommendation"] == "Update from 1 to 1.2."
    assert first["ratings"][1]["score"] == 9.8
    assert first["ratings"][1]["method"] == "CVSSv31"
    assert {"name": "hullguard:exploited", "value": "true"} in first["properties"]
    assert {"name": "hullguard:layer", "value": "sha256:a"} in first["properties"]


def test_what_does_not_count_says_why() -> None:
    found = {one["id"]: one for one in document(everything())["vulnerabilities"]}

    assert found["CVE-2024-9"]["analysis"]["state"] == "not_affected"
    assert found["CVE-2024-8"]["analysis"] == {
        "response": ["will_not_fix"],
        "detail": "ignore-file: accepted (until 2027-01-01)",
    }
    assert "analysis" not in found["CVE-2024-1"]


def test_a_package_of_two_layers_is_one_component_with_both() -> None:
    one = reported("zlib1g")
    two = structs.replace(one, layer="sha256:b", locations=("elsewhere",))
    (component,) = [part for part in document(report(packages=[one, two]))["components"] if part["type"] == "library"]

    assert [known["value"] for known in component["properties"] if known["name"] == "hullguard:layer"] == [
        "sha256:a",
        "sha256:b",
    ]
    assert component["evidence"]["occurrences"] == [{"location": "place"}, {"location": "elsewhere"}]


@pytest.mark.parametrize(
    ("licenses", "said"),
    [
        (("MIT", "Zlib"), [{"expression": "MIT AND Zlib"}]),
        (("as is", "MIT"), [{"license": {"name": "as is"}}, {"license": {"id": "MIT"}}]),
        (
            ("permissive", "MIT OR ISC", "GPL-2.0-or-later WITH Libtool-exception", "GPL-1.0+"),
            [
                {"license": {"name": "permissive"}},
                {"license": {"name": "MIT OR ISC"}},
                {"license": {"name": "GPL-2.0-or-later WITH Libtool-exception"}},
                {"license": {"name": "GPL-1.0+"}},
            ],
        ),
    ],
)
def test_licences(licenses: tuple[str, ...], said: list[object]) -> None:
    package = structs.replace(reported("zlib1g"), licenses=licenses)
    components = document(report(packages=[package]))["components"]

    assert components[1]["licenses"] == said


def test_what_could_not_be_decided_is_not_lost() -> None:
    made = document(everything())

    assert {"name": "hullguard:unknown", "value": "what 001: why"} in made["metadata"]["properties"]
    assert document(report(complete=False))["compositions"][0]["aggregate"] == "incomplete"


def test_the_same_report_has_the_same_number() -> None:
    assert document(everything())["serialNumber"] == document(everything())["serialNumber"]
    assert document(everything())["serialNumber"] != document(report())["serialNumber"]


def test_findings_that_were_not_asked_for_are_told() -> None:
    text = CyclonedxFormat().render(report(), structs.replace(PAGE, hidden=3)).decode()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    assert {"name": "hullguard:left-out", "value": left_out(3)} in json.loads(text)["metadata"]["properties"]
    assert "left-out" not in CyclonedxFormat().render(report(), PAGE).decode()
