"""Files under other names than those that their archive gives them: through symbolic links, and through hard ones."""

from pathlib import Path

import pytest
from tests.support.images import (
    DEBIAN_12,
    Entry,
    Image,
    directory,
    dpkg_entry,
    dpkg_status,
    file,
    hardlink,
    layer,
    node_package,
    opaque,
    python_package,
    symlink,
    whiteout,
)

from hullguard.inventory import read
from hullguard.model.inventory import Inventory

OS = file("etc/os-release", DEBIAN_12)
OLD = dpkg_entry("bash", "5.1")
NEW = dpkg_entry("bash", "5.2")
STATUS = "var/lib/dpkg/status"


@pytest.fixture
def scan(tmp_path: Path):
    def scanned(*layers: tuple[Entry, ...]) -> Inventory:
        return read(str(Image([layer(*entries) for entries in layers]).docker_archive(tmp_path / "image.tar")))

    return scanned


def names(inventory: Inventory) -> list[str]:
    return sorted(f"{package.name} {package.version}" for package in inventory.packages)


class TestSymbolicLinks:
    @pytest.mark.parametrize(
        "layers",
        [
            ((OS, symlink("x", "var/lib/dpkg"), file("x/status", NEW)),),
            ((OS, symlink("x", "/var/lib/dpkg")), (file("x/status", NEW),)),
            ((OS, symlink("x", "var"), file("x/lib/dpkg/status", NEW)),),
            ((OS, symlink("x", "y"), symlink("y", "var/lib"), file("x/dpkg/status", NEW)),),
            ((OS, symlink("x", "opt"), symlink("var/lib/dpkg", "/opt/dpkg")), (file("x/dpkg/status", NEW),)),
            ((OS, symlink("var/lib/dpkg", "/opt/dpkg")), (symlink("x", "opt/dpkg"), file("x/status", NEW))),
            ((OS, symlink("x", "var/lib/dpkg/status.d"), file("x/bash", NEW)),),
            ((OS, symlink("var/lib/dpkg/status.d/bash", "/opt/bash"), file("opt/bash", NEW)),),
        ],
        ids=["same layer", "lower layer", "above", "two", "both ways", "both ways above", "status.d", "in status.d"],
    )
    def test_a_database_written_through_a_link_is_read_under_its_real_name(self, scan, layers) -> None:
        assert names(scan(*layers)) == ["bash 5.2"]

    def test_what_is_written_through_a_link_replaces_what_was_there(self, scan) -> None:
        found = scan((OS, dpkg_status(OLD), symlink("x", "var/lib/dpkg"), file("x/status", NEW)))

        assert names(found) == ["bash 5.2"]

    @pytest.mark.parametrize("name", ["x", "srv/app"])
    def test_an_unwanted_file_through_a_link_replaces_a_wanted_one(self, scan, name: str) -> None:
        lodash = node_package("lodash", "4.17.4")
        gone = (symlink("x", "srv/app"), file(f"{name}/node_modules/lodash", b"no directory any more"))

        assert names(scan((lodash, *gone))) == []

    def test_a_link_in_place_of_a_directory_takes_away_what_was_written_there(self, scan) -> None:
        assert names(scan((OS, dpkg_status(OLD), symlink("var/lib/dpkg", "/nowhere")))) == []

    def test_a_directory_in_place_of_a_link_is_not_followed(self, scan) -> None:
        status = (symlink("x", "var/lib/dpkg"), directory("x"), file("x/status", NEW))

        assert names(scan((OS, dpkg_status(OLD), *status))) == ["bash 5.1"]

    def test_a_wanted_name_that_is_a_link_to_an_unwanted_file_counts(self, scan) -> None:
        package = python_package("django", "3.2", "opt/site-packages")
        found = scan((symlink(package.name, "/srv/metadata"), file("srv/metadata", package.content)))

        assert names(found) == ["django 3.2"]

    def test_a_link_beside_its_wanted_target_counts_once(self, scan) -> None:
        package = node_package("lodash", "4.17.4")
        (found,) = scan((package, symlink("opt/node_modules/lodash/package.json", f"/{package.name}"))).packages

        assert found.locations == (package.name,)


