"""Packages against records, through a real database: what is found, under which name, with which proof."""

from datetime import date
from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import TODAY, affected, database, found, inventory, package, record

from hullguard.advisories import match
from hullguard.advisories.database import Advisories
from hullguard.advisories.match import subject
from hullguard.imagescan.scan import Scanner
from hullguard.model.image import OperatingSystem
from hullguard.model.package import PackageType, Unknown
from hullguard.model.report import FixStatus, SuppressedBy
from hullguard.model.severity import Severity

ZERO = {"introduced": "0"}
HIGH = [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]


@pytest.mark.parametrize("fixes", [("2.0", "1.0"), ("1.0", "2.0"), ("2.0", "no version")])
def test_of_two_parts_of_a_release_with_fixes_of_their_own_one_is_enough(
    tmp_path: Path, fixes: tuple[str, str]
) -> None:
    parts = [
        affected(f"Red Hat:enterprise_linux:9::{part}", "foo", ZERO, {"fixed": f"0:{fix}-1.el9"})
        for part, fix in zip(("appstream", "crb"), fixes, strict=True)
    ]
    advisories = database(tmp_path, record("RHSA-1", *parts))

    assert list(found(advisories, package("foo", "1.5-1.el9", "Red Hat:enterprise_linux:9"))) == ["RHSA-1"]


FROM_THERE = "; versions from there on are affected, too, "


@pytest.mark.parametrize(
    ("ends", "fixed", "told"),
    [
        (("2", "4", "3"), "4", f"before the fix 2{FROM_THERE}before 4"),
        (("4", "2"), "4", "before the fix 4"),
        (("2", None), None, f"before the fix 2{FROM_THERE}and no fix is named"),
    ],
)
@pytest.mark.parametrize("apart", [True, False])
def test_at_what_is_called_the_fix_nothing_is_found_any_more(
    tmp_path: Path, ends: tuple[str | None, ...], fixed: str | None, told: str, apart: bool
) -> None:
    ranges = [[ZERO, {"fixed": end}] if end else [ZERO] for end in ends]
    parts = [affected("npm", "a", *events) for events in ranges]
    if not apart:
        parts[0]["ranges"] = [each["ranges"][0] for each in parts]
        del parts[1:]
    advisories = database(tmp_path, record("G-1", *parts))

    finding = found(advisories, package("a", "1", "npm"))["G-1"]
    assert finding.fixed == fixed
    assert told in finding.why.evidence
    assert (FROM_THERE in finding.why.evidence) == (FROM_THERE in told)
    assert fixed is None or found(advisories, package("a", fixed, "npm")) == {}


def test_that_another_advisory_names_no_fix_is_told(tmp_path: Path) -> None:
    fixing = record("GHSA-1", affected("PyPI", "a", ZERO, {"fixed": "5"}), aliases=["CVE-2024-1"])
    other = record("PYSEC-1", affected("PyPI", "a", ZERO, {"last_affected": "9"}), aliases=["CVE-2024-1"])

    finding = found(database(tmp_path, fixing, other), package("a", "1", "PyPI"))["CVE-2024-1"]
    assert finding.fixed == "5"
    assert "; by PYSEC-1 5 is affected, too" in finding.why.evidence


def test_behind_as_many_findings_as_anybody_reads_nobody_looks_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    advisories = database(tmp_path, *(record(f"G-{number}", affected("npm", "a", ZERO)) for number in range(3)))
    installed = inventory(*(package("a", f"1.{number}", "npm") for number in range(4)))

    monkeypatch.setattr(match, "MOST_FINDINGS", 6)
    report = Scanner(advisories).report(installed, licenses=False)

    assert len(report.vulnerabilities) == 6
    assert [(one.what, one.incomplete) for one in report.unknowns] == [("2 packages, the first of them a", True)]
    assert not report.complete
    monkeypatch.setattr(match, "MOST_FINDINGS", 12)
    assert len(Scanner(advisories).report(installed).vulnerabilities) == 12
    monkeypatch.setattr(match, "MOST_FINDINGS", 13)
    assert Scanner(advisories).report(installed).complete


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (affected("PyPI", "a", ZERO, {"last_affected": "9.5.1"}), True),
        (affected("PyPI", "a", ZERO), True),
        (affected("PyPI", "a", ZERO, versions=["1.0", "5.9"]), True),
        (affected("PyPI", "a", ZERO, {"last_affected": "5.8"}), False),
    ],
)
def test_a_fix_that_another_advisory_calls_affected_is_told_as_such(
    tmp_path: Path, other: dict[str, object], *, said: bool
) -> None:
    aliases = ["CVE-2024-1"]
    fixing = record("GHSA-1", affected("PyPI", "a", ZERO, {"fixed": "5.9"}), aliases=aliases)
    advisories = database(tmp_path, fixing, record("PYSEC-1", other, aliases=aliases))
    one = found(advisories, package("a", "1.0", "PyPI"))["CVE-2024-1"]

    assert one.fixed == "5.9"
    assert ("; by PYSEC-1 5.9 is affected, too" in one.why.evidence) == said


