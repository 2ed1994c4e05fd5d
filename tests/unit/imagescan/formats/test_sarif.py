"""SARIF 2.1.0: what its specification and the code hosts that read it demand."""

import json
from typing import Any

import pytest
from msgspec import structs
from tests.support.reports import everything, report, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.sarif import SarifFormat
from hullguard.imagescan.formats.words import left_out
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity


def run(made: ScanReport) -> dict[str, Any]:
    document = json.loads(SarifFormat().render(made, Page()))
    assert document["version"] == "2.1.0"
    assert "sarif-schema-2.1.0.json" in document["$schema"]
    (only,) = document["runs"]
    assert isinstance(only, dict)
    return only


@pytest.mark.parametrize("target", ["app:1", "/srv/images/app.tar"])
def test_every_result_points_to_its_rule_and_has_a_place(target: str) -> None:
    told = everything()
    made = run(structs.replace(told, target=structs.replace(told.target, ref=target)))
    rules = made["tool"]["driver"]["rules"]

    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(made["results"]) == 3 + 2 + 3
    for result in made["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not set(uri) & set(' <>"\x00\x1b')
        assert not uri.startswith("/")
        assert len(result["partialFingerprints"]["hullguard/v1"]) == 64


@pytest.mark.parametrize(
    ("severity", "level"),
    [
        (Severity.CRITICAL, "error"),
        (Severity.HIGH, "error"),
        (Severity.MEDIUM, "warning"),
        (Severity.LOW, "note"),
        (Severity.NEGLIGIBLE, "note"),
        (Severity.UNKNOWN, "note"),
    ],
)
def test_the_level_follows_the_severity(severity: Severity, level: str) -> None:
    assert run(report(vulnerability("CVE-1", severity=severity)))["results"][0]["level"] == level


def test_one_rule_for_a_vulnerability_of_two_packages_with_the_gravest_number() -> None:
    made = run(
        report(
            vulnerability("CVE-1", severity=Severity.LOW),
            vulnerability("CVE-1", severity=Severity.CRITICAL, package="pkg:deb/debian/other@1"),
        )
    )

    (rule,) = made["tool"]["driver"]["rules"]
    assert rule["properties"]["security-severity"] == "9.5"
    assert rule["helpUri"] == "https://www.cve.org/CVERecord?id=CVE-1"
    assert [result["ruleIndex"] for result in made["results"]] == [0, 0]


def test_what_does_not_count_is_there_and_suppressed() -> None:
    results = {result["ruleId"]: result for result in run(everything())["results"]}

    assert results["CVE-2024-8"]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "ignore-file: accepted"}
    ]
    assert "suppressions" not in results["CVE-2024-1"]


def test_a_secret_has_its_line() -> None:
    results = {result["ruleId"]: result for result in run(everything())["results"]}

    assert results["aws-key"]["locations"][0]["physicalLocation"]["region"] == {"startLine": 3}


def test_unknowns_are_notifications_and_a_limit_is_no_success() -> None:
    (invocation,) = run(report(complete=False))["invocations"]
    assert invocation["executionSuccessful"] is False

    (invocation,) = run(everything())["invocations"]
    assert invocation["executionSuccessful"] is True
    assert invocation["toolExecutionNotifications"][0]["message"]["text"] == "what 001: why"


def test_the_fingerprint_outlives_an_update() -> None:
    def fingerprint(version: str) -> str:
        made = run(report(vulnerability("CVE-1", package=f"pkg:deb/debian/zlib1g@{version}", installed=version)))
        return str(made["results"][0]["partialFingerprints"])

    assert fingerprint("1") == fingerprint("2")


def test_findings_that_were_not_asked_for_are_told() -> None:
    document = json.loads(SarifFormat().render(report(), Page(hidden=3)))
    notes = document["runs"][0]["invocations"][0]["toolExecutionNotifications"]

    assert {"level": "note", "message": {"text": left_out(3)}} in notes
    assert all(
        "not shown" not in note["message"]["text"]
        for note in run(report())["invocations"][0]["toolExecutionNotifications"]
    )
