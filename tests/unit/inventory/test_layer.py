"""The index of one layer: wanted files whole, everything else as little as possible, and no whiteout misread."""

import io
from array import array

from tests.support.images import (
    DEBIAN_12,
    Entry,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    hardlink,
    layer,
    node_package,
    opaque,
    symlink,
    whiteout,
)

from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.layer import Indexer, LayerIndex, path_hash
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.wanted import Wanted


def index(*entries: Entry, limits: Limits | None = None, aliases: tuple[tuple[str, str], ...] = ()) -> LayerIndex:
    indexer = Indexer(Wanted(ANALYZERS, aliases), Budget(limits or Limits()), "layer 1")
    indexer.run(io.BytesIO(layer(*entries)))
    return indexer.index


def hashes(packed: bytes) -> set[int]:
    return set(array("Q", packed))


def test_only_wanted_files_are_kept() -> None:
    found = index(file("etc/os-release", DEBIAN_12), file("bin/sh", b"x" * 5000), node_package("lodash", "4.17.4"))

    assert set(found.kept) == {"etc/os-release", "srv/app/node_modules/lodash/package.json"}
    assert hashes(found.others) == {path_hash("bin/sh")}


def test_names_are_made_normal() -> None:
    found = index(file("./etc/os-release", DEBIAN_12), file("/usr//lib/os-release", DEBIAN_12))

    assert set(found.kept) == {"etc/os-release", "usr/lib/os-release"}


def test_a_name_that_climbs_out_is_refused_and_told() -> None:
    found = index(file("../../etc/os-release", DEBIAN_12), file("a/../../etc/os-release", DEBIAN_12))

    assert found.kept == {}
    assert [unknown.what for unknown in found.unknowns] == ["../../etc/os-release", "a/../../etc/os-release"]
    assert "leaves the image's root" in found.unknowns[0].why


def test_many_refused_names_are_counted_not_listed() -> None:
    found = index(*(file(f"../{number}") for number in range(12)), limits=Limits(refused=5))

    assert len(found.unknowns) == 6
    assert found.unknowns[-1].why == "layer 1: 7 more entries were refused or unreadable"


def test_whiteouts_and_opaque_directories_are_told_apart() -> None:
    found = index(whiteout("a/b"), whiteout("c"), opaque("d/e"), opaque(""))

    assert found.whiteouts == ["a/b", "c"]
    assert found.opaque == ["d/e", ""]


def test_a_whiteout_that_names_nothing_deletes_nothing() -> None:
    found = index(file("var/lib/dpkg/.wh."), file("var/lib/dpkg/.wh.."), file("var/lib/dpkg/.wh..."))

    assert found.whiteouts == []
    assert len(found.unknowns) == 3
    assert "whiteout that names no file" in found.unknowns[0].why


def test_bookkeeping_of_aufs_hides_nothing() -> None:
    found = index(file(".wh..wh.plnk/1"), file(".wh..wh.aufs"), directory(".wh..wh.orph"))

    assert (found.whiteouts, found.opaque, found.unknowns) == ([], [], [])


def test_of_two_members_with_one_name_the_later_counts() -> None:
    found = index(file("etc/os-release", b"ID=old\n"), file("etc/os-release", b"ID=new\n"))
    replaced = index(file("etc/os-release", b"ID=old\n"), symlink("etc/os-release", "../usr/lib/os-release"))
    restored = index(symlink("etc/os-release", "x"), file("etc/os-release", b"ID=new\n"))

    assert found.kept == {"etc/os-release": b"ID=new\n"}
    assert (replaced.kept, replaced.symlinks) == ({}, {"etc/os-release": "../usr/lib/os-release"})
    assert (restored.kept, restored.symlinks) == ({"etc/os-release": b"ID=new\n"}, {})


def test_a_hard_link_to_a_kept_file_has_its_content() -> None:
    found = index(file("usr/lib/os-release", DEBIAN_12), hardlink("etc/os-release", "usr/lib/os-release"))

    assert found.kept["etc/os-release"] == DEBIAN_12


def test_a_hard_link_to_an_unwanted_file_is_remembered() -> None:
    found = index(file("opt/status", b"x"), hardlink("var/lib/dpkg/status", "opt/status"))

    assert found.hardlinks == {"var/lib/dpkg/status": "opt/status"}


def test_a_hard_link_out_of_the_image_is_refused() -> None:
    found = index(hardlink("var/lib/dpkg/status", "../../host/status"))

    assert found.hardlinks == {}
    assert "hard link" in found.unknowns[0].why


def test_an_alias_makes_an_unwanted_place_wanted() -> None:
    found = index(dpkg_status(), file("opt/db/status", dpkg_entry("a", "1")), aliases=(("opt/db", "var/lib/dpkg"),))

    assert b"Package: a" in found.kept["opt/db/status"]


def test_a_wanted_file_beyond_the_limit_is_named_and_makes_the_index_incomplete() -> None:
    found = index(file("var/lib/dpkg/status", b"x" * 2000), limits=Limits(file_bytes=1000))

    assert found.cut
    assert found.kept == {}
    assert found.unknowns[0].what == "var/lib/dpkg/status"


def test_directories_and_other_files_are_hashed_apart() -> None:
    found = index(directory("srv/"), file("srv/x"), Entry("dev/null", kind=b"3"))

    assert hashes(found.directories) == {path_hash("srv")}
    assert hashes(found.others) == {path_hash("srv/x"), path_hash("dev/null")}