def test_a_fix_that_another_advisory_speaks_of_and_mends_later_is_the_later_one(tmp_path: Path) -> None:
    first = record("PYSEC-1", affected("PyPI", "a", ZERO, {"fixed": "1.8"}), aliases=["CVE-2024-1"])
    second = record("GHSA-1", affected("PyPI", "a", {"introduced": "1.7"}, {"fixed": "2.4"}), aliases=["CVE-2024-1"])
    advisories = database(tmp_path, first, second)
    one = found(advisories, package("a", "0.1", "PyPI"))["CVE-2024-1"]

    assert (one.advisory, one.fixed) == ("PYSEC-1", "2.4")


def test_what_only_other_products_speak_of_is_told(tmp_path: Path) -> None:
    parts = ["openshift:4.12::el8", "rhel_extras:8", "enterprise_mrg:2:server:el8", "rhel_eus:8.4::baseos", "x:4::el9"]
    said = [affected(f"Red Hat:{part}", f"p{number}", ZERO) for number, part in enumerate(parts)]
    own = affected("Red Hat:enterprise_linux:8::baseos", "bash", ZERO)
    both = affected("Red Hat:openshift:4.12::el8", "bash", ZERO)
    advisories = database(tmp_path, record("RHSA-1", own), record("RHSA-2", *said, both))
    rhel = "Red Hat:enterprise_linux:8"

    names = [*(f"p{number}" for number in range(len(parts))), "bash", "unheard-of"]
    unknowns = advisories.match(inventory(*(package(name, "1-1.el8", rhel) for name in names)), TODAY).unknowns

    why = "advisories speak of them for other products only, whose builds are numbered otherwise; not judged"
    assert unknowns == (Unknown(f"3 packages of {rhel}: p0, p1, p2", why),)


def test_an_ecosystem_without_its_release_speaks_of_every_one(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("D-1", affected("Debian", "foo", ZERO, {"fixed": "2"})),
        record("P-1", affected("Packagist:https://packages.drupal.org/8", "drupal/x", ZERO, {"fixed": "2.0.0"})),
    )

    assert list(found(advisories, package("foo", "1", "Debian:12"))) == ["D-1"]
    assert list(found(advisories, package("drupal/x", "1.0.0", "Packagist"))) == ["P-1"]


def test_a_distribution_is_matched_by_source_name_and_source_version(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record(
            "DEBIAN-CVE-2024-1",
            affected("Debian:12", "util-linux", ZERO, {"fixed": "2.33.1-0.2"}),
            upstream=["CVE-2024-1"],
        ),
        record("DEBIAN-CVE-2024-2", affected("Debian:12", "bsdutils", ZERO), upstream=["CVE-2024-2"]),
    )
    binary = package(
        "bsdutils", "1:2.33.1-0.1", "Debian:12", source_name="util-linux", source_version="2.33.1-0.1", layer="sha256:a"
    )

    (one,) = found(advisories, binary).values()

    assert (one.id, one.advisory, one.installed, one.fixed) == (
        "CVE-2024-1",
        "DEBIAN-CVE-2024-1",
        "1:2.33.1-0.1",
        "2.33.1-0.2",
    )
    assert (one.package, one.layer, one.status) == (binary.purl, "sha256:a", FixStatus.FIXED)
    assert one.why.rule == "osv.range"
    assert one.why.evidence == (
        "util-linux: 2.33.1-0.1 is affected since 0, before the fix 2.33.1-0.2 (Debian:12, DEBIAN-CVE-2024-1); read from place"
    )


def test_a_finding_in_what_a_bill_alone_names_says_so(tmp_path: Path) -> None:
    advisories = database(tmp_path, record("GHSA-1", affected("npm", "lodash", ZERO, {"fixed": "4.17.11"})))
    (one,) = found(advisories, package("lodash", "4.17.10", "npm", by_bill=True)).values()

    assert one.why.evidence.endswith(
        "; named by the bill of materials place alone, which may be older than the image or speak of something else"
    )


