"""The report for people: what matters first, in the width there is, and nothing that steers the terminal."""

import pytest
from tests.support.reports import BUILT, everything, report, reported, unknown, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.table import TableFormat
from hullguard.model.image import Layer
from hullguard.model.package import Unknown
from hullguard.model.report import AdvisoryState, FixStatus, ScanReport
from hullguard.model.severity import Severity


def render(made: ScanReport, width: int = 120, colour: bool = False) -> str:
    return TableFormat().render(made, Page(width, colour)).decode()


def test_the_head_says_what_was_scanned_and_how_it_is() -> None:
    text = render(report(vulnerability("CVE-1", fixed="2"), vulnerability("CVE-2", severity=Severity.LOW)))

    assert "docker:app:1" in text
    assert "Debian GNU/Linux 12 (bookworm) · linux/amd64 · 1 layer · 1 package" in text
    assert "2 vulnerabilities · 1 high · 1 low · 1 can be fixed" in text
    assert "Advisories: newest of 2025-12-24, database of 2026-01-02." in text


def test_how_new_advisories_are_is_not_taken_from_the_day_of_their_import() -> None:
    text = render(report(advisories=AdvisoryState(BUILT, ("Debian",))))

    assert "Advisories: database of 2026-01-02; how new they are is not known." in text


def test_findings_are_grouped_by_what_installed_them() -> None:
    npm = reported("lodash", "pkg:npm/lodash@4", "npm")
    text = render(
        report(vulnerability("CVE-1"), vulnerability("CVE-2", package=npm.purl), packages=[reported("zlib1g"), npm])
    )

    assert text.index("Debian:12  (1)") < text.index("zlib1g") < text.index("npm  (1)") < text.index("lodash")


def test_a_package_is_named_once_and_the_gravest_comes_first() -> None:
    other = reported("bash")
    text = render(
        report(
            vulnerability("CVE-1", severity=Severity.LOW, package=other.purl),
            vulnerability("CVE-2", severity=Severity.LOW),
            vulnerability("CVE-3", severity=Severity.CRITICAL),
            packages=[reported("zlib1g"), other],
        )
    )

    assert text.count("zlib1g") == 1
    assert text.index("CVE-3") < text.index("CVE-2") < text.index("CVE-1")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (FixStatus.AFFECTED, "no fix yet"),
        (FixStatus.WILL_NOT_FIX, "will not be fixed"),
        (FixStatus.END_OF_LIFE, "end of life"),
    ],
)
def test_without_a_fix_it_says_why(status: FixStatus, words: str) -> None:
    assert words in render(report(vulnerability("CVE-1", status=status)))


def test_what_is_being_exploited_is_marked() -> None:
    assert "CVE-1 exploited" in render(report(vulnerability("CVE-1", kev=True)))


@pytest.mark.parametrize(
    ("created_by", "step"),
    [
        ("/bin/sh -c #(nop) ADD file:abc in / ", "1 ADD file:abc in /"),
        ("/bin/sh -c apt-get   update", "1 RUN apt-get update"),
        ("RUN /bin/sh -c pip install x # buildkit", "1 RUN pip install x"),
        (None, " 1"),
    ],
)
def test_the_layer_is_named_by_its_instruction(created_by: str | None, step: str) -> None:
    made = report(vulnerability("CVE-1"))
    from msgspec.structs import replace

    assert step in render(replace(made, layers=(replace(made.layers[0], created_by=created_by),)))


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = reported("a-package-with-a-name-that-is-rather-long-for-any-column")
    made = report(
        vulnerability(
            "CVE-2024-12345", package=long.purl, installed="1:2.33.1-0.1+deb12u10", fixed="1:2.33.1-0.1+deb12u11"
        ),
        packages=[long],
    )

    assert max(len(line) for line in render(made, width).splitlines()) <= width


@pytest.mark.parametrize("width", range(40, 110, 5))
def test_no_word_is_parted_however_narrow_the_terminal_is(width: int) -> None:
    package = reported("cryptography")
    made = report(
        vulnerability("GHSA-h4gh-qq45-vh27", package=package.purl, installed="38.0.4", fixed="43.0.1"),
        vulnerability("CVE-2024-12345", package=package.purl, installed="38.0.4", severity=Severity.NEGLIGIBLE),
        packages=[package],
    )

    words = render(made, width).split()
    told = [
        "cryptography",
        "GHSA-h4gh-qq45-vh27",
        "38.0.4",
        "43.0.1",
        "CVE-2024-12345",
        "negligible",
        "no",
        "fix",
        "yet",
    ]
    assert [word for word in told if word not in words] == []
    assert ("Installed" in words) == ("Severity" in words) == (width >= 75)


def test_layers_are_left_out_where_there_is_no_room() -> None:
    made = report(vulnerability("CVE-1"))

    assert "Layer" in render(made, 120)
    assert "Layer" not in render(made, 80)


