"""What became of an image, and what to update next."""

import pytest
from msgspec.structs import replace
from tests.support.reports import report, reported, vulnerability

from hullguard.imagescan.diff import Verdict, compare, lets_in_unjudged, upgrades
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, Asked, ReportedPackage, ScanReport, Vulnerability
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


@pytest.mark.parametrize("left", [0, 1])
@pytest.mark.parametrize("other", [None, Asked(("vuln",))])
@pytest.mark.parametrize("narrow", [Asked(("vuln",), (Severity.CRITICAL,)), Asked(("vuln",), (), True)])
def test_less_was_asked_for_is_no_better(narrow: Asked, other: Asked | None, left: int) -> None:
    whole, part = report(vulnerability("CVE-1"), asked=other), report(asked=replace(narrow, left_out=left))

    for one, two in ((whole, part), (part, whole)):
        assert (compare(one, two).verdict is Verdict.UNDECIDED) == bool(left)
    assert compare(part, part).verdict is Verdict.SAME


def test_nobody_looked_is_no_better() -> None:
    whole, unjudged = report(vulnerability("CVE-1")), report(advisories=AdvisoryState(None))

    for one, two in ((whole, unjudged), (unjudged, whole), (unjudged, unjudged)):
        assert compare(one, two).verdict is Verdict.UNDECIDED


def test_less_was_read_is_no_better() -> None:
    made = compare(report(vulnerability("CVE-1")), report(complete=False))

    assert made.verdict is Verdict.UNDECIDED


def lodash(version: str, *places: str) -> ReportedPackage:
    purl = f"pkg:npm/lodash@{version}"
    return replace(reported("lodash", purl, "npm"), version=version, locations=places)


def test_one_more_copy_that_is_affected_is_new() -> None:
    one, other = lodash("4.17.10", "a/lodash"), lodash("4.17.11", "b/lodash")
    twice = lodash("4.17.10", "a/lodash", "b/lodash")
    alone = report(finding("CVE-1", one), packages=[one])
    for more in (
        report(finding("CVE-1", one), finding("CVE-1", other), packages=[one, other]),
        report(finding("CVE-1", twice), packages=[twice]),
    ):
        made, back = compare(alone, more), compare(more, alone)

        assert (made.verdict, made.sentence) == (Verdict.WORSE, "worse: 1 more high")
        assert [found.installed for found in made.new] == [more.vulnerabilities[-1].installed]
        assert (len(made.still), made.fixed) == (1, ())
        assert (back.verdict, len(back.fixed), len(back.still), back.new) == (Verdict.BETTER, 1, 1, ())


def test_a_copy_that_moved_or_was_updated_is_the_same() -> None:
    before, after = lodash("4.17.10", "a/lodash", "b/lodash"), lodash("4.17.11", "a/lodash", "c/lodash")
    made = compare(
        report(finding("CVE-1", before), packages=[before]), report(finding("CVE-1", after), packages=[after])
    )

    assert made.verdict is Verdict.SAME
    assert (made.new, made.fixed, len(made.still)) == ((), (), 1)


NOBODY = Unknown(
    "1 OS packages",
    "none of the sources of advisories that are read here speaks of this distribution or release, or it is not known "
    "which it is",
    unjudged=1,
)
NO_DATABASE = Unknown("packages", "this is foo, but no package database that can be read was found in it")
NOTHING_OF_IT = Unknown("Debian:12", "the advisory database has no advisories for it", unjudged=1)
OF_ANOTHER = Unknown("Debian:14", "the advisory database has no advisories for it", unjudged=1)
ELSEWHERE = Unknown("srv/app.jar", "a Java archive that does not say its Maven group, name and version")