def test_releases_of_a_distribution_do_not_mix(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record(
            "UBUNTU-CVE-2024-1",
            affected("Ubuntu:22.04:LTS", "bash", ZERO, {"fixed": "5.1-6ubuntu1.1"}),
            affected("Ubuntu:Pro:22.04:LTS", "bash", ZERO),
            affected("Ubuntu:24.04:LTS", "bash", ZERO),
            upstream=["CVE-2024-1"],
        ),
    )

    assert (
        found(advisories, package("bash", "5.1-6ubuntu1", "Ubuntu:22.04:LTS"))["CVE-2024-1"].fixed == "5.1-6ubuntu1.1"
    )
    assert found(advisories, package("bash", "5.1-6ubuntu1.1", "Ubuntu:22.04:LTS")) == {}


@pytest.mark.parametrize("name", ["Flask_Login", "flask-login", "FLASK.login"])
def test_python_names_are_compared_as_pypi_does(tmp_path: Path, name: str) -> None:
    advisories = database(tmp_path, record("PYSEC-1", affected("PyPI", "Flask-Login", ZERO)))

    assert list(found(advisories, package(name, "1.0", "PyPI"))) == ["PYSEC-1"]


def test_the_signed_kernel_is_the_kernel() -> None:
    about = subject(
        package(
            "linux-image-6.1.0-28-amd64",
            "6.1.119-1",
            "Debian:12",
            source_name="linux-signed-amd64",
            source_version="6.1.119+1",
        )
    )

    assert (about.name, about.version) == ("linux", "6.1.119-1")


class TestJoining:
    def test_aliases_are_one_finding(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("PYSEC-2024-1", affected("PyPI", "a", ZERO, {"fixed": "2.0"}), aliases=["CVE-2024-1", "GHSA-x"]),
            record(
                "GHSA-x",
                affected("PyPI", "a", ZERO, {"fixed": "2.1"}),
                aliases=["CVE-2024-1"],
                severity=HIGH,
                summary="bad",
            ),
        )

        (one,) = found(advisories, package("a", "1.0", "PyPI")).values()

        assert (one.id, one.advisory, one.aliases) == ("CVE-2024-1", "GHSA-x", ("GHSA-x", "PYSEC-2024-1"))
        assert (one.fixed, one.severity, one.summary) == ("2.1", Severity.HIGH, "bad")

    def test_aliases_are_transitive(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("PYSEC-1", affected("PyPI", "a", ZERO), aliases=["GHSA-x"]),
            record("GHSA-x", affected("PyPI", "a", ZERO), aliases=["CVE-2024-1"]),
        )

        assert list(found(advisories, package("a", "1.0", "PyPI"))) == ["CVE-2024-1"]

    def test_without_a_cve_the_advisory_has_its_own_name(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO, kind="SEMVER")))

        assert list(found(advisories, package("a", "1.0.0", "npm"))) == ["GHSA-x"]

    def test_related_records_are_not_joined(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("GHSA-x", affected("PyPI", "a", ZERO), related=["CVE-2024-1"]),
            record("GHSA-y", affected("PyPI", "a", ZERO), aliases=["CVE-2024-1"]),
        )

        assert sorted(found(advisories, package("a", "1.0", "PyPI"))) == ["CVE-2024-1", "GHSA-x"]

    @pytest.mark.parametrize("link", ["related", "upstream"])
    def test_an_announcement_of_several_cves_joins_each_and_raises_the_fix(self, tmp_path: Path, link: str) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "1.1"}), upstream=["CVE-2024-1"]),
            record(
                "DSA-1-1", affected("Debian:12", "a", ZERO, {"fixed": "1.2"}), **{link: ["CVE-2024-1", "CVE-2024-2"]}
            ),
        )

        both = found(advisories, package("a", "1.0", "Debian:12"))

        assert {identity: (one.advisory, one.fixed) for identity, one in both.items()} == {
            "CVE-2024-1": ("DEBIAN-CVE-2024-1", "1.2"),
            "CVE-2024-2": ("DSA-1-1", "1.2"),
        }
        assert both["CVE-2024-1"].aliases == ("DEBIAN-CVE-2024-1", "DSA-1-1")

    def test_the_tracker_knows_better_than_an_announcement_of_many(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "0.5"}), upstream=["CVE-2024-1"]),
            record("DSA-1-1", affected("Debian:12", "a", ZERO, {"fixed": "1.2"}), related=["CVE-2024-1", "CVE-2024-2"]),
        )

        assert list(found(advisories, package("a", "1.0", "Debian:12"))) == ["CVE-2024-2"]

    def test_an_announcement_whose_cves_are_all_settled_is_still_said(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "0.5"}), upstream=["CVE-2024-1"]),
            record("DSA-1-2", affected("Debian:12", "a", ZERO, {"fixed": "1.2"}), related=["CVE-2024-1"]),
        )

        assert list(found(advisories, package("a", "1.0", "Debian:12"))) == ["DSA-1-2"]

    def test_a_record_that_speaks_twice_of_a_package_is_one_finding(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record(
                "GHSA-x",
                affected("npm", "a", {"introduced": "1.0.0"}, {"fixed": "1.5.0"}, kind="SEMVER"),
                affected("npm", "a", {"introduced": "2.0.0"}, {"fixed": "2.5.0"}, kind="SEMVER"),
            ),
        )

        assert found(advisories, package("a", "2.1.0", "npm"))["GHSA-x"].fixed == "2.5.0"
        assert found(advisories, package("a", "1.1.0", "npm"))["GHSA-x"].fixed == "1.5.0"
        assert found(advisories, package("a", "1.6.0", "npm")) == {}

    def test_of_two_spellings_of_a_fix_always_the_same_is_told(self, tmp_path: Path) -> None:
        records = [
            record(f"PYSEC-{n}", affected("PyPI", "a", {"introduced": "0"}, {"fixed": fixed}), aliases=["CVE-2024-1"])
            for n, fixed in enumerate(["1.19.0.0", "1.19.0", "1.19"])
        ]

        advisories = database(tmp_path, *records)

        assert found(advisories, package("a", "1.0", "PyPI"))["CVE-2024-1"].fixed == "1.19"

    def test_every_binary_of_a_source_has_the_finding(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path, record("DEBIAN-CVE-2024-1", affected("Debian:12", "s", ZERO), upstream=["CVE-2024-1"])
        )
        binaries = [package(name, "1", "Debian:12", source_name="s") for name in ("one", "two")]

        vulnerabilities = advisories.match(inventory(*binaries), TODAY).vulnerabilities

        assert [one.package for one in vulnerabilities] == ["pkg:deb/one@1", "pkg:deb/two@1"]


