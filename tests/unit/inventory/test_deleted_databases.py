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
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    whiteout,
)

from hullguard.inventory.limits import Limits
from hullguard.inventory.reading import read
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


@pytest.mark.parametrize(
    "beside",
    [
        directory("nix/store/0c5wwhcyxz0bgzyj2h1njqv2bzqlfzq3-hello-2.12"),
        apk_installed(("musl", "1.2.4-r1", "musl")),
        file("var/lib/dpkg/status.d/tzdata", dpkg_entry("tzdata", "2024a-0+deb12u1")),
        file("usr/lib/opkg/status", "Package: dnsmasq\nVersion: 2.86-16\nStatus: install user installed\n\n"),
    ],
)
@pytest.mark.parametrize("deletes", [whiteout("var/lib/dpkg/status"), file("var/lib/dpkg/status")])
def test_packages_of_another_manager_hide_no_deletion(tmp_path: Path, beside: Entry, deletes: Entry) -> None:
    found = scanned(tmp_path, DEBIAN_LAYER, [deletes, beside])

    names = [one.name for one in found.packages]
    assert {"bash", "libc6"} < set(names)
    assert len(names) == 3
    assert [(one.what, one.incomplete) for one in found.unknowns if one.why == WHY] == [("2 OS packages", True)]


def test_a_distribution_with_packages_of_another_manager_only_lacks_its_own(tmp_path: Path) -> None:
    found = scanned(tmp_path, [OS], [directory("nix/store/0c5wwhcyxz0bgzyj2h1njqv2bzqlfzq3-hello-2.12")])

    assert [one.name for one in found.packages] == ["hello"]
    assert not found.complete
    assert "OS packages" in [one.what for one in found.unknowns]


def test_a_database_that_was_converted_is_not_missed(tmp_path: Path) -> None:
    one = file("var/lib/dpkg/status.d/base", dpkg_entry("libc6", "2.36-10") + dpkg_entry("bash", "5.2.15-2"))
    found = scanned(tmp_path, DEBIAN_LAYER, [whiteout("var/lib/dpkg/status"), one])

    assert sorted((one.name, one.version) for one in found.packages) == [("bash", "5.2.15-2"), ("libc6", "2.36-10")]
    assert found.complete


def test_a_removed_package_is_not_missed(tmp_path: Path) -> None:
    arch = file("etc/os-release", "ID=arch\n")
    place = "var/lib/pacman/local"

    def desc(name: str) -> Entry:
        return file(f"{place}/{name}-1-1/desc", f"%NAME%\n{name}\n\n%VERSION%\n1-1\n\n")

    found = scanned(tmp_path, [arch, desc("bash"), desc("vi")], [whiteout(f"{place}/vi-1-1")])

    assert [one.name for one in found.packages] == ["bash"]
    assert found.complete


@pytest.mark.parametrize("later", ["x" * 4000, "\0" * 99])
def test_a_database_that_could_not_be_read_is_not_called_deleted(tmp_path: Path, later: str) -> None:
    layers = [layer(*DEBIAN_LAYER), layer(file("var/lib/dpkg/status", later))]
    image = Image(layers).docker_archive(tmp_path / "image.tar")

    found = read(str(image), limits=Limits(file_bytes=3000))

    assert [one.name for one in found.packages] == ["bash", "libc6"]
    assert not found.complete
    assert WHY not in [one.why for one in found.unknowns]
    assert [
        one.what for one in found.unknowns if one.why.startswith("a later layer wrote another package database")
    ] == ["2 OS packages"]
