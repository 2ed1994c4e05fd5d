"""Releases whose advisories are published for parts of them."""

from pathlib import Path

import pytest
from tests.support.advisories import TODAY, affected, database, found, inventory, package, record

from hullguard.advisories.products import products, releases

KNOWN = frozenset(
    {
        "Debian:1",
        "Debian:12",
        "Red Hat:enterprise_linux:9::baseos",
        "Red Hat:enterprise_linux:9::appstream",
        "Red Hat:enterprise_linux:8::baseos",
        "Red Hat:enterprise_linux:10.0",
        "Red Hat:rhel_eus:9.2::baseos",
        "SUSE:Linux Enterprise Server 15 SP5",
        "SUSE:Linux Enterprise Server 15 SP5-LTSS",
        "SUSE:Linux Enterprise Server 15 SP4-LTSS",
        "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
        "SUSE:Linux Enterprise Module for Basesystem 15 SP4",
        "SUSE:Linux Enterprise Micro 5.5",
        "SUSE:Linux Enterprise Server for SAP Applications 15 SP5",
        "SUSE:Linux Enterprise High Performance Computing 15 SP4-ESPOS",
        "Alpine",
        "Packagist",
        "Packagist:https://packages.drupal.org/8",
        "Ubuntu:22.04:LTS",
        "Ubuntu:Pro:22.04:LTS",
        "Ubuntu:Pro:FIPS:22.04:LTS",
        "Ubuntu:Pro:18.04:LTS",
    }
)


@pytest.mark.parametrize(
    ("ecosystem", "expected"),
    [
        ("Debian:12", ("Debian:12",)),
        ("Debian:13", ()),
        ("", ()),
        ("Red Hat:enterprise_linux:9", ("Red Hat:enterprise_linux:9::appstream", "Red Hat:enterprise_linux:9::baseos")),
        ("Red Hat:enterprise_linux:9::baseos", ("Red Hat:enterprise_linux:9::baseos",)),
        ("Red Hat:enterprise_linux:10", ("Red Hat:enterprise_linux:10.0",)),
        ("Red Hat:enterprise_linux:1", ()),
        (
            "SUSE:Linux Enterprise Server 15 SP5",
            (
                "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
                "SUSE:Linux Enterprise Server 15 SP5",
                "SUSE:Linux Enterprise Server 15 SP5-LTSS",
            ),
        ),
        ("SUSE:Linux Enterprise Server 5 SP5", ()),
        (
            "SUSE:Linux Enterprise Server for SAP Applications 15 SP5",
            (
                "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
                "SUSE:Linux Enterprise Server 15 SP5",
                "SUSE:Linux Enterprise Server for SAP Applications 15 SP5",
            ),
        ),
        (
            "SUSE:Linux Enterprise High Performance Computing 15 SP4",
            (
                "SUSE:Linux Enterprise High Performance Computing 15 SP4-ESPOS",
                "SUSE:Linux Enterprise Module for Basesystem 15 SP4",
            ),
        ),
        ("Packagist", ("Packagist", "Packagist:https://packages.drupal.org/8")),
        ("Alpine:v3.20", ("Alpine",)),
        ("Alpine", ("Alpine",)),
        ("SUSE:Linux Enterprise Micro 5.5", ("SUSE:Linux Enterprise Micro 5.5",)),
        ("Ubuntu:22.04:LTS", ("Ubuntu:22.04:LTS", "Ubuntu:Pro:22.04:LTS")),
        ("Ubuntu:18.04:LTS", ("Ubuntu:Pro:18.04:LTS",)),
        ("Ubuntu:24.10", ()),
    ],
)
def test_a_release_is_looked_up_under_the_names_of_its_parts(ecosystem: str, expected: tuple[str, ...]) -> None:
    assert products(ecosystem, KNOWN) == expected


@pytest.mark.parametrize(
    "ecosystem",
    ["SUSE:Linux Enterprise Server 15 SP5", "Packagist", "Debian:12", "Red Hat:enterprise_linux:9", "Ubuntu:22.04:LTS"]
    + [f"SUSE:Linux Enterprise {product} 15 SP5" for product in ("Server for SAP Applications", "Desktop")],
)
def test_what_is_looked_up_is_matched_again_when_it_changes(ecosystem: str) -> None:
    assert all(ecosystem in releases(name) for name in products(ecosystem, KNOWN))


def test_a_package_is_found_whichever_part_its_advisory_names(tmp_path: Path) -> None:
    zero, fix = {"introduced": "0"}, {"fixed": "0:8.0-2.el9"}
    advisories = database(
        tmp_path,
        record("RHSA-1", affected("Red Hat:enterprise_linux:9::appstream", "vim-common", zero, fix)),
        record("RHSA-2", affected("Red Hat:enterprise_linux:9::baseos", "vim-minimal", zero, fix)),
        record("RHSA-3", affected("Red Hat:enterprise_linux:8::baseos", "vim-minimal", zero, fix)),
        record("RHSA-4", affected("Red Hat:enterprise_linux:9::baseos", "vim-common", zero, {"fixed": "0:8.0-1.el9"})),
    )
    installed = [
        package(name, "8.0-1.el9", "Red Hat:enterprise_linux:9", source_name="vim", source_version="8.0-1.el9")
        for name in ("vim-common", "vim-minimal")
    ]

    assert set(found(advisories, *installed)) == {"RHSA-1", "RHSA-2"}
    assert advisories.match(inventory(*installed), TODAY).unknowns == ()
