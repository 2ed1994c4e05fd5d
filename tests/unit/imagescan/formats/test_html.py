"""The report as a page: whole, closed to the network, and deaf to what an image calls its parts."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from tests.support.reports import everything, report, reported, vulnerability

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.html import HtmlFormat
from hullguard.model.content import LicenseUse
from hullguard.model.report import AdvisoryState, FixStatus, ScanReport
from hullguard.model.severity import Severity

VOID = {"meta", "input"}


class Elements(HTMLParser):
    """Every element with its attributes, and whether all of them close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def render(made: ScanReport, page: Page | None = None) -> str:
    return HtmlFormat().render(made, page or Page()).decode()


def test_licences_name_their_packages_and_no_package_urls() -> None:
    package = reported("libstdc++6", "pkg:deb/debian/libstdc%2B%2B6@12")
    made = report(packages=[package], licenses=(LicenseUse("MIT", "permissive", (package.purl,)),))
    text = render(made)

    assert "%2B" not in text
    assert text.count("libstdc++6") >= 2


@pytest.mark.parametrize("made", [everything(), report(), report(packages=[], os=None, layers=(), complete=False)])
def test_every_element_closes(made: ScanReport) -> None:
    assert Elements(render(made)).open == []


def test_a_hostile_name_makes_no_element_and_no_attribute() -> None:
    elements = Elements(render(everything())).found

    assert sum(tag == "script" for tag, _ in elements) == 1
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]
    assert not set(render(everything())) & set("\x00\x1b\u202e")


def test_nothing_is_fetched_and_only_our_own_script_may_run() -> None:
    text = render(everything())
    elements = Elements(text).found

    assert not [attributes for _, attributes in elements if "src" in attributes]
    assert not [tag for tag, _ in elements if tag in {"link", "img", "iframe", "object", "base", "form"}]
    assert {str(attributes["href"]).partition("?")[0] for tag, attributes in elements if tag == "a"} == {
        "https://www.cve.org/CVERecord",
        "https://osv.dev/vulnerability/GHSA-1-2-3",
    }
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)
    assert script is not None
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in text
    assert "default-src 'none'" in text
    assert "url(" not in text


def test_everything_that_was_found_is_in_it() -> None:
    text = render(everything())

    for words in (
        "CVE-2024-1", "exploited", "A heap overflow in inflate", "AWS access key", "A coin miner", "Root user",
        "still in the image", "accepted", "2027-01-01", "what 001", "permissive", "4.17.5",
    ):  # fmt: skip
        assert words in text


def test_both_languages_are_in_it() -> None:
    text = render(report(vulnerability("CVE-1", status=FixStatus.WILL_NOT_FIX)))

    assert "will not be fixed" in text
    assert "不予修复" in text
    assert text.count('lang="en"') - 1 == text.count('<span lang="zh"') + text.count('html[lang="en"]') + text.count(
        '[lang="zh"] [lang="en"]'
    )


def test_what_matters_most_comes_first() -> None:
    text = render(everything())

    assert text.index(">CVE-2024-1<") < text.index(">CVE-2024-3<") < text.index(">GHSA-1-2-3<")


@pytest.mark.parametrize("severity", list(Severity))
def test_rows_can_be_filtered_by_severity(severity: Severity) -> None:
    assert f'data-severity="{severity}"' in render(report(vulnerability("CVE-1", severity=severity)))


@pytest.mark.parametrize(("number", "tools"), [(5, 0), (6, 1)])
def test_a_long_list_can_be_searched(number: int, tools: int) -> None:
    text = render(report(*(vulnerability(f"CVE-{one}") for one in range(number))))

    assert text.count('<input type="search"') == text.count("<select>") == tools


def test_a_clean_or_cut_or_filtered_report_says_so() -> None:
    assert "None is known." in render(report())
    assert "Incomplete: packages or findings may be missing; what could not be decided says why." in render(
        report(complete=False)
    )
    assert "7 <span" in render(report(), Page(hidden=7))


def test_what_was_not_looked_for_is_no_all_clear() -> None:
    text = render(report(advisories=AdvisoryState(None)))

    assert "Vulnerabilities were not looked for." in text
    assert "None is known." not in text
