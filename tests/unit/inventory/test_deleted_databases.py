"""Package databases that later layers delete: what they named is looked up, and said to be uncertain."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    apk_installed,
    digest_of,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    whiteout,
)

from hullguard.inventory.read import read
from hullguard.model.inventory import Inventory

OS = file("etc/os-release", DEBIAN_12)
ALPINE = file("etc/os-release", 'ID=alpine\nVERSION_ID=3.18.4\nPRETTY_NAME="Alpine Linux v3.18"\n')
DEBIAN_LAYER = [OS, dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"), dpkg_entry("bash", "5.2.15-2"))]
WHY = (
    "a later layer deleted or emptied the package database that named them; they were judged as if each were still "
    "there, and which others there are is not known"
)


def scanned(tmp_path: Path, *layers: Sequence[Entry]) -> Inventory:
    return read(str(Image([layer(*entries) for entries in layers]).docker_archive(tmp_path / "image.tar")))


@pytest.mark.parametrize(
    "later",
    [
        [whiteout("var/lib/dpkg/status")],
        [whiteout("var/lib/dpkg")],
        [file("var/lib/dpkg/status")],
        [whiteout("var/lib/dpkg"), whiteout("etc/os-release")],
    ],
)
def test_what_a_deleted_database_named_is_there_and_said_to_be_uncertain(tmp_path: Path, later: list[Entry]) -> None:
    found = scanned(tmp_path, DEBIAN_LAYER, [file("srv/x", "x")], later)

    assert [(one.name, one.ecosystem, one.layer) for one in found.packages] == [
        ("bash", "Debian:12", digest_of(layer(*DEBIAN_LAYER))),
        ("libc6", "Debian:12", digest_of(layer(*DEBIAN_LAYER))),
    ]
    assert [(one.what, one.incomplete) for one in found.unknowns if one.why == WHY] == [("2 OS packages", True)]
    assert not found.complete


def test_a_bill_of_materials_stands_for_no_database(tmp_path: Path) -> None:
    purls = ("pkg:deb/debian/bash@5.2.15-2?distro=debian-12", "pkg:deb/debian/zlib1g@1.2?distro=debian-12")
    listed = [{"name": "x", "type": "library", "purl": purl} for purl in purls]
    bill = file("sbom.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "components": listed}))
    found = scanned(tmp_path, DEBIAN_LAYER, [whiteout("var/lib/dpkg/status"), bill])

    assert sorted((one.name, one.by_bill) for one in found.packages) == [
        ("bash", False),
        ("libc6", False),
        ("zlib1g", True),
    ]
    assert WHY in [one.why for one in found.unknowns]


def test_the_last_database_counts(tmp_path: Path) -> None:
    upgraded = dpkg_status(dpkg_entry("bash", "5.2.15-3"))

    found = scanned(tmp_path, DEBIAN_LAYER, [upgraded], [whiteout("var/lib/dpkg/status")])

    assert [(one.name, one.version) for one in found.packages] == [("bash", "5.2.15-3")]


def test_alpines_is_found_too(tmp_path: Path) -> None:
    database = apk_installed(("musl", "1.2.4-r1", "musl"))

    found = scanned(tmp_path, [ALPINE, database], [whiteout("lib/apk/db/installed")])

    assert [(one.name, one.ecosystem) for one in found.packages] == [("musl", "Alpine:v3.18")]


def test_a_distribution_that_came_instead_of_another_has_its_own_packages_only(tmp_path: Path) -> None:
    other = [whiteout("var"), ALPINE, apk_installed(("musl", "1.2.4-r1", "musl"))]

    found = scanned(tmp_path, DEBIAN_LAYER, other)

    assert [one.name for one in found.packages] == ["musl"]
    assert found.complete


@pytest.mark.parametrize(("os", "complete"), [("debian", False), ("fedora", False), ("flatcar", True)])
def test_a_distribution_without_its_database_is_not_all_of_an_image(tmp_path: Path, os: str, complete: bool) -> None:
    found = scanned(tmp_path, [file("etc/os-release", f"ID={os}\nVERSION_ID=12\n")], [file("srv/x", "x")])

    why = f"this is {os}, but no package database that can be read was found in it"
    assert [(one.what, one.incomplete) for one in found.unknowns if one.why == why] == [("OS packages", not complete)]
    assert found.complete is complete
    assert found.packages == ()
