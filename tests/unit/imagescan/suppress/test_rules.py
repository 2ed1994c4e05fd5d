"""Rules on a report: what moves to the suppressed, and what stays."""

import json
from datetime import date
from pathlib import Path

import pytest
from msgspec import structs
from tests.support.reports import report, reported, vulnerability

from hullguard.imagescan.suppress import Rules, load
from hullguard.imagescan.suppress.purl import Purl
from hullguard.imagescan.suppress.rule import Product, Rule, instant
from hullguard.model.errors import Invalid, NotFound
from hullguard.model.image import Target
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, ScanReport, SuppressedBy

TODAY = date(2026, 6, 1)
ONE = vulnerability("CVE-2024-1", aliases=("GHSA-x",))
OTHER = vulnerability("CVE-2024-2")
REPORT = report(ONE, OTHER)
ZLIB = Purl("deb", "debian", "zlib1g")
DIGEST = "sha256:" + "ab" * 32


def rule(identity: str = "CVE-2024-1", by: SuppressedBy = SuppressedBy.IGNORE_FILE, **fields: object) -> Rule:
    return Rule(by, frozenset({identity}), "because", "ignore, line 1", **fields)  # type: ignore[arg-type]


def kept(result: ScanReport) -> list[str]:
    return [one.id for one in result.vulnerabilities]


@pytest.mark.parametrize("identity", ["CVE-2024-1", "GHSA-x", "DEBIAN-CVE-2024-1", "cve-2024-1", "ghsa-X"])
def test_a_finding_is_known_by_all_its_names(identity: str) -> None:
    result = Rules([rule(identity)]).apply(REPORT, TODAY)

    assert kept(result) == ["CVE-2024-2"]
    (suppressed,) = result.suppressed
    assert (suppressed.vulnerability, suppressed.by, suppressed.reason) == (ONE, SuppressedBy.IGNORE_FILE, "because")


def test_without_rules_the_report_is_the_same() -> None:
    assert Rules().apply(REPORT, TODAY) == REPORT


def test_what_was_suppressed_before_stays_so() -> None:
    before = Rules([rule("CVE-2024-1")]).apply(REPORT, TODAY)

    after = Rules([rule("CVE-2024-2")]).apply(before, TODAY)

    assert [one.vulnerability.id for one in after.suppressed] == ["CVE-2024-1", "CVE-2024-2"]
    assert kept(after) == []


@pytest.mark.parametrize(
    ("fields", "suppresses"),
    [
        ({"package": "zlib1g"}, True),
        ({"package": "zlib"}, False),
        ({"path": "place"}, True),
        ({"path": "/pl*"}, True),
        ({"path": "usr/*"}, False),
        ({"products": (Product(Purl("deb", "debian", "zlib1g")),)}, True),
        ({"products": (Product(Purl("deb", "debian", "zlib1g", "1")),)}, True),
        ({"products": (Product(Purl("deb", "debian", "zlib1g", "2")),)}, False),
        ({"products": (Product(Purl("deb", "debian", "a")), Product(Purl("deb", "debian", "zlib1g")))}, True),
        ({"products": (Product(Purl("deb", "debian", "zlib1g")),), "package": "zlib"}, False),
        ({"products": (Product(ZLIB, None, Purl("deb", "debian", "zlib1g", "1")),)}, True),
        ({"products": (Product(ZLIB, None, Purl("maven", "com.acme", "app")),)}, False),
    ],
)
def test_a_rule_may_be_for_some_packages_only(fields: dict[str, object], suppresses: bool) -> None:
    result = Rules([rule(**fields)]).apply(REPORT, TODAY)

    assert ("CVE-2024-1" not in kept(result)) is suppresses


def test_a_package_that_also_lies_elsewhere_is_not_ignored() -> None:
    package = structs.replace(reported("zlib1g"), locations=("app/a", "usr/a"))

    assert kept(Rules([rule(path="app/*")]).apply(report(ONE, packages=[package]), TODAY)) == ["CVE-2024-1"]
    assert kept(Rules([rule(path="*")]).apply(report(ONE, packages=[package]), TODAY)) == []


@pytest.mark.parametrize(
    ("said", "suppresses"),
    [
        (Purl("deb", "debian", "zlib"), True),
        (Purl("deb", "debian", "zlib", "1.2", (("arch", "source"),)), True),
        (Purl("deb", "debian", "zlib", "1.3", (("arch", "source"),)), False),
        (Purl("deb", "debian", "zlib1g", None, (("arch", "source"),)), False),
    ],
)
def test_a_statement_may_name_the_source_package(said: Purl, suppresses: bool) -> None:
    package = structs.replace(reported("zlib1g"), source_name="zlib", source_version="1.2")

    result = Rules([rule(products=(Product(said),))]).apply(report(ONE, packages=[package]), TODAY)

    assert (kept(result) == []) is suppresses


@pytest.mark.parametrize(
    ("image", "suppresses"),
    [
        (Purl("oci", "", "app"), True),
        (Purl("oci", "", "other"), False),
        (Purl("oci", "", "app", DIGEST), True),
        (Purl("oci", "", "app", "sha256:cd"), False),
    ],
)
def test_a_statement_about_an_image_counts_in_that_image_only(image: Purl, suppresses: bool) -> None:
    target = Target("registry:host:5000/team/app:1", "registry", digest=DIGEST)
    statement = rule(by=SuppressedBy.VEX, products=(Product(None, image),))

    result = Rules([statement]).apply(report(ONE, target=target), TODAY)

    assert (kept(result) == []) is suppresses


