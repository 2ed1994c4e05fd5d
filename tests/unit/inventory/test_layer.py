"""The index of one layer: wanted files whole, everything else as little as possible, and no whiteout misread."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    hardlink,
    header,
    layer,
    node_package,
    opaque,
    python_package,
    symlink,
    whiteout,
)

from hullguard.inventory import read
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.changes import HardLinked, Linked, Made, Opaque, Others, Whiteout, Written
from hullguard.inventory.layer import HASH, Indexer, LayerIndex, path_hash
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.paths import normal
from hullguard.inventory.wanted import Wanted


def index(*entries: Entry, limits: Limits | None = None, aliases: tuple[tuple[str, str], ...] = ()) -> LayerIndex:
    indexer = Indexer(Wanted(ANALYZERS, aliases), Budget(limits or Limits()), "layer 1")
    indexer.run(io.BytesIO(layer(*entries)))
    return indexer.index


def hashes(packed: bytes) -> set[bytes]:
    return {packed[at : at + HASH] for at in range(0, len(packed), HASH)}


def kept(found: LayerIndex) -> dict[str, bytes | None]:
    return {change.path: change.content for change in found.changes if isinstance(change, Written)}


def test_only_wanted_files_are_kept() -> None:
    found = index(
        file("etc/os-release", DEBIAN_12),
        directory("bin"),
        file("bin/sh", b"x" * 5000),
        node_package("lodash", "4.17.4"),
    )

    assert set(kept(found)) == {"etc/os-release", "srv/app/node_modules/lodash/package.json"}
    assert hashes(found.others) == {path_hash("bin/sh")}


def test_names_are_made_normal() -> None:
    found = index(file("./etc/os-release", DEBIAN_12), file("/usr//lib/os-release", DEBIAN_12))

    assert set(kept(found)) == {"etc/os-release", "usr/lib/os-release"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", "/", "./", "a/", "./a/", "/a/", "a//", "a/./", "a/../", "a/../a/", "../", "a/b/"]),
            st.sampled_from(["x", "y", "...", "x.", ".", "..", ""]),
        ),
        max_size=12,
    )
)
def test_however_a_directory_is_spelled_what_follows_one_another_in_it_has_its_own_name(
    spelled: list[tuple[str, str]],
) -> None:
    names = [before + base for before, base in spelled]

    found = index(directory("a"), directory("a/b"), *(file(name, b"x") for name in names))

    assert hashes(found.others) == {path_hash(path) for path in map(normal, names) if path}


def test_a_name_that_climbs_out_stays_in_the_root() -> None:
    found = index(file("../../etc/os-release", DEBIAN_12), file("a/../../usr/lib/os-release", DEBIAN_12))

    assert set(kept(found)) == {"etc/os-release", "usr/lib/os-release"}
    assert found.unknowns == []


@pytest.mark.parametrize("kind", [b"Z", b"9", b"V", b"\x01", b"\xff"])
def test_an_entry_of_a_kind_that_is_not_known_is_told(kind: bytes, tmp_path: Path) -> None:
    content = python_package("django", "3.2")
    hidden = header(content.name.encode(), b"%011o\0" % len(content.content), kind)
    padded = content.content + bytes(-len(content.content) % 512)
    whole = layer(file("etc/os-release", DEBIAN_12))
    found = read(str(Image([hidden + padded + whole]).docker_archive(tmp_path / "image.tar")))

    assert not found.complete
    (told,) = (unknown for unknown in found.unknowns if unknown.what == content.name)
    assert told.why.endswith("an entry of a kind that is not known was refused")
    assert found.os is not None, "what stands behind it is read"


def test_many_refused_names_are_counted_not_listed() -> None:
    found = index(*(file(f"d{number}/.wh.") for number in range(12)), limits=Limits(refused=5))

    assert len(found.unknowns) == 6
    assert found.unknowns[-1].why == "layer 1: 7 more entries were refused or unreadable"


def test_whiteouts_and_opaque_directories_are_told_apart() -> None:
    found = index(whiteout("a/b"), whiteout("c"), opaque("d/e"), opaque(""))

    assert found.changes == [Whiteout(0, 0, "a/b"), Whiteout(0, 0, "c"), Opaque(0, 0, "d/e"), Opaque(0, 0, "")]


def test_a_whiteout_that_names_nothing_deletes_nothing() -> None:
    found = index(file("var/lib/dpkg/.wh."), file("var/lib/dpkg/.wh.."), file("var/lib/dpkg/.wh..."))

    assert found.changes == []
    assert len(found.unknowns) == 3
    assert "whiteout that names no file" in found.unknowns[0].why


def test_bookkeeping_of_aufs_hides_nothing() -> None:
    found = index(file(".wh..wh.plnk/1"), file(".wh..wh.aufs"), directory(".wh..wh.orph"))

    assert [change for change in found.changes if isinstance(change, Whiteout | Opaque)] == []
    assert found.unknowns == []


def test_what_happens_is_kept_in_its_order() -> None:
    found = index(
        directory("etc"),
        file("etc/passwd"),
        file("etc/os-release", DEBIAN_12),
        symlink("etc/x", "../usr"),
        file("etc/group"),
        whiteout("etc/y"),
        hardlink("etc/z", "etc/passwd"),
    )

    assert found.changes == [
        Written(1, 1, "etc/os-release", None, DEBIAN_12),
        Linked(1, 1, "etc/x", "../usr"),
        Whiteout(2, 1, "etc/y"),
        HardLinked(2, 1, "etc/z", "etc/passwd"),
    ]
    assert hashes(found.others) == {path_hash("etc/passwd"), path_hash("etc/group")}


class TestDirectoriesThatAreNotListed:
    """They may be links, of this layer or of a lower one, so what lies in them keeps its name."""

    def test_files_below_them_keep_their_names(self) -> None:
        found = index(file("lib/a"), file("lib/b"), directory("bin"), file("bin/c"), file("lib/x/d"), file("top"))

        assert found.changes == [Others(0, 0, "lib", "a/b"), Others(1, 1, "lib/x", "d")]
        assert hashes(found.others) == {path_hash("bin/c"), path_hash("top")}

    def test_directories_below_them_are_not_listed_either(self) -> None:
        found = index(directory("lib/x"), file("lib/x/a"))

        assert found.changes == [Made(0, 0, "lib/x"), Others(0, 0, "lib/x", "a")]

    def test_a_link_in_place_of_a_directory_makes_it_one_of_them(self) -> None:
        found = index(directory("a"), directory("a/b"), symlink("a", "x"), file("a/b/c"), directory("d"), file("d/e"))

        assert found.changes == [Linked(0, 2, "a", "x"), Others(0, 2, "a/b", "c")]
        assert hashes(found.others) == {path_hash("d/e")}

    def test_listing_them_later_counts_from_there_on(self) -> None:
        found = index(file("a/b"), directory("a"), file("a/c"))

        assert found.changes == [Others(0, 0, "a", "b")]
        assert hashes(found.others) == {path_hash("a/c")}

    def test_their_files_are_kept_in_groups(self) -> None:
        found = index(*(file(f"a/{number}") for number in range(10_000)))

        assert [len(change.names.split("/")) for change in found.changes if isinstance(change, Others)] == [
            4096,
            4096,
            10_000 - 2 * 4096,
        ]


def test_a_hard_link_out_of_the_image_leads_into_it() -> None:
    found = index(hardlink("var/lib/dpkg/status", "../../host/status"))

    assert found.changes == [HardLinked(0, 0, "var/lib/dpkg/status", "host/status")]


def test_an_alias_makes_an_unwanted_place_wanted() -> None:
    found = index(dpkg_status(), file("opt/db/status", dpkg_entry("a", "1")), aliases=(("opt/db", "var/lib/dpkg"),))

    assert b"Package: a" in (kept(found)["opt/db/status"] or b"")
    assert [change.logical for change in found.changes if isinstance(change, Written)] == [None, "var/lib/dpkg/status"]


def test_a_wanted_file_beyond_the_limit_is_named_and_makes_the_index_incomplete() -> None:
    found = index(file("var/lib/dpkg/status", b"x" * 2000), limits=Limits(file_bytes=1000))

    assert found.unknowns[0].incomplete
    assert kept(found) == {}
    assert found.unknowns[0].what == "var/lib/dpkg/status"


def test_directories_and_other_files_are_hashed_apart() -> None:
    found = index(directory("srv/"), file("srv/x"), directory("dev"), Entry("dev/null", kind=b"3"))

    assert hashes(found.directories) == {path_hash("srv"), path_hash("dev")}
    assert hashes(found.others) == {path_hash("srv/x"), path_hash("dev/null")}


def test_many_names_of_one_file_and_chains_of_names_hold_one_copy_of_each() -> None:
    found = index(hardlink("a/1", "a/x"), hardlink("a/2", "a/x"), hardlink("a/3", "a/2"))

    one, two, three = found.changes
    assert isinstance(one, HardLinked)
    assert isinstance(two, HardLinked)
    assert isinstance(three, HardLinked)
    assert one.target is two.target
    assert three.target is two.path


def test_what_aufs_noted_beside_the_image_is_left_out_and_its_hard_links_are_not() -> None:
    found = index(
        file(".wh..wh.x/etc/os-release", DEBIAN_12),
        file(".wh..wh.aufs", ""),
        file(".wh..wh.plnk/1.2", DEBIAN_12),
        hardlink("etc/os-release", ".wh..wh.plnk/1.2"),
    )

    assert [change for change in found.changes if isinstance(change, HardLinked)] != []
    assert ".wh..wh.x/etc/os-release" not in kept(found)
    assert hashes(found.others) <= {path_hash(".wh..wh.plnk/1.2")}
