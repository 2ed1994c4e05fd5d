"""A directory tree on disk: no link leads out, no special file is opened, nothing endless is followed."""

import os
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, dpkg_entry

from hullguard.inventory import Limits, read


@pytest.fixture
def root(tmp_path: Path) -> Path:
    tree = tmp_path / "root"
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "os-release").write_bytes(DEBIAN_12)
    (tree / "var" / "lib" / "dpkg").mkdir(parents=True)
    return tree


def names(root: Path) -> list[str]:
    return sorted(package.name for package in read(f"dir:{root}").packages)


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "status"
    outside.write_text(dpkg_entry("stolen", "1"))
    (root / "var/lib/dpkg/status").symlink_to(outside)

    assert names(root) == []


def test_an_absolute_link_stays_in_the_tree(root: Path) -> None:
    (root / "opt").mkdir()
    (root / "opt/status").write_text(dpkg_entry("inside", "1"))
    (root / "var/lib/dpkg/status").symlink_to("/opt/status")

    assert names(root) == ["inside"]


def test_a_linked_directory_is_not_walked_into(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "outside" / "node_modules" / "x"
    outside.mkdir(parents=True)
    (outside / "package.json").write_text('{"name": "x", "version": "1.0.0"}')
    (root / "srv").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(".")

    assert names(root) == []


def test_a_pipe_in_place_of_a_database_does_not_block(root: Path) -> None:
    os.mkfifo(root / "var/lib/dpkg/status")

    assert names(root) == []


def test_nesting_is_bounded_and_told(root: Path) -> None:
    deep = root.joinpath(*["d"] * 12)
    deep.mkdir(parents=True)
    found = read(f"dir:{root}", limits=Limits(depth=5))

    assert any("nested deeper than 5" in unknown.why for unknown in found.unknowns)


def test_the_number_of_files_is_bounded(root: Path) -> None:
    for number in range(20):
        (root / f"f{number}").touch()

    assert not read(f"dir:{root}", limits=Limits(entries=10)).complete


def test_a_large_database_is_named(root: Path) -> None:
    (root / "var/lib/dpkg/status").write_bytes(b"x" * 2000)
    found = read(f"dir:{root}", limits=Limits(file_bytes=1000))

    assert not found.complete
    assert "var/lib/dpkg/status" in [unknown.what for unknown in found.unknowns]


def test_a_name_that_is_no_utf_8_does_no_harm(root: Path) -> None:
    place = root / "srv" / os.fsdecode(b"\xff\xfe") / "node_modules" / "a"
    place.mkdir(parents=True)
    (place / "package.json").write_bytes(b'{"name": "a", "version": "1.0.0"}')

    (package,) = read(f"dir:{root}").packages
    assert package.locations == ("srv/\\xff\\xfe/node_modules/a/package.json",)