class TestEnginesThatDiffer:
    """Some engines follow a link of a lower layer when they write through it; those with overlayfs hide it."""

    def test_what_either_sees_is_reported_and_said(self, scan) -> None:
        found = scan((OS, dpkg_status(OLD), symlink("x", "var/lib/dpkg")), (file("x/status", NEW),))

        assert names(found) == ["bash 5.1", "bash 5.2"]
        assert [unknown.what for unknown in found.unknowns] == ["links"]

    def test_a_link_is_a_lower_one_as_soon_as_the_next_layer_begins(self, scan) -> None:
        found = scan((OS, symlink("x", "var/lib/dpkg"), file("x/status", OLD)), (file("x/status", NEW),))

        assert names(found) == ["bash 5.1", "bash 5.2"]

    def test_a_link_that_a_path_leads_over_and_back_hides_nothing(self, scan) -> None:
        layers = (OS, file("opt/status", NEW), symlink("l", "opt")), (symlink("x", "l/../srv"), file("x/a"))

        assert names(scan(layers[0] + (symlink(STATUS, "/l/status"),), layers[1])) == ["bash 5.2"]

    def test_nothing_is_said_where_both_see_the_same(self, scan) -> None:
        found = scan((OS, dpkg_status(OLD), symlink("lib", "usr/lib")), (file("lib/libc.so"),))

        assert names(found) == ["bash 5.1"]
        assert found.unknowns == ()

    @pytest.mark.parametrize("hiding", [whiteout("x/status"), opaque("x"), hardlink("x/status", "etc/os-release")])
    def test_what_only_some_hide_is_reported(self, scan, hiding: Entry) -> None:
        assert names(scan((OS, dpkg_status(OLD), symlink("x", "var/lib/dpkg")), (hiding,))) == ["bash 5.1"]

    def test_a_link_that_leads_to_a_file_is_hidden_and_not_followed(self, scan) -> None:
        found = scan((OS, dpkg_status(OLD), symlink("x", STATUS)), (file("x/status", NEW),))

        assert names(found) == ["bash 5.1"]

    @pytest.mark.parametrize("gone", [whiteout("srv"), file("srv"), symlink("srv", "x")])
    @pytest.mark.parametrize("again", [(directory("srv"),), (directory("srv"), file("srv/x"))])
    def test_a_directory_that_one_layer_deletes_and_makes_again_is_said(self, scan, gone: Entry, again) -> None:
        found = scan((node_package("lodash", "4.17.4"),), (gone, *again))

        assert names(found) == []
        assert "srv" in [unknown.what for unknown in found.unknowns]


class TestHardLinks:
    @pytest.mark.parametrize(
        "layers",
        [
            ((OS, file("x", NEW), hardlink(STATUS, "x")),),
            ((OS, file("x", NEW), hardlink("y", "x"), hardlink("z", "y"), hardlink(STATUS, "z")),),
            ((OS, file("x", NEW)), (hardlink(STATUS, "x"),)),
            ((OS, dpkg_status(NEW)), (hardlink("x", STATUS),), (whiteout(STATUS),), (hardlink(STATUS, "x"),)),
            ((OS, dpkg_status(NEW), hardlink("x", STATUS)), (symlink(STATUS, "/x"),)),
            ((OS, file("x", NEW), symlink("y", "/x"), hardlink(STATUS, "y")),),
            ((OS, file("x", NEW), hardlink(STATUS, "x"), file("x", OLD)),),
            ((OS, file("x", OLD), file("x", NEW), hardlink(STATUS, "x")),),
            ((OS, dpkg_status(NEW), hardlink("x", STATUS), dpkg_status(OLD), hardlink(STATUS, "x")),),
            ((OS, symlink("d", "opt"), file("d/x", NEW), hardlink(STATUS, "opt/x")),),
            ((OS, symlink("d", "opt"), file("opt/x", NEW), hardlink(STATUS, "d/x")),),
            ((OS, file("x", NEW), hardlink("y", "x"), symlink(STATUS, "/y")),),
        ],
        ids=[
            "one",
            "chain",
            "lower layer",
            "there and back",
            "kept under another name",
            "to a symbolic link",
            "target replaced",
            "target written twice",
            "own target replaced",
            "target through a link",
            "target named through a link",
            "a link to a link",
        ],
    )
    def test_the_content_is_that_of_the_target_when_the_link_was_made(self, scan, layers) -> None:
        found = scan(*layers)

        assert names(found) == ["bash 5.2"]
        assert found.unknowns == ()

    def test_a_link_that_is_left_when_its_target_is_deleted_still_counts(self, scan) -> None:
        lodash = node_package("lodash", "4.17.4")
        other = "opt/node_modules/lodash/package.json"

        (package,) = scan((lodash, hardlink(other, lodash.name)), (whiteout(lodash.name),)).packages
        assert package.locations == (other,)

    def test_a_link_to_what_is_nowhere_is_said(self, scan) -> None:
        found = scan((OS, hardlink(STATUS, "nowhere")))

        assert names(found) == []
        assert (STATUS, "nowhere") in [(unknown.what, unknown.why.split()[-1]) for unknown in found.unknowns]

    @pytest.mark.parametrize("link", [hardlink(STATUS, "var/lib/dpkg/info/x.list"), symlink(STATUS, "info/x.list")])
    def test_a_link_to_a_file_that_is_read_as_something_else_is_said(self, scan, link: Entry) -> None:
        found = scan((OS, file("var/lib/dpkg/info/x.list", NEW), link))

        assert STATUS in [unknown.what for unknown in found.unknowns]