class TestNotAffected:
    """What the distribution says does not matter is shown with its reason, and does not count."""

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            ([ZERO, {"fixed": "0.5"}], "fixed in 0.5"),
            ([ZERO, {"fixed": "0.3"}, {"introduced": "0.4"}, {"fixed": "0.5"}], "fixed in 0.5"),
            ([ZERO, {"fixed": "0"}], "no version of it is"),
            ([{"introduced": "2.0"}], "it is none of the affected versions"),
        ],
    )
    def test_a_cve_of_an_announcement_that_the_tracker_denies(
        self, tmp_path: Path, said: list[dict[str, str]], why: str
    ) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", *said), upstream=["CVE-2024-1"]),
            record("DSA-1-1", affected("Debian:12", "a", ZERO, {"fixed": "1.2"}), related=["CVE-2024-1", "CVE-2024-2"]),
        )

        matched = advisories.match(inventory(package("a", "1.0", "Debian:12", layer="sha256:a")), TODAY)

        assert [one.id for one in matched.vulnerabilities] == ["CVE-2024-2"]
        (one,) = matched.suppressed
        assert (one.by, one.reason) == (
            SuppressedBy.DISTRIBUTION,
            f"DEBIAN-CVE-2024-1: a 1.0 is not affected in Debian:12: {why}",
        )
        found = one.vulnerability
        assert (found.id, found.advisory, found.fixed, found.package, found.installed, found.layer) == (
            "CVE-2024-1", "DSA-1-1", "1.2", "pkg:deb/a@1.0", "1.0", "sha256:a"
        )  # fmt: skip

    @pytest.mark.parametrize("status", ["not-affected", "not_affected", "known_not_affected"])
    @pytest.mark.parametrize("events", [(), (ZERO,)])
    def test_a_status_that_denies_counts_whatever_the_versions(
        self, tmp_path: Path, status: str, events: tuple[dict[str, str], ...]
    ) -> None:
        advisories = database(
            tmp_path,
            record(
                "UBUNTU-CVE-2024-1", affected("Ubuntu:22.04:LTS", "a", *events, status=status), upstream=["CVE-2024-1"]
            ),
        )

        matched = advisories.match(inventory(package("a", "1.0", "Ubuntu:22.04:LTS")), TODAY)

        assert matched.vulnerabilities == ()
        assert [(one.vulnerability.id, one.reason) for one in matched.suppressed] == [
            ("CVE-2024-1", "UBUNTU-CVE-2024-1: a 1.0 is not affected in Ubuntu:22.04:LTS: no version of it is")
        ]

    def test_what_another_record_of_the_same_package_finds_still_counts(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "0"}), upstream=["CVE-2024-1"]),
            record("X-1", affected("Debian:12", "a", ZERO), upstream=["CVE-2024-1"]),
        )

        matched = advisories.match(inventory(package("a", "1.0", "Debian:12")), TODAY)

        assert [one.id for one in matched.vulnerabilities] == ["CVE-2024-1"]
        assert matched.suppressed == ()

    def test_a_package_that_is_fixed_was_never_a_finding(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path,
            record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, {"fixed": "0.5"}), upstream=["CVE-2024-1"]),
        )

        matched = advisories.match(inventory(package("a", "1.0", "Debian:12")), TODAY)

        assert (matched.vulnerabilities, matched.suppressed) == ((), ())