def test_what_counts_only_by_an_archives_own_word_is_named() -> None:
    target = Target("docker-archive:a.tar", "docker-archive", tags=("team/app:1",))
    statement = structs.replace(
        rule(by=SuppressedBy.VEX, products=(Product(None, Purl("oci", "", "app")),)), where="v.json, statement 1"
    )

    result = Rules([statement]).apply(report(ONE, target=target), TODAY)

    assert kept(result) == ["CVE-2024-1"]
    (said,) = [unknown for unknown in result.unknowns if unknown.what == "v.json"]
    assert "by the name that this one gives itself" in said.why


@pytest.mark.parametrize(("until", "counts"), [(date(2026, 6, 1), True), (date(2026, 5, 31), False)])
def test_a_rule_that_is_over_does_not_count_and_is_named(until: date, counts: bool) -> None:
    result = Rules([rule(until=until)]).apply(REPORT, TODAY)

    assert ("CVE-2024-1" not in kept(result)) is counts
    over = [unknown for unknown in result.unknowns if unknown.what == "CVE-2024-1"]
    assert [unknown.why for unknown in over] == (
        [] if counts else ["ignore, line 1: ignored until 2026-05-31, so it counts again"]
    )


def test_entries_of_the_ignore_file_that_fit_nothing_are_told_once() -> None:
    def line(number: int, identity: str, **fields: object) -> Rule:
        return structs.replace(rule(identity, **fields), where=f"ignore, line {number}")

    typed = [line(number, f"cve-{number}") for number in range(3, 10)]
    elsewhere = line(2, "CVE-2024-2", package="gcc")
    fits, twice = line(1, "CVE-2024-1"), line(10, "GHSA-x")
    over = line(11, "CVE-2024-9", until=date(2026, 5, 31))
    statement = rule("CVE-2024-9", SuppressedBy.VEX)
    rules = Rules([fits, elsewhere, *typed, twice, over, statement])

    result = rules.apply(REPORT, TODAY)

    idle = [one for one in result.unknowns if one.what == "ignore"]
    why = "8 of its entries fit nothing that was found; the first are in lines 2, 3, 4, 5, 6"
    assert idle == [Unknown("ignore", why)]
    assert [one for one in rules.apply(result, TODAY).unknowns if one.what == "ignore"] == idle


def test_where_no_advisories_were_asked_no_entry_is_idle() -> None:
    unasked = structs.replace(REPORT, vulnerabilities=(), advisories=AdvisoryState(None))

    assert Rules([rule()]).apply(unasked, TODAY) == unasked


def test_the_last_statement_counts_and_at_one_time_the_warning() -> None:
    early = rule(by=SuppressedBy.VEX, at="2026-01-01")
    late = rule(by=SuppressedBy.VEX, at="2026-02-01", suppresses=False)

    assert "CVE-2024-1" in kept(Rules([late, early]).apply(REPORT, TODAY))
    assert "CVE-2024-1" in kept(Rules([early, structs.replace(late, at=early.at)]).apply(REPORT, TODAY))
    assert "CVE-2024-1" not in kept(Rules([structs.replace(early, at="2026-03-01"), late]).apply(REPORT, TODAY))


def test_a_warning_that_nobody_dated_counts() -> None:
    warning = rule(by=SuppressedBy.VEX, suppresses=False)

    assert "CVE-2024-1" in kept(Rules([warning, rule(by=SuppressedBy.VEX, at="2026-02-01")]).apply(REPORT, TODAY))


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-05-01T01:00:00+09:00", "2024-04-30T20:00:00Z"),
        ("2024-05-01T00:00:00Z", "2024-05-01T00:00:00.5Z"),
        ("2024-05-01t00:00:00z", "2024-05-01T00:00:01"),
        ("2024-05-01", "2024-05-01T00:00:01Z"),
        ("yesterday", "2024-05-01"),
        ("0001-01-01T00:00:00+14:00", "2024-05-01"),
    ],
)
def test_times_compare_as_times(earlier: str, later: str) -> None:
    assert instant(earlier) < instant(later)


def test_the_ignore_file_comes_before_any_statement() -> None:
    warning = rule(by=SuppressedBy.VEX, at="2026-02-01", suppresses=False)

    (one,) = Rules([warning, rule()]).apply(REPORT, TODAY).suppressed

    assert one.by is SuppressedBy.IGNORE_FILE


class TestLoading:
    def test_both_kinds_of_files(self, tmp_path: Path) -> None:
        ignore = tmp_path / "ignore"
        ignore.write_text("CVE-2024-2 # accepted\n")
        vex = tmp_path / "vex.json"
        said = {"vulnerability": "CVE-2024-1", "products": ["pkg:deb/debian/zlib1g"], "status": "not_affected"}
        said["impact_statement"] = "not used"
        vex.write_text(
            json.dumps({"@context": "https://openvex.dev/ns", "statements": [said, {**said, "products": []}]})
        )

        result = load(ignore, [vex]).apply(REPORT, TODAY)

        assert [(one.vulnerability.id, one.by) for one in result.suppressed] == [
            ("CVE-2024-1", SuppressedBy.VEX),
            ("CVE-2024-2", SuppressedBy.IGNORE_FILE),
        ]
        assert [unknown.what for unknown in result.unknowns if unknown not in REPORT.unknowns] == ["vex.json"]

    def test_nothing_given_is_nothing_suppressed(self) -> None:
        assert load().apply(REPORT, TODAY) == REPORT

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(NotFound, match="absent"):
            load(tmp_path / "absent")
        with pytest.raises(Invalid, match="cannot be read"):
            load(None, [tmp_path])

    def test_a_file_beyond_reason_is_refused(self, tmp_path: Path) -> None:
        large = tmp_path / "ignore"
        large.write_bytes(b"#" * ((1 << 20) + 1))

        with pytest.raises(Invalid, match="more than 1048576 bytes"):
            load(large)
