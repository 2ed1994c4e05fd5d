"""The packages of an image as a table."""

from msgspec.structs import replace
from tests.support.reports import EVIL, everything, report, reported, unknown

from hullguard.imagescan.formats.format import Page
from hullguard.imagescan.formats.packages import package_table


def test_packages_by_ecosystem_and_name_with_source_and_licence() -> None:
    ssl = replace(reported("libssl3"), source_name="openssl", licenses=("Apache-2.0", "as is"))
    made = report(packages=[reported("zlib1g"), ssl, reported("lodash", "pkg:npm/lodash@4", "npm")])
    text = package_table(made, Page(120)).decode()

    assert text.index("Debian:12  (2)") < text.index("libssl3") < text.index("zlib1g") < text.index("npm  (1)")
    assert "openssl" in text
    assert "Apache-2.0, as is" in text


def test_what_could_not_be_read_is_said() -> None:
    text = package_table(report(unknowns=(unknown(1),), complete=False), Page(120)).decode()

    assert "Could not be decided: what 001: why" in text
    assert "Incomplete" in text


def test_names_steer_nothing() -> None:
    text = package_table(everything(), Page(80)).decode()

    assert EVIL not in text
    assert not set(text) & set("\x1b\x00\u202e")