class TestStatus:
    @pytest.mark.parametrize(
        ("specific", "status"),
        [
            ({}, "affected"),
            ({"urgency": "end-of-life"}, "end_of_life"),
            ({"status": "ignored"}, "will_not_fix"),
            ({"status": "needed"}, "affected"),
        ],
    )
    def test_without_a_fix_the_publisher_says_why(self, tmp_path: Path, specific: dict[str, str], status: str) -> None:
        advisories = database(
            tmp_path, record("DEBIAN-CVE-2024-1", affected("Debian:12", "a", ZERO, **specific), upstream=["CVE-2024-1"])
        )

        assert found(advisories, package("a", "1", "Debian:12"))["CVE-2024-1"].status is FixStatus(status)


class TestUnknowns:
    def test_a_version_that_cannot_be_read_is_said_once(self, tmp_path: Path) -> None:
        records = [record(f"GHSA-{n}", affected("npm", "a", ZERO, {"fixed": "2.0.0"}, kind="SEMVER")) for n in range(3)]
        advisories = database(tmp_path, *records)

        matched = advisories.match(inventory(package("a", "latest", "npm")), TODAY)

        assert matched.vulnerabilities == ()
        assert matched.unknowns == (
            Unknown(
                "a latest",
                "cannot order versions: 'latest' is no semver version; 3 advisories were looked up by exact version only",
            ),
        )

    def test_an_advisory_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO, {"fixed": "soon"}, kind="SEMVER")))

        unknowns = advisories.match(inventory(package("a", "1.0.0", "npm")), TODAY).unknowns

        assert unknowns == (Unknown("a 1.0.0", "GHSA-x: cannot order versions: 'soon' is no semver version"),)

    def test_an_ecosystem_without_advisories_is_said(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))

        unknowns = advisories.match(inventory(package("a", "1", "Debian:12"), package("b", "1", "")), TODAY).unknowns

        assert [unknown.what for unknown in unknowns] == ["1 OS packages", "Debian:12"]

    def test_packages_of_a_kind_without_advisories_are_no_os_packages(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))
        conda = msgspec.structs.replace(package("b", "1", ""), type=PackageType.CONDA)

        unknowns = advisories.match(inventory(conda), TODAY).unknowns

        assert [unknown.what for unknown in unknowns] == ["1 other packages"]

    def test_programs_of_which_no_advisories_speak_are_counted(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("BIT-x", affected("Bitnami", "nginx", ZERO, kind="SEMVER")))
        named = [
            msgspec.structs.replace(package(name, "1.0.0", "Bitnami"), type=PackageType.GENERIC)
            for name in ("nginx", "openssl", "busybox")
        ]

        matched = advisories.match(inventory(*named), TODAY)

        assert [one.package for one in matched.vulnerabilities] == [named[0].purl]
        assert [unknown.what for unknown in matched.unknowns] == ["2 other packages"]

    def test_a_distribution_past_its_end_is_said(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))
        old = OperatingSystem("alpine", "3.11.5", "Alpine Linux v3.11", date(2021, 11, 1))

        for today, told in ((date(2021, 11, 1), 0), (date(2021, 11, 2), 1)):
            unknowns = advisories.match(inventory(os=old), today).unknowns
            assert len(unknowns) == told

    def test_what_the_inventory_could_not_read_stays_said(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))
        before = Unknown("file", "unreadable")

        assert advisories.match(inventory(unknowns=[before]), TODAY).unknowns == (before,)


