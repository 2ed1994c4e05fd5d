"""What became of an image, and what to update next."""

import pytest
from msgspec.structs import replace
from tests.support.reports import report, reported, vulnerability

from hullguard.imagescan.diff import Verdict, compare, upgrades
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity


def zlib(version: str) -> ReportedPackage:
    return replace(
        reported("zlib1g", f"pkg:deb/debian/zlib1g@{version}"),
        version=version,
        source_name="zlib",
        source_version=version,
    )


def finding(identity: str, package: ReportedPackage, **fields: object) -> Vulnerability:
    return vulnerability(identity, package=package.purl, installed=package.version, **fields)


def test_findings_outlive_an_update_that_does_not_fix_them() -> None:
    old, now = zlib("1"), zlib("2")
    made = compare(
        report(finding("CVE-1", old), finding("CVE-2", old), packages=[old]),
        report(finding("CVE-2", now), finding("CVE-3", now), packages=[now]),
    )

    assert [one.id for one in made.fixed] == ["CVE-1"]
    assert [(one.id, one.installed) for one in made.still] == [("CVE-2", "2")]
    assert [one.id for one in made.new] == ["CVE-3"]
    assert [(one.name, one.before, one.after) for one in made.changed] == [("zlib1g", ("1",), ("2",))]
    assert (made.added, made.removed) == ((), ())


def test_packages_come_and_go() -> None:
    made = compare(report(packages=[reported("a"), reported("b")]), report(packages=[reported("b"), reported("c")]))

    assert [one.name for one in made.added] == ["c"]
    assert [one.name for one in made.removed] == ["a"]
    assert made.changed == ()


def test_an_image_beside_itself_is_the_same() -> None:
    whole = report(finding("CVE-1", zlib("1")), packages=[zlib("1")])
    made = compare(whole, whole)

    assert made.verdict is Verdict.SAME
    assert (made.new, made.fixed, made.added, made.removed, made.changed) == ((), (), (), (), ())
    assert len(made.still) == 1


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        ("critical", "", Verdict.BETTER, "better: 1 fewer critical"),
        ("", "low", Verdict.WORSE, "worse: 1 more low"),
        ("critical", "low low", Verdict.BETTER, "better: 1 fewer critical, 2 more low"),
        ("low low", "critical", Verdict.WORSE, "worse: 1 more critical, 2 fewer low"),
        ("", "", Verdict.SAME, "the same"),
    ],
)
def test_the_gravest_difference_decides(before: str, after: str, verdict: Verdict, words: str) -> None:
    def made_of(severities: str) -> ScanReport:
        return report(
            *(vulnerability(f"CVE-{n}", severity=Severity(word)) for n, word in enumerate(severities.split()))
        )

    made = compare(made_of(before), made_of(after))

    assert made.verdict is verdict
    assert made.sentence.startswith(words)


def test_less_was_read_is_no_better() -> None:
    made = compare(report(vulnerability("CVE-1")), report(complete=False))

    assert made.verdict is Verdict.UNDECIDED


def test_one_update_per_source_to_the_highest_of_the_fixes() -> None:
    package = zlib("1:1.2.9-1")
    other = replace(package, name="zlib1g-dev", purl="pkg:deb/debian/zlib1g-dev@1")
    made = upgrades(
        report(
            finding("CVE-1", package, fixed="1:1.2.9-9"),
            finding("CVE-2", package, fixed="1:1.2.10-1", severity=Severity.CRITICAL),
            finding("CVE-2", other, fixed="1:1.2.10-1", severity=Severity.CRITICAL),
            finding("CVE-3", package),
            packages=[package, other],
        )
    )

    (one,) = made
    assert (one.name, one.installed, one.to) == ("zlib", "1:1.2.9-1", "1:1.2.10-1")
    assert (one.removes, one.findings, one.gravest) == (("CVE-1", "CVE-2"), 3, Severity.CRITICAL)
    assert one.packages == ("zlib1g", "zlib1g-dev")


def test_the_most_rewarding_update_comes_first() -> None:
    names = [reported(name) for name in ("a", "b", "c")]
    found = [
        finding("CVE-1", names[0], fixed="2", severity=Severity.LOW),
        finding("CVE-2", names[1], fixed="2"),
        finding("CVE-3", names[2], fixed="2"),
        finding("CVE-4", names[2], fixed="2"),
    ]

    assert [one.name for one in upgrades(report(*found, packages=names))] == ["c", "b", "a"]


def test_a_version_that_cannot_be_ordered_promises_nothing() -> None:
    package = reported("x", "pkg:pypi/x@1", "PyPI")
    made = upgrades(
        report(
            finding("CVE-1", package, fixed="not a version"), finding("CVE-2", package, fixed="2"), packages=[package]
        )
    )

    assert [(one.to, one.removes) for one in made] == [("2", ("CVE-2",))]


def test_without_an_order_only_one_fix_is_certain() -> None:
    package = reported("x", "pkg:other/x@1", "Nowhere")
    same = [finding("CVE-1", package, fixed="2"), finding("CVE-2", package, fixed="2")]

    assert upgrades(report(*same, packages=[package]))[0].removes == ("CVE-1", "CVE-2")


def test_two_installed_versions_are_two_updates() -> None:
    one, two = zlib("1"), zlib("2")
    made = upgrades(report(finding("CVE-1", one, fixed="3"), finding("CVE-1", two, fixed="3"), packages=[one, two]))

    assert [(upgrade.installed, upgrade.to) for upgrade in made] == [("1", "3"), ("2", "3")]
