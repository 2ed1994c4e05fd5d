"""Gentoo's packages."""

import pytest
from tests.support.images import Entry, file, symlink, whiteout
from tests.support.inventories import Found

OS = file("etc/os-release", 'ID=gentoo\nNAME=Gentoo\nVERSION_ID="2.15"\n')


def installed(name: str, category: str = "dev-libs", root: str = "var/db/pkg", **values: str) -> list[Entry]:
    told = {"CONTENTS": "obj /usr/bin/x 00 1\n", "SLOT": "0/3\n", "LICENSE": "Apache-2.0\n", "repository": "gentoo\n"}
    return [file(f"{root}/{category}/{name}/{key}", value) for key, value in (told | values).items()]


def test_a_package_is_named_with_its_category() -> None:
    package = Found([OS, *installed("openssl-3.0.13-r2")]).named("dev-libs/openssl")

    assert (package.version, package.type, package.ecosystem) == ("3.0.13-r2", "ebuild", "")
    assert package.purl == "pkg:ebuild/dev-libs/openssl@3.0.13-r2?distro=gentoo-2.15&repository=gentoo&slot=0/3"
    assert package.licenses == ("Apache-2.0",)
    assert package.locations == ("var/db/pkg/dev-libs/openssl-3.0.13-r2",)


@pytest.mark.parametrize(
    ("directory", "name", "version"),
    [
        ("gtk+-2.24.33-r3", "gtk+", "2.24.33-r3"),
        ("font-misc-misc-1.1.3", "font-misc-misc", "1.1.3"),
        ("jpeg-9e_p1", "jpeg", "9e_p1"),
        ("a-1_rc2_p3-r1", "a", "1_rc2_p3-r1"),
        ("foo-2-1.0", "foo-2", "1.0"),
        ("openssl-1.0.2u", "openssl", "1.0.2u"),
        ("git-9999", "git", "9999"),
    ],
)
def test_names_and_versions_are_told_apart(directory: str, name: str, version: str) -> None:
    package = Found(installed(directory)).named(f"dev-libs/{name}")

    assert package.version == version


@pytest.mark.parametrize("key", ["CONTENTS", "SLOT", "LICENSE", "repository"])
def test_one_file_of_it_is_enough(key: str) -> None:
    assert Found([file(f"var/db/pkg/a/b-1/{key}", "x")]).names == ["a/b"]


def test_words_of_several_lines_are_one_line_and_what_is_none_is_left_out() -> None:
    entries = installed("a-1", LICENSE="|| ( MIT\n  GPL-2 )\n", SLOT="\x00", repository="x" * 5000)
    package = Found(entries).named("dev-libs/a")

    assert package.licenses == ("|| ( MIT GPL-2 )",)
    assert package.purl == "pkg:ebuild/dev-libs/a@1"


@pytest.mark.parametrize(
    ("directory", "why"),
    [
        ("-MERGING-openssl-3.0.13", "it is half installed: which of its files are there is not known"),
        ("openssl", "its directory's name holds no version"),
        ("-1.0", "its directory's name holds no version"),
        ("openssl-r1", "its directory's name holds no version"),
        ("openssl-3.x", "its directory's name holds no version"),
    ],
)
def test_what_is_no_package_is_told(directory: str, why: str) -> None:
    found = Found(installed(directory))

    assert found.names == []
    half = directory.startswith("-MERGING-")
    assert (f"var/db/pkg/dev-libs/{directory}", why, not half) in [
        (one.what, one.why, one.incomplete) for one in found.unknowns
    ]


def test_a_package_of_which_little_is_left_is_one() -> None:
    # Story: without its list of files it was passed over without a word.
    found = Found([file("var/db/pkg/app-shells/bash-5.1_p16/PF", "bash-5.1_p16\n")])

    assert [(one.name, one.version) for one in found.packages] == [("app-shells/bash", "5.1_p16")]


def test_layers_bring_and_take_packages() -> None:
    found = Found(installed("a-1") + installed("b-1"), [whiteout("var/db/pkg/dev-libs/a-1")], installed("c-1"))

    assert {package.name: package.layer for package in found.packages} == {
        "dev-libs/b": "layer0",
        "dev-libs/c": "layer2",
    }


def test_a_database_behind_a_link_is_asked_for() -> None:
    found = Found([symlink("var/db/pkg", "/opt/pkg"), *installed("a-1", root="opt/pkg")])

    assert ("opt/pkg", "var/db/pkg") in found.tree.missing()