def test_the_layer_has_no_column_where_there_are_none() -> None:
    made = report(vulnerability("CVE-1", layer=None))

    assert "Layer" not in render(made, 200)


def test_titles_are_shown_where_there_is_room_beside_the_layer() -> None:
    title = "A heap overflow in inflate when a header is longer than its table"
    made = report(
        vulnerability("CVE-1", summary=title.replace(" ", "\n", 1)),
        layers=(Layer("sha256:a", created_by="RUN " + "install everything " * 10),),
    )

    assert title in render(made, 220)
    assert "A heap overflow" in render(made, 140)
    assert "Title" not in render(made, 110)
    assert "1 RUN install everything" in render(made, 110)


def test_a_vulnerability_leads_to_its_page_where_there_is_colour() -> None:
    made = report(vulnerability("CVE-2024-1"))

    assert "https://www.cve.org/CVERecord?id=CVE-2024-1\x1b\\" in render(made, colour=True)
    assert "https://" not in render(made)


def test_nothing_in_an_image_can_steer_the_terminal() -> None:
    evil = reported("evil\x1b[2J\x07\u202e", "pkg:deb/debian/evil@1")
    text = render(
        report(vulnerability("CVE-1", package=evil.purl, installed="1\x9b31m"), packages=[evil], unknowns=(unknown(1),))
    )

    assert not set(text) & set("\x1b\x07\x9b\u202e")
    assert "[bold]" in render(report(vulnerability("[bold]CVE[/bold]")))


def test_colour_is_only_used_where_it_is_wanted() -> None:
    made = report(vulnerability("CVE-1"))

    assert "\x1b[" in render(made, colour=True)
    assert "\x1b[" not in render(made)


def test_what_could_not_be_decided_is_said_up_to_a_bound() -> None:
    text = render(report(unknowns=tuple(unknown(number) for number in range(25))))

    assert "Could not be decided  (25)" in text
    assert "what 019" in text
    assert "what 020" not in text
    assert "… and 5 more; -f json names them all" in text


def test_an_incomplete_report_says_so() -> None:
    assert "Incomplete: packages or findings may be missing; what could not be decided says why." in render(
        report(complete=False)
    )


def test_a_clean_image_is_said_to_be_clean() -> None:
    assert "0 vulnerabilities" in render(report())


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_all_that_was_found_is_shown_and_fits(width: int) -> None:
    text = render(everything(), width)

    for title in ("Malware  (1)", "Secrets  (1)", "Configuration  (1)", "Licences  (1)"):
        assert title in text
    assert not set(text) & set("\x1b\x00\u202e")
    assert max(len(line) for line in text.splitlines()) <= width


def test_the_head_counts_what_is_no_vulnerability() -> None:
    assert "1 malicious file · 1 secret · 1 failed check" in render(everything(), 200)


def test_a_deleted_file_is_still_in_the_image() -> None:
    assert "deleted by a later layer, still in the image" in render(everything(), 200)


def test_the_priority_is_shown_where_one_is_known_and_there_is_room() -> None:
    assert "97" in render(everything(), 160)
    assert "Priority" not in render(everything(), 80)
    assert "Priority" not in render(report(vulnerability("CVE-1")), 160)


def test_what_does_not_count_is_counted_and_named_when_asked() -> None:
    assert "2 more do not count; --show-suppressed names them" in render(everything())
    text = TableFormat().render(everything(), Page(160, suppressed=True)).decode()
    assert "Do not count  (2)" in text
    assert "accepted (until 2027-01-01)" in text
    assert "--show-suppressed" not in text


def test_what_the_filters_left_out_is_counted_so_that_a_short_list_is_no_all_clear() -> None:
    text = TableFormat().render(report(), Page(120, hidden=86)).decode()

    assert "0 vulnerabilities · 86 more not shown, as the filters ask" in text
    assert "not shown" not in TableFormat().render(report(), Page(120)).decode()


def test_what_nobody_judged_is_no_all_clear() -> None:
    gap = Unknown("Debian:99", "the advisory database has no advisories for it", unjudged=96)

    assert "0 vulnerabilities · 96 packages were not judged" in render(report(unknowns=(gap,)))
    assert "not judged" not in render(report(unknowns=(unknown(1),)))


def test_what_was_not_looked_for_is_no_all_clear() -> None:
    text = render(report(advisories=AdvisoryState(None)))

    assert "vulnerabilities were not looked for" in text
    assert "0 vulnerabilities" not in text


def test_a_layer_takes_no_room_from_a_version() -> None:
    version, fixed = "1:2.33.1-0.1+deb12u10", "1:2.33.1-0.1+deb12u11"
    made = report(
        vulnerability("CVE-2024-12345", installed=version, fixed=fixed),
        layers=(Layer("sha256:a", created_by="RUN " + "install everything " * 10),),
    )
    (line,) = (line for line in render(made, 120).splitlines() if "CVE-2024-12345" in line)

    assert f"{version}   {fixed}" in line
