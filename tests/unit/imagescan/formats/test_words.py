"""What several formats say about a finding."""

import pytest
from tests.support.reports import vulnerability

from hullguard.imagescan.formats.words import expression, markup, page_of, remedy, score
from hullguard.model.report import Cvss, FixStatus
from hullguard.model.severity import Severity


def test_nothing_breaks_xml() -> None:
    assert markup("a\ud800\uffff\x08b") == "a\ufffd\ufffd\ufffdb"
    assert markup("中文 <b>") == "中文 <b>"


@pytest.mark.parametrize(
    ("identity", "address"),
    [
        ("CVE-2024-1", "https://www.cve.org/CVERecord?id=CVE-2024-1"),
        ("GHSA-1", "https://osv.dev/vulnerability/GHSA-1"),
        ('X"><script>', "https://osv.dev/vulnerability/X%22%3E%3Cscript%3E"),
    ],
)
def test_the_page_of_a_vulnerability(identity: str, address: str) -> None:
    assert page_of(identity) == address


@pytest.mark.parametrize(
    ("severity", "scores", "number"),
    [
        (Severity.HIGH, [("3.1", 7.5)], 7.5),
        (Severity.HIGH, [("2.0", 7.1), ("3.1", 8.8)], 8.8),
        (Severity.LOW, [("3.1", 9.8)], 2.5),
        (Severity.MEDIUM, [("4.0", None), ("3.1", 5.0)], 5.0),
        (Severity.UNKNOWN, [], 0.0),
        (Severity.NEGLIGIBLE, [("3.1", 0.0)], 0.0),
    ],
)
def test_the_number_never_contradicts_the_word(
    severity: Severity, scores: list[tuple[str, float | None]], number: float
) -> None:
    cvss = tuple(Cvss(version, "vector", value) for version, value in scores)

    assert score(vulnerability("CVE-1", severity=severity, cvss=cvss)) == number


def test_what_to_do() -> None:
    assert remedy(vulnerability("CVE-1", fixed="2")) == "Update from 1 to 2."
    assert "will not be fixed" in remedy(vulnerability("CVE-1", status=FixStatus.WILL_NOT_FIX))


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        (("mit",), "MIT"),
        (("MIT", "Apache-2.0 OR GPL-2.0-only"), "MIT AND (Apache-2.0 OR GPL-2.0-only)"),
        ((), None),
        (("BSD-like, see COPYING",), None),
        (("MIT", "my own"), None),
        (("LicenseRef-mine",), None),
        (("(" * 5000,), None),
        (("(" * 190,), None),
        (("__import__('os')",), None),
    ],
)
def test_licences_are_an_expression_only_where_they_are(declared: tuple[str, ...], said: str | None) -> None:
    assert expression(declared) == said
