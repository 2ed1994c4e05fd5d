"""A difference for people."""

import pytest
from tests.support.reports import everything, report, reported, unknown, vulnerability

from hullguard import words
from hullguard.imagescan.diff import compare
from hullguard.imagescan.formats.difference import difference_table
from hullguard.imagescan.formats.format import Page
from hullguard.model.severity import Severity


def test_the_verdict_comes_first_then_what_is_new_then_what_to_do() -> None:
    made = compare(report(packages=[]), report(vulnerability("CVE-1", fixed="2", kev=True)))
    text = difference_table(made, Page(120)).decode()

    assert text.splitlines()[0] == "docker:app:1 → docker:app:1"
    assert text.splitlines()[1] == "worse: 1 more high"
    assert text.splitlines()[2] == "1 new · 0 fixed · 0 still there"
    assert text.index("New  (1)") < text.index("CVE-1 exploited") < text.index("Packages  (1)")
    assert text.index("Packages  (1)") < text.index("What to update next  (1)") < text.index("1 finding ")


def test_nothing_changed_is_three_lines() -> None:
    text = difference_table(compare(report(), report()), Page(120)).decode()

    assert len(text.splitlines()) == 3


def test_packages_that_changed_show_both_versions() -> None:
    made = compare(
        report(packages=[reported("zlib1g", "pkg:deb/debian/zlib1g@0")]), report(packages=[reported("bash")])
    )
    text = difference_table(made, Page(120)).decode()

    assert "added" in text
    assert "removed" in text


def test_packages_are_called_by_name() -> None:
    package = reported("libstdc++6", "pkg:deb/debian/libstdc%2B%2B6@12")
    made = compare(report(packages=[]), report(vulnerability("CVE-1", package=package.purl), packages=[package]))

    assert "%2B" not in difference_table(made, Page(120)).decode()


def test_chinese_has_its_own_comma() -> None:
    low, high = vulnerability("CVE-1", severity=Severity.LOW), vulnerability("CVE-2", severity=Severity.HIGH)
    words.use("zh")
    try:
        text = difference_table(compare(report(low, high), report()), Page(120)).decode()
    finally:
        words.use("en")

    assert text.splitlines()[1] == "变好：高危减少 1 个，低危减少 1 个"


def test_an_undecided_verdict_is_one_sentence_in_chinese() -> None:
    words.use("zh")
    try:
        text = difference_table(compare(report(complete=False), report()), Page(120)).decode()
    finally:
        words.use("en")

    assert text.splitlines()[1] == "无法判断：其中一个没有读完"


@pytest.mark.parametrize("width", [60, 120])
def test_hostile_names_fit_and_steer_nothing(width: int) -> None:
    text = difference_table(compare(report(), everything()), Page(width)).decode()

    assert not set(text) & set("\x1b\x00\u202e")
    assert max(len(line) for line in text.splitlines()) <= width


def test_what_could_be_decided_of_one_only_is_said() -> None:
    made = compare(report(unknowns=(unknown(1),)), report(unknowns=(unknown(1), unknown(2))))
    text = difference_table(made, Page(120)).decode()

    assert "Could not be decided after  (1)" in text
    assert unknown(2).what in text
    assert unknown(1).what not in text
    assert "Could not be decided before" not in text
