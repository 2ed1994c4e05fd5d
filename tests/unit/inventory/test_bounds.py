"""What files say of themselves can be a bomb: packages, doubts and lines of one image are bounded, and the rest counted."""

import json
from pathlib import Path

import pytest
from tests.support.images import (
    Entry,
    Image,
    apk_installed,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
    python_package,
)
from tests.support.rpms import header, ndb

from hullguard.inventory import Limits, bounds, read
from hullguard.model.inventory import Inventory

COMPOSER = json.dumps([{"name": f"a/b{number}", "version": "1"} for number in range(20)])
OPKG = "".join(f"Package: a{number}\nVersion: 1\n\n" for number in range(20))
MANY: dict[str, list[Entry]] = {
    "dpkg": [dpkg_status(*(dpkg_entry(f"a{number}", "1") for number in range(20)))],
    "status.d": [file(f"var/lib/dpkg/status.d/a{n}", f"Package: a{n}\nVersion: 1\n") for n in range(20)],
    "apk": [apk_installed(*((f"a{number}", "1", "a") for number in range(20)))],
    "rpm": [file("var/lib/rpm/Packages.db", ndb(*(header(f"a{number}") for number in range(20))))],
    "pacman": [file(f"var/lib/pacman/local/a{n}/desc", f"%NAME%\na{n}\n%VERSION%\n1\n\n") for n in range(20)],
    "opkg": [file("usr/lib/opkg/status", OPKG)],
    "python": [python_package(f"a{number}", "1") for number in range(20)],
    "node": [node_package(f"a{number}", "1") for number in range(20)],
    "php": [file("srv/composer/installed.json", COMPOSER)],
    "several": [python_package("a", "1"), *(node_package(f"a{number}", "1") for number in range(19))],
}


def scanned(path: Path, *entries: Entry, limits: Limits | None = None) -> Inventory:
    image = Image([layer(file("etc/os-release", "ID=flatcar\n"), *entries)])
    return read(str(image.docker_archive(path / "image.tar")), limits=limits or Limits())


@pytest.mark.parametrize("entries", MANY.values(), ids=MANY)
def test_more_packages_than_an_image_has_are_left_out_and_counted(tmp_path: Path, entries: list[Entry]) -> None:
    found = scanned(tmp_path, *entries, limits=Limits(packages=8))

    assert len(found.packages) == 8
    assert not found.complete
    assert ("the rest of the image", "the image names more than 8 packages; 12 were left out") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]
    assert scanned(tmp_path, *entries, limits=Limits(packages=20)).complete


def test_more_doubts_than_anybody_reads_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "DOUBTS", 5)
    broken = [file(f"node_modules/a{number}/package.json", "{") for number in range(20)]
    found = scanned(tmp_path, *broken)

    assert sum(unknown.what.startswith("node_modules/") for unknown in found.unknowns) == 5
    assert ("more of this kind", "15 more things could not be decided") in [(u.what, u.why) for u in found.unknowns]


def test_lines_of_databases_are_spent_of_a_budget(tmp_path: Path) -> None:
    lists = [file(f"var/lib/dpkg/info/a{number}.list", "/usr/bin/a\n" * 100) for number in range(20)]
    status = dpkg_status(*(dpkg_entry(f"a{number}", "1") for number in range(20)))
    found = scanned(tmp_path, status, *lists, limits=Limits(lines=1000))

    assert not found.complete
    assert found.unknowns[-1].why == "package databases hold more than 1000 lines; the scan stopped there"
    assert scanned(tmp_path, status, *lists).complete


@pytest.mark.parametrize(
    ("path", "line"), [("var/lib/dpkg/status", b"Version:\n"), ("lib/apk/db/installed", b"V:\n")], ids=["dpkg", "apk"]
)
def test_a_database_of_one_line_again_and_again_is_cut_and_that_is_told(tmp_path: Path, path: str, line: bytes) -> None:
    found = scanned(tmp_path, file(path, line * (1 << 20) + b"\n\n"))

    assert "it names more than is read" in " ".join(unknown.why for unknown in found.unknowns)


def test_folders_of_endless_names_cost_no_more_than_the_database_they_stand_in(tmp_path: Path) -> None:
    content = b"P:a\nV:1\nF:" + b"x" * 100_000 + b"\n" + b"R:x.jar\n" * 20_000 + b"\n"
    found = scanned(tmp_path, file("lib/apk/db/installed", content), limits=Limits(kept_bytes=16 << 20))

    assert (found.complete, [package.name for package in found.packages]) == (True, ["a"])


@pytest.mark.parametrize("bomb", ["[" + "[]," * 900_000 + "1]", "[" * 500 + "]" * 500, '"' + "x" * 20_000 + '"'])
def test_a_licence_that_is_a_bomb_is_none(tmp_path: Path, bomb: str) -> None:
    manifest = f'{{"name": "a", "version": "1", "license": {bomb}}}'
    (package,) = scanned(tmp_path, file("node_modules/a/package.json", manifest)).packages

    assert (package.name, package.licenses) == ("a", ())


def test_a_manifest_of_a_million_nested_lists_is_told(tmp_path: Path) -> None:
    manifest = '{"name": "a", "version": "1", "x": ' + "[" * 1_000_000
    found = scanned(tmp_path, file("node_modules/a/package.json", manifest))

    assert ("node_modules/a/package.json", "the manifest of an npm package is no readable JSON") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]