def test_findings_are_in_order_of_gravity(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record("GHSA-a", affected("npm", "a", ZERO)),
        record("GHSA-b", affected("npm", "a", ZERO), severity=HIGH),
        record("GHSA-c", affected("npm", "a", ZERO), database_specific={"severity": "CRITICAL"}),
    )

    vulnerabilities = advisories.match(inventory(package("a", "1.0.0", "npm")), TODAY).vulnerabilities

    assert [(one.id, one.severity.value) for one in vulnerabilities] == [
        ("GHSA-c", "critical"),
        ("GHSA-b", "high"),
        ("GHSA-a", "unknown"),
    ]


class TestKept:
    """What was found of a package is kept for the next image that has it."""

    def test_the_next_image_has_its_own_layers_and_places(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))
        first = package("a", "1.0.0", "npm", layer="sha256:1", locations=("here",))
        second = package("a", "1.0.0", "npm", layer="sha256:2", locations=("there",))

        one = found(advisories, first)["GHSA-x"]
        other = found(advisories, second)["GHSA-x"]

        assert (one.layer, other.layer) == ("sha256:1", "sha256:2")
        assert (one.why.evidence[-4:], other.why.evidence[-5:]) == ("here", "there")

    def test_a_doubt_is_said_of_every_image(self, tmp_path: Path) -> None:
        advisories = database(tmp_path, record("GHSA-x", affected("npm", "a", ZERO)))
        unreadable = inventory(package("a", "latest", "npm"))

        first, second = advisories.match(unreadable, TODAY), advisories.match(unreadable, TODAY)

        assert first.unknowns == second.unknowns
        assert [unknown.what for unknown in second.unknowns] == ["a latest"]

    def test_a_kernel_is_told_from_what_else_is_built_from_its_source(self, tmp_path: Path) -> None:
        advisories = database(
            tmp_path, record("DEBIAN-CVE-2024-1", affected("Debian:12", "linux-base", ZERO), upstream=["CVE-2024-1"])
        )
        kernel = package("linux-image-x", "1", "Debian:12", source_name="linux-base", source_version="1")
        tool = package("cpupower", "1", "Debian:12", source_name="linux-base", source_version="1")

        for first, second in ((kernel, tool), (tool, kernel)):
            scores = [found(advisories, each)["CVE-2024-1"].priority.score for each in (first, second)]
            assert (scores[0] < scores[1]) is (first is kernel)

    def test_however_little_is_kept_the_findings_are_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        advisories = database(tmp_path, *(record(f"GHSA-{n}", affected("npm", f"p{n}", ZERO)) for n in range(20)))
        many = inventory(*(package(f"p{n % 20}", "1.0.0", "npm", layer=f"sha256:{n}") for n in range(60)))
        whole = advisories.match(many, TODAY)
        monkeypatch.setattr("hullguard.advisories.match._MOST_HELD", 2)

        assert Advisories.open(tmp_path / "advisories.db").match(many, TODAY) == whole

    def test_the_next_build_keeps_what_nobody_says_otherwise(self, tmp_path: Path) -> None:
        first = database(tmp_path, *(record(f"GHSA-{n}", affected("npm", n, ZERO)) for n in ("a", "b")))
        both = inventory(package("a", "1.0.0", "npm"), package("b", "1.0.0", "npm"))
        first.match(both, TODAY)
        second = database(tmp_path, record("GHSA-c", affected("npm", "b", ZERO)))
        asked: list[str] = []
        second.inherit(first)
        with second.reading() as connection:
            connection.set_trace_callback(asked.append)

        found = [one.id for one in second.match(both, TODAY).vulnerabilities]

        assert found == ["GHSA-a", "GHSA-b", "GHSA-c"]
        assert [query for query in asked if "postings" in query and "'a'" in query] == []
        assert [query for query in asked if "postings" in query and "'b'" in query] != []

    def test_another_database_keeps_nothing(self, tmp_path: Path) -> None:
        one = inventory(package("a", "1.0.0", "npm"))
        first = database(tmp_path / "first", record("GHSA-1", affected("npm", "a", ZERO)))
        first.match(one, TODAY)
        second = database(tmp_path / "second", record("GHSA-2", affected("npm", "a", ZERO)))
        second.inherit(first)

        assert [each.id for each in second.match(one, TODAY).vulnerabilities] == ["GHSA-2"]
