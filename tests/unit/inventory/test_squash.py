"""Layers over one another: exactly what a container would see."""

import io

import pytest
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
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.squash import Tree, squash
from hullguard.inventory.wanted import Wanted

LODASH = node_package("lodash", "4.17.4")
MINIMIST = node_package("minimist", "0.0.8")
PLACE = "srv/app/node_modules/lodash/package.json"
EVERYTHING = r".*"


def index(*entries: Entry, wanted: Wanted | None = None) -> LayerIndex:
    indexer = Indexer(wanted or Wanted(ANALYZERS), Budget(Limits()), "layer")
    indexer.run(io.BytesIO(layer(*entries)))
    return indexer.index


def tree(*layers: tuple[Entry, ...]) -> Tree:
    return squash([index(*entries) for entries in layers], Wanted(ANALYZERS), Limits())


def paths(*layers: tuple[Entry, ...]) -> list[str]:
    return [path for path, _ in tree(*layers).matching(EVERYTHING)]


def test_the_highest_layer_counts() -> None:
    found = tree((LODASH,), (node_package("lodash", "4.17.21"),))

    assert b"4.17.21" in dict(found.matching(EVERYTHING))[PLACE].content


@pytest.mark.parametrize(
    "hiding",
    [
        whiteout(PLACE),
        whiteout("srv/app/node_modules/lodash"),
        whiteout("srv/app"),
        whiteout("srv"),
        opaque("srv/app/node_modules"),
        opaque("srv"),
        opaque(""),
        file("srv/app/node_modules/lodash", b"now a file"),
        file("srv/app", b"now a file"),
        symlink("srv/app/node_modules", "/nowhere"),
        symlink("srv", "/nowhere"),
        directory(PLACE),
        Entry("srv/app", kind=b"3"),
    ],
    ids=lambda entry: f"{entry.kind.decode()} {entry.name}",
)
def test_what_an_upper_layer_hides_is_gone(hiding: Entry) -> None:
    # The last one is special: a directory where there was a file hides the file.
    assert paths((LODASH,), (hiding,)) == []


@pytest.mark.parametrize(
    "harmless",
    [
        whiteout("srv/app/node_modules/lodas"),
        whiteout("srv/app2"),
        opaque("srv/other"),
        directory("srv/app"),
        directory("srv/app/node_modules/lodash"),
        file("srv/app/node_modules/other", b""),
        file("srv/app/.wh.", b""),
    ],
    ids=lambda entry: f"{entry.kind.decode()} {entry.name}",
)
def test_what_an_upper_layer_does_not_hide_stays(harmless: Entry) -> None:
    assert paths((LODASH,), (harmless,)) == [PLACE]


def test_a_whiteout_hides_lower_layers_and_not_its_own() -> None:
    assert paths((MINIMIST,), (opaque("srv/app/node_modules"), LODASH)) == [PLACE]
    assert paths((LODASH,), (whiteout("srv/app"), LODASH)) == [PLACE]


def test_a_directory_in_place_of_a_link_ends_the_link() -> None:
    linked = (file("usr/lib/os-release", DEBIAN_12), symlink("etc/os-release", "../usr/lib/os-release"))
    found = tree(linked, (directory("etc/os-release"),))

    assert found.file("etc/os-release") is None
    assert found.file("usr/lib/os-release") is not None


def test_links_lead_to_files_of_other_layers() -> None:
    found = tree((symlink("lib", "usr/lib"), file("usr/lib/apk/db/installed", b"P:musl\nV:1\n\n")))

    file_ = found.file("lib/apk/db/installed")
    assert file_ is not None
    assert b"P:musl" in file_.content


def test_a_file_written_through_a_linked_directory_lands_where_the_link_leads() -> None:
    found = tree((symlink("lib", "usr/lib"),), (file("lib/apk/db/installed", b"P:musl\nV:1\n\n"),))

    assert [path for path, _ in found.matching(EVERYTHING)] == ["usr/lib/apk/db/installed"]


def test_a_linked_database_directory_asks_for_a_second_read() -> None:
    wanted = Wanted(ANALYZERS)
    members = (symlink("var/lib/dpkg", "/opt/dpkg"), file("opt/dpkg/status", dpkg_entry("a", "1")))
    aliases = squash([index(*members)], wanted, Limits()).missing()
    wanted = wanted.with_aliases(sorted(aliases))
    found = squash([index(*members, wanted=wanted)], wanted, Limits())

    assert ("opt/dpkg/status", "var/lib/dpkg/status") in aliases
    status = found.file("var/lib/dpkg/status")
    assert status is not None
    assert b"Package: a" in status.content


def test_a_hard_linked_database_asks_for_a_second_read() -> None:
    wanted = Wanted(ANALYZERS)
    members = (file("opt/status", dpkg_entry("a", "1")), hardlink("var/lib/dpkg/status", "opt/status"))
    aliases = squash([index(*members)], wanted, Limits()).missing()
    wanted = wanted.with_aliases(sorted(aliases))
    found = squash([index(*members, wanted=wanted)], wanted, Limits())

    assert aliases == {("opt/status", "var/lib/dpkg/status")}
    assert found.file("var/lib/dpkg/status") is not None


def test_an_ordinary_image_needs_no_second_read() -> None:
    members = (
        symlink("lib", "usr/lib"),
        symlink("etc/os-release", "../usr/lib/os-release"),
        file("usr/lib/os-release", DEBIAN_12),
        dpkg_status(dpkg_entry("a", "1")),
    )

    assert tree(members).missing() == set()


def test_writing_the_same_again_brings_nothing_in() -> None:
    found = dict(tree((LODASH,), (MINIMIST,), (LODASH,)).matching(EVERYTHING))

    assert found[PLACE].layer == 2
    assert found[PLACE].origin == 0


def test_what_was_deleted_and_came_back_is_new() -> None:
    found = dict(tree((LODASH,), (whiteout("srv"),), (LODASH,)).matching(EVERYTHING))

    assert found[PLACE].origin == 2


def test_the_history_of_a_file_is_kept() -> None:
    found = tree((dpkg_status(dpkg_entry("a", "1")),), (), (dpkg_status(dpkg_entry("a", "2")),)).file(
        "var/lib/dpkg/status"
    )

    assert found is not None
    assert [version.layer for version in found.history()] == [0, 2]


def test_what_a_layer_itself_writes_over_is_no_history() -> None:
    old, new = (dpkg_status(dpkg_entry("a", version)) for version in "12")
    found = tree((old,), (new, old)).file("var/lib/dpkg/status")

    assert found is not None
    assert [version.layer for version in found.history()] == [0, 1]
    assert found.origin == 0


def test_children_are_those_directly_inside() -> None:
    found = tree((file("var/lib/dpkg/status.d/base", b"Package: base\n"), file("var/lib/dpkg/status", b"")))

    assert [name for name, _ in found.children("var/lib/dpkg/status.d")] == ["base"]
    assert list(found.children("var/lib/nothing")) == []
