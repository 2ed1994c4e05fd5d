"""Names that lead to one another through the whole database: which finding they make, and what it inherits."""

import json
from pathlib import Path

import pytest
from tests.support.advisories import Record, affected, database, found, package, record

from hullguard.model.report import Vulnerability
from hullguard.model.severity import Severity

ZERO = {"introduced": "0"}
HIGH = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]
WOLFI = affected("Wolfi", "podman", ZERO)


def elsewhere(identity: str, **fields: object) -> Record:
    """A record about a package that nobody has installed."""
    return record(identity, affected("Go", "example.com/module", ZERO, kind="SEMVER"), **fields)


def only(directory: Path, *records: Record, enrich: bool = False) -> Vulnerability:
    """The one finding of Wolfi's podman."""
    files = []
    if enrich:
        kev = {"catalogVersion": "1", "vulnerabilities": [{"cveID": "CVE-2025-1"}]}
        (directory / "kev.json").write_text(json.dumps(kev))
        (directory / "epss.csv").write_text("cve,epss,percentile\nCVE-2025-1,0.25,0.9\n")
        files = [directory / "kev.json", directory / "epss.csv"]
    (one,) = found(database(directory, *records, files=files), package("podman", "1.0", "Wolfi")).values()
    return one


@pytest.mark.parametrize("spelled", ["GHSA-aaaa-bbbb-cccc", "ghsa-aaaa-bbbb-cccc"])
def test_an_upstream_that_is_no_cve_is_followed_to_it(tmp_path: Path, spelled: str) -> None:
    one = only(
        tmp_path,
        record("CGA-1", WOLFI, upstream=[spelled]),
        elsewhere("GHSA-aaaa-bbbb-cccc", aliases=["CVE-2025-1"], severity=HIGH),
        enrich=True,
    )

    assert (one.id, one.advisory) == ("CVE-2025-1", "CGA-1")
    assert (one.kev, one.epss) == (True, 0.25)
    assert (one.severity, one.severity_source) == (Severity.HIGH, "CVSS 3.1, GHSA-aaaa-bbbb-cccc")
    assert {"CGA-1", "GHSA-aaaa-bbbb-cccc"} <= set(one.aliases)


def test_a_distribution_inherits_the_severity_of_its_cve(tmp_path: Path) -> None:
    one = only(
        tmp_path,
        record("CGA-1", WOLFI, upstream=["CVE-2025-1"]),
        elsewhere("GHSA-x", aliases=["CVE-2025-1"], severity=HIGH),
    )

    assert (one.id, one.severity, one.severity_source) == ("CVE-2025-1", Severity.HIGH, "CVSS 3.1, GHSA-x")
    assert one.aliases == ("CGA-1", "GHSA-x")


def test_its_own_word_comes_before_what_is_inherited(tmp_path: Path) -> None:
    low = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}]
    one = only(
        tmp_path,
        record("CGA-1", WOLFI, upstream=["CVE-2025-1"], severity=low),
        elsewhere("GHSA-x", aliases=["CVE-2025-1"], severity=HIGH),
    )

    assert (one.severity, one.severity_source) == (Severity.LOW, "CVSS 3.1, CGA-1")


def test_without_any_cve_the_record_keeps_its_name_and_still_inherits(tmp_path: Path) -> None:
    one = only(tmp_path, record("CGA-1", WOLFI, upstream=["GHSA-x"]), elsewhere("GHSA-x", severity=HIGH))

    assert (one.id, one.aliases, one.severity) == ("CGA-1", ("GHSA-x",), Severity.HIGH)


def test_aliases_are_followed_through_records_about_other_packages(tmp_path: Path) -> None:
    chain = [elsewhere(f"X-{number}", aliases=[f"X-{number + 1}"]) for number in range(5)]
    one = only(tmp_path, record("CGA-1", WOLFI, aliases=["X-0"]), *chain, elsewhere("Y", aliases=["X-5", "CVE-2025-1"]))

    assert one.id == "CVE-2025-1"


def test_an_alias_counts_in_both_directions(tmp_path: Path) -> None:
    one = only(tmp_path, record("GHSA-x", WOLFI), elsewhere("PYSEC-1", aliases=["GHSA-x", "CVE-2025-1"]))

    assert (one.id, one.advisory) == ("CVE-2025-1", "GHSA-x")


