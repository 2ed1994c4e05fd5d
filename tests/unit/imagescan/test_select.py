"""What of a report is asked for."""

import pytest
from msgspec.structs import replace
from tests.support.reports import everything, report, vulnerability

from hullguard.imagescan.select import parse_severities, parse_severity, reaches, select
from hullguard.model.errors import Invalid
from hullguard.model.severity import Severity

REPORT = report(
    vulnerability("CVE-1", severity=Severity.CRITICAL, fixed="2"),
    vulnerability("CVE-2", severity=Severity.LOW),
    vulnerability("CVE-3", severity=Severity.LOW, fixed="3"),
)


@pytest.mark.parametrize(
    ("severities", "fixable", "ids"),
    [
        ("", False, ["CVE-1", "CVE-2", "CVE-3"]),
        ("low", False, ["CVE-2", "CVE-3"]),
        ("", True, ["CVE-1", "CVE-3"]),
        ("low,medium", True, ["CVE-3"]),
        ("medium", False, []),
    ],
)
def test_only_what_is_asked_for_is_left(severities: str, fixable: bool, ids: list[str]) -> None:
    chosen = select(REPORT, parse_severities(severities), fixable_only=fixable)

    assert [one.id for one in chosen.vulnerabilities] == ids
    assert chosen.packages == REPORT.packages


def test_severities_are_read_in_any_case_and_with_spaces() -> None:
    assert parse_severities(" Critical, HIGH ,") == {Severity.CRITICAL, Severity.HIGH}


@pytest.mark.parametrize("word", ["severe", "", "critical high"])
def test_what_is_no_severity_names_those_that_are(word: str) -> None:
    with pytest.raises(Invalid, match="choose among critical, high, medium, low, negligible, unknown"):
        parse_severity(word)


@pytest.mark.parametrize(("bound", "reached"), [("critical", False), ("high", True), ("low", True), ("unknown", True)])
def test_a_bound_is_reached_by_what_is_as_grave(bound: str, reached: bool) -> None:
    assert reaches(report(vulnerability("CVE-1", severity=Severity.HIGH)), Severity(bound)) is reached
    assert not reaches(report(), Severity(bound))


def test_a_bound_is_reached_by_what_is_no_vulnerability_too() -> None:
    whole = everything()
    nothing = replace(whole, vulnerabilities=(), secrets=(), malware=(), config=())

    assert reaches(replace(nothing, secrets=whole.secrets), Severity.CRITICAL)
    assert reaches(replace(nothing, malware=whole.malware), Severity.HIGH)
    assert not reaches(replace(nothing, config=whole.config), Severity.HIGH)
    assert not reaches(nothing, Severity.UNKNOWN)
