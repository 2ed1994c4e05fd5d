"""JUnit XML: counts that add up, every finding in it, and nothing that XML cannot carry."""

from xml.etree import ElementTree as ET

from tests.support.reports import everything, report, reported, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.junit import JunitFormat
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.model.severity import Severity


def parsed(made: ScanReport) -> ET.Element:
    return ET.fromstring(JunitFormat().render(made, Page()))


def test_a_case_per_package_and_a_failure_for_those_with_findings() -> None:
    made = parsed(report(vulnerability("CVE-1", fixed="2"), packages=[reported("zlib1g"), reported("bash")]))

    (suite,) = made
    assert suite.get("name") == "Debian:12"
    assert [(case.get("name"), len(case)) for case in suite] == [("zlib1g 1", 1), ("bash 1", 0)]
    assert suite[0][0].get("type") == "high"
    assert "Update from 1 to 2." in str(suite[0][0].text)


def test_all_findings_of_a_package_are_in_its_one_failure_the_gravest_first() -> None:
    made = parsed(report(vulnerability("CVE-1", severity=Severity.LOW), vulnerability("CVE-2")))

    (failure,) = made.iter("failure")
    assert failure.get("message") == "2 findings, the gravest high"
    assert str(failure.text).index("CVE-2") < str(failure.text).index("CVE-1")


def test_the_counts_add_up() -> None:
    made = parsed(everything())

    for element in (made, *made.iter("testsuite")):
        assert int(str(element.get("tests"))) == len(list(element.iter("testcase")))
        assert int(str(element.get("failures"))) == len(list(element.iter("failure")))
        assert int(str(element.get("skipped"))) == len(list(element.iter("skipped")))
        assert int(str(element.get("errors"))) == len(list(element.iter("error")))
    assert [suite.get("name") for suite in made] == [
        "Debian:12", "PyPI", "npm", "secrets", "malware", "configuration", "could not be decided",
    ]  # fmt: skip


def test_hostile_names_are_text_and_carry_no_control_characters() -> None:
    raw = JunitFormat().render(everything(), Page()).decode()

    assert not set(raw) & {chr(code) for code in range(32)} - {"\n"}
    assert "<script>" not in raw
    assert "\u202e" not in raw
    assert any("<script>alert(1)</script>" in str(case.get("name")) for case in parsed(everything()).iter("testcase"))


def test_what_does_not_count_is_a_note() -> None:
    (note,) = parsed(everything()).iter("system-out")

    assert "CVE-2024-8 does not count (ignore-file): accepted" in str(note.text)


def test_findings_that_were_not_asked_for_are_skipped_and_not_passed() -> None:
    made = ET.fromstring(JunitFormat().render(report(), Page(hidden=3)))

    (case,) = made.iterfind("testsuite[@name='not asked for']/testcase")
    assert (case.get("name"), case[0].tag) == ("3 findings", "skipped")
    assert made.get("skipped") == "1"
    assert parsed(report()).find("testsuite[@name='not asked for']") is None


def test_packages_that_nobody_judged_did_not_pass() -> None:
    other = reported("bash", "pkg:deb/frobnix/bash@1", "")
    unknowns = (
        Unknown("Debian:12", "the advisory database has no advisories for it", unjudged=1),
        Unknown("1 OS packages", "no sources speak of it", unjudged=1),
        Unknown("a part 1", "the bill of materials gives it no purl", unjudged=1),
    )
    npm = reported("lodash", "pkg:npm/lodash@4", "npm")
    packages = [reported("zlib1g"), reported("zlib1g-dev"), other, npm]

    made = parsed(report(vulnerability("CVE-1"), packages=packages, unknowns=unknowns))
    unlooked = parsed(report(packages=packages, advisories=AdvisoryState(None)))

    said = {case.get("name"): [part.tag for part in case] for suite in made for case in suite}
    assert said["zlib1g 1"] == ["failure"]
    assert said["zlib1g-dev 1"] == said["bash 1"] == ["skipped"]
    assert said["lodash 1"] == []
    assert next(case for case in made.iter("testcase") if case.get("name") == "bash 1")[0].get("message") == (
        "no sources speak of it"
    )
    assert unlooked.get("skipped") == "4"


def test_an_incomplete_scan_is_an_error() -> None:
    assert len(list(parsed(report(complete=False)).iter("error"))) == 1
    assert parsed(report(complete=False)).get("errors") == "1"


def test_why_it_is_incomplete_is_said_in_the_error() -> None:
    unknowns = [Unknown("a", "is odd"), Unknown("app:1", "another\nengine", incomplete=True), Unknown("c", "d", True)]

    (error,) = parsed(report(unknowns=unknowns, complete=False)).iter("error")

    assert (error.get("message"), error.text) == (
        "packages or findings may be missing",
        "app:1: another\N{REPLACEMENT CHARACTER}engine\nc: d",
    )


def test_a_finding_of_a_package_that_is_not_listed_is_not_lost() -> None:
    made = parsed(report(vulnerability("CVE-1", package="pkg:generic/x@1"), packages=[]))

    assert len(list(made.iter("failure"))) == 1
