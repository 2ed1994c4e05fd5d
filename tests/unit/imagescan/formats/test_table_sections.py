"""The parts of the table beside vulnerabilities: the gravest first, licences that need care first."""

import io

from msgspec.structs import replace
from rich.console import Console
from tests.support.reports import everything, report, reported

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.table_sections import STYLES, sections
from hullguard.model.content import LicenseUse, Misconfiguration
from hullguard.model.report import ScanReport
from hullguard.model.severity import Severity


def render(made: ScanReport) -> str:
    out = io.StringIO()
    sections(Console(file=out, width=160, no_color=True), made, Page())
    return out.getvalue()


def test_nothing_is_said_where_there_is_nothing() -> None:
    assert render(report()) == ""


def test_the_order_is_the_order_in_which_one_would_act() -> None:
    text = render(everything())

    assert text.index("Malware") < text.index("Secrets") < text.index("Configuration") < text.index("Licences")


def test_the_gravest_comes_first() -> None:
    checks = tuple(
        Misconfiguration(f"CHECK-{severity}", "title", severity, "message", "fix") for severity in reversed(Severity)
    )
    text = render(replace(report(), config=checks))

    assert [text.index(f"CHECK-{severity}") for severity in Severity] == sorted(
        text.index(f"CHECK-{severity}") for severity in Severity
    )


def test_licences_that_need_care_come_first_and_long_lists_are_cut() -> None:
    purls = tuple(f"pkg:npm/p{number}@1" for number in range(5))
    uses = (LicenseUse("MIT", "permissive", purls), LicenseUse("AGPL-3.0-only", "network copyleft", purls[:1]))
    text = render(replace(report(), licenses=uses))

    assert text.index("AGPL") < text.index("MIT")
    assert "p0, p1, p2 and 2 more" in text


def test_packages_that_declare_a_licence_are_called_by_name_and_once() -> None:
    purls = ("pkg:deb/debian/libstdc%2B%2B6@12", "pkg:npm/%40a/b@1", "pkg:npm/%40a/b@2", "pkg:deb/debian/g%2B%2B@12")
    known = [reported("libstdc++6", purls[0]), *(reported("@a/b", purl, "npm") for purl in purls[1:3])]
    text = render(replace(report(packages=known), licenses=(LicenseUse("MIT", "permissive", purls),)))

    assert "libstdc++6, @a/b, g++" in text
    assert "more" not in text


def test_every_severity_has_a_style() -> None:
    assert set(STYLES) == set(Severity)