@pytest.mark.parametrize(
    ("packages", "unknown"),
    [
        ([replace(zlib("1"), ecosystem="")], NOBODY),
        ([], NO_DATABASE),
        ([lodash("1", "a")], NO_DATABASE),
        ([zlib("1")], NOTHING_OF_IT),
        ([replace(zlib("1"), ecosystem="Debian:14")], OF_ANOTHER),
    ],
)
def test_what_can_no_longer_be_judged_is_no_better(packages: list[ReportedPackage], unknown: Unknown) -> None:
    judged = report(finding("CVE-1", zlib("1")), packages=[zlib("1")], unknowns=(ELSEWHERE,))
    other = report(packages=packages, unknowns=(ELSEWHERE, unknown))
    made, back = compare(judged, other), compare(other, judged)

    assert (made.verdict, back.verdict) == (Verdict.UNDECIDED, Verdict.UNDECIDED)
    assert (made.unknowns_before, made.unknowns_after) == ((), (unknown,))
    assert (back.unknowns_before, back.unknowns_after) == ((unknown,), ())
    assert compare(other, other).verdict is (Verdict.UNDECIDED if other.unjudged else Verdict.SAME)


OF_TWO = Unknown("Debian:14", "the advisory database has no advisories for it", unjudged=2)


def of_sid(name: str) -> ReportedPackage:
    return reported(name, ecosystem="Debian:14")


@pytest.mark.parametrize(
    ("before", "after", "verdict", "lets_in"),
    [
        (report(packages=[of_sid("a")], unknowns=(OF_ANOTHER,)), None, Verdict.UNDECIDED, False),
        (report(packages=[]), report(packages=[of_sid("a")], unknowns=(OF_ANOTHER,)), Verdict.UNDECIDED, True),
        (report(packages=[of_sid("a")], unknowns=(OF_ANOTHER,)), report(packages=[]), Verdict.UNDECIDED, False),
        (report(packages=[of_sid("a"), lodash("1", "a")], unknowns=(OF_ANOTHER,)), None, Verdict.SAME, False),
        (
            report(packages=[of_sid("a"), lodash("1", "a")], unknowns=(OF_ANOTHER,)),
            report(packages=[of_sid("a"), of_sid("b"), lodash("1", "a")], unknowns=(OF_TWO,)),
            Verdict.UNDECIDED,
            True,
        ),
    ],
)
def test_as_many_findings_are_not_the_same_where_other_packages_were_not_judged(
    before: ScanReport, after: ScanReport | None, verdict: Verdict, lets_in: bool
) -> None:
    after = after or before
    made = compare(before, after)

    assert (made.verdict, lets_in_unjudged(before, after)) == (verdict, lets_in)
    assert [each.unjudged for each in made.unknowns_before] == [each.unjudged for each in before.unknowns]
    assert [each.unjudged for each in made.unknowns_after] == [each.unjudged for each in after.unknowns]
    assert ("not all packages were judged" in made.sentence) == (verdict is Verdict.UNDECIDED)


@pytest.mark.parametrize("inner", ["", "!/META-INF/lib/b.jar"])
def test_what_could_no_longer_be_read_is_not_fixed(inner: str) -> None:
    vulnerable = lodash("4.17.10", f"a/package.json{inner}")
    judged = report(finding("CVE-1", vulnerable), packages=[vulnerable])
    damaged = Unknown("a/package.json", "the manifest of an npm package is no readable JSON")

    assert compare(judged, report(unknowns=(damaged,))).verdict is Verdict.UNDECIDED
    assert compare(report(unknowns=(damaged,)), judged).verdict is Verdict.UNDECIDED
    # It may have moved there, but not into what holds no package of its kind.
    assert compare(judged, report(unknowns=(replace(damaged, what="b/package.json"),))).verdict is Verdict.UNDECIDED
    other = Unknown("b/x.gemspec", "is no readable gem specification")
    assert compare(judged, report(unknowns=(other,))).verdict is Verdict.BETTER


def test_an_image_of_which_nothing_of_a_distribution_is_left_is_better() -> None:
    scratch = report(packages=[], os=None, unknowns=(ELSEWHERE,))

    assert compare(report(finding("CVE-1", zlib("1")), packages=[zlib("1")]), scratch).verdict is Verdict.BETTER


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