def test_upstream_counts_in_one_direction(tmp_path: Path) -> None:
    one = only(tmp_path, record("GHSA-x", WOLFI), elsewhere("CGA-1", upstream=["GHSA-x"], aliases=["CVE-2025-1"]))

    assert (one.id, one.aliases) == ("GHSA-x", ())


def test_upstream_is_transitive(tmp_path: Path) -> None:
    one = only(
        tmp_path,
        record("CGA-1", WOLFI, upstream=["RLSA-1"]),
        elsewhere("RLSA-1", upstream=["GHSA-x"]),
        elsewhere("GHSA-x", aliases=["GHSA-y"]),
        elsewhere("GHSA-y", aliases=["CVE-2025-1"]),
    )

    assert one.id == "CVE-2025-1"


def test_circles_end(tmp_path: Path) -> None:
    one = only(
        tmp_path,
        record("CGA-1", WOLFI, upstream=["A"], aliases=["CGA-1"]),
        elsewhere("A", upstream=["B"], aliases=["A2"]),
        elsewhere("A2", aliases=["A"]),
        elsewhere("B", upstream=["A", "CGA-1"]),
    )

    assert one.id == "CGA-1"


def test_related_records_lead_nowhere(tmp_path: Path) -> None:
    one = only(
        tmp_path, record("CGA-1", WOLFI, related=["GHSA-x"]), elsewhere("GHSA-x", aliases=["CVE-2025-1"], severity=HIGH)
    )

    assert (one.id, one.aliases, one.severity) == ("CGA-1", (), Severity.UNKNOWN)


def test_several_upstreams_are_as_many_findings_as_vulnerabilities(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("CLEANSTART-1", WOLFI, upstream=["GHSA-x", "CVE-2025-1", "GHSA-y", "GHSA-z"]),
        elsewhere("GHSA-x", aliases=["CVE-2025-1"]),
        elsewhere("GHSA-y", aliases=["CVE-2025-2"]),
    )

    both = found(advisories, package("podman", "1.0", "Wolfi"))

    assert sorted(both) == ["CVE-2025-1", "CVE-2025-2"]
    assert both["CVE-2025-1"].aliases == ("CLEANSTART-1", "GHSA-x")
    assert both["CVE-2025-2"].aliases == ("CLEANSTART-1", "GHSA-y")


def test_one_advisory_for_two_cves_does_not_make_them_one(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("CGA-1", WOLFI, upstream=["CVE-2025-1"]),
        record("CGA-2", WOLFI, upstream=["CVE-2025-2"]),
        record("GHSA-x", WOLFI, aliases=["CVE-2025-1"]),
        record("GHSA-y", WOLFI, aliases=["CVE-2025-2"]),
        elsewhere("GO-1", aliases=["GHSA-x", "GHSA-y", "CVE-2025-1", "CVE-2025-2"]),
    )

    both = found(advisories, package("podman", "1.0", "Wolfi"))

    assert {identity: one.aliases for identity, one in both.items()} == {
        "CVE-2025-1": ("CGA-1", "GHSA-x"),
        "CVE-2025-2": ("CGA-2", "GHSA-y"),
    }


def test_a_record_with_many_aliases_joins_nothing(tmp_path: Path) -> None:
    many = [f"GHSA-{number}" for number in range(6)]
    one = only(tmp_path, record("GHSA-0", WOLFI), elsewhere("ADV-1", aliases=[*many, "CVE-2025-1"]))

    assert (one.id, one.aliases) == ("GHSA-0", ())


def test_a_great_family_is_bounded(tmp_path: Path) -> None:
    chain = [elsewhere(f"X-{number:03}", aliases=[f"X-{number + 1:03}"]) for number in range(200)]
    one = only(tmp_path, record("CGA-1", WOLFI, aliases=["X-000"]), *chain)

    assert len(one.aliases) < 40
    assert "X-000" in one.aliases


def test_a_name_that_thousands_share_is_bounded_and_still_leads_to_its_cve(tmp_path: Path) -> None:
    star = [elsewhere(f"A-{number:04}", aliases=["HUB-1"]) for number in range(3000)]
    hub = elsewhere("HUB-1", aliases=["CVE-2025-1"])
    one = only(tmp_path, record("CGA-1", WOLFI, aliases=["HUB-1"]), hub, *star)

    assert one.id == "CVE-2025-1"
    assert len(one.aliases) < 40
    assert "HUB-1" in one.aliases
