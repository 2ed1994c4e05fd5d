"""Licences of dpkg's packages: where their files lie, what is said of those without, and that nobody else pays for it."""

import gzip
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
    symlink,
    whiteout,
)
from tests.support.inventories import Found

from hullguard.inventory import LayerCache, bounds, read
from hullguard.model.inventory import Inventory

OS = file("etc/os-release", DEBIAN_12)
HEAD = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n"
DOC = "usr/share/doc"


def status(*names: str) -> Entry:
    return dpkg_status(*(dpkg_entry(name, "1") for name in names))


def copyright_of(name: str, *licenses: str, path: str = DOC) -> Entry:
    return file(f"{path}/{name}/copyright", HEAD + "\n".join(f"Files: *\nLicense: {one}\n" for one in licenses))


def found(*layers: list[Entry]) -> dict[str, tuple[str, ...]]:
    return {package.name: package.licenses for package in Found(*layers, licenses=True).packages}


def said(*layers: list[Entry]) -> list[str]:
    return [unknown.why for unknown in Found(*layers, licenses=True).unknowns if unknown.what == "licenses"]


def scanned(image: Image, path: Path, *, licenses: bool, cache: LayerCache | None = None) -> Inventory:
    return read(str(image.docker_archive(path / "image.tar")), licenses=licenses, cache=cache)


def test_a_package_has_the_licences_of_its_copyright_file_in_their_order() -> None:
    entries = [OS, status("a", "b"), copyright_of("a", "GPL-2+", "Expat", "GPL-2+"), copyright_of("b", "ISC")]

    assert found(entries) == {"a": ("GPL-2.0-or-later", "MIT"), "b": ("ISC",)}
    assert said(entries) == []


def test_packages_of_distroless_images_have_theirs_too() -> None:
    entries = [OS, file("var/lib/dpkg/status.d/a", "Package: a\nVersion: 1\n"), copyright_of("a", "Expat")]

    assert found(entries) == {"a": ("MIT",)}


@pytest.mark.parametrize(
    "link",
    [
        [symlink(f"{DOC}/b", "a")],
        [symlink(f"{DOC}/b", f"/{DOC}/a")],
        [symlink(f"{DOC}/b", "c"), symlink(f"{DOC}/c", "a")],
        [symlink(f"{DOC}/b/copyright", "../a/copyright")],
        [hardlink(f"{DOC}/b/copyright", f"{DOC}/a/copyright")],
    ],
    ids=["directory", "absolute", "twice", "file", "hard"],
)
@pytest.mark.parametrize("below", [True, False])
def test_a_directory_or_a_file_may_be_a_link_within_and_across_layers(link: list[Entry], below: bool) -> None:
    first = [OS, status("a", "b"), directory(f"{DOC}/a"), copyright_of("a", "Expat")]

    assert found(*([first, link] if below else [[*first, *link]])) == {"a": ("MIT",), "b": ("MIT",)}


@pytest.mark.parametrize(
    ("entries", "licenses"),
    [
        ([symlink(f"{DOC}/a", "../../lib/a/doc"), copyright_of("doc", "ISC", path="usr/lib/a")], ("ISC",)),
        ([symlink(DOC, "../lib/doc"), copyright_of("a", "ISC", path="usr/lib/doc")], ("ISC",)),
        (
            [
                symlink(f"{DOC}/a/copyright", "../../common-licenses/Apache-2.0"),
                file("usr/share/common-licenses/Apache-2.0", "Apache License\nVersion 2.0, January 2004\n"),
            ],
            ("Apache-2.0",),
        ),
        ([symlink(f"{DOC}/a", "a")], ()),
        ([symlink(f"{DOC}/a", "nowhere")], ()),
    ],
    ids=["directory", "all", "file", "loop", "dangling"],
)
def test_what_lies_elsewhere_is_read_there(tmp_path: Path, entries: list[Entry], licenses: tuple[str, ...]) -> None:
    (package,) = scanned(Image([layer(OS, status("a"), *entries)]), tmp_path, licenses=True).packages

    assert package.licenses == licenses


@pytest.mark.parametrize("name", ["copyright.gz", "copyright"])
def test_a_packed_file_is_unpacked(name: str) -> None:
    packed = gzip.compress(copyright_of("a", "Expat").content)

    assert found([OS, status("a"), file(f"{DOC}/a/{name}", packed)]) == {"a": ("MIT",)}


def test_what_is_not_known_is_said_once_and_never_taken_for_none() -> None:
    names = [f"a{number}" for number in range(5)]
    entries = [OS, status("b", "c", *names), copyright_of("b", "Expat"), file(f"{DOC}/c/copyright", "All rights.\n")]

    assert found(entries)["c"] == found(entries)["a0"] == ()
    assert sorted(said(entries)) == [
        "5 packages of dpkg (a0, a1, a2, …) have no copyright file in usr/share/doc",
        "the copyright files of 1 packages (c) tell none in a form that can be read",
    ]


def test_a_layer_that_deletes_documentation_deletes_licences() -> None:
    entries = [OS, status("a"), copyright_of("a", "Expat")]

    assert found(entries, [whiteout(f"{DOC}/a")]) == {"a": ()}
    assert said(entries, [whiteout(DOC)]) == ["1 packages of dpkg (a) have no copyright file in usr/share/doc"]


@pytest.mark.parametrize("damage", [b"\x1f\x8b\x08 this is none", gzip.compress(b"License: a\n" * 999)[:40]])
def test_a_damaged_file_is_told(damage: bytes) -> None:
    entries = [OS, status("a"), file(f"{DOC}/a/copyright.gz", damage)]

    assert found(entries) == {"a": ()}
    assert any("are too long, or damaged: a part was not read" in why for why in said(entries))


@pytest.mark.parametrize(
    ("bound", "content"),
    [
        ("COPYRIGHT_BYTES", HEAD + "License: MIT\n\n" + "x" * 500 + "\n\nLicense: ISC\n"),
        ("COPYRIGHT_PROSE", "License: MIT\n" + "x" * 500 + "\nLicense: ISC\n"),
        ("COPYRIGHT_LICENSES", HEAD + "".join(f"License: mine-{number}\n\n" for number in range(500))),
    ],
)
def test_a_bound_is_told_and_what_stands_before_it_counts(
    monkeypatch: pytest.MonkeyPatch, bound: str, content: str
) -> None:
    monkeypatch.setattr(bounds, bound, 200)
    entries = [OS, status("a"), file(f"{DOC}/a/copyright", content)]
    told = Found(entries, licenses=True)

    assert 1 <= len(told.named("a").licenses) <= 200
    assert "ISC" not in told.named("a").licenses
    assert [unknown.incomplete for unknown in told.unknowns if unknown.what == "licenses"] == [True]


def test_nobody_reads_them_who_does_not_ask_and_no_cache_answers_for_them(tmp_path: Path) -> None:
    image, cache = Image([layer(OS, status("a"), copyright_of("a", "Expat"))]), LayerCache(tmp_path / "cache")

    for licenses in (False, True, False, True):
        made = scanned(image, tmp_path, licenses=licenses, cache=cache)
        assert [package.licenses for package in made.packages] == [("MIT",) if licenses else ()]
        assert made.complete
        assert not any(unknown.what == "licenses" for unknown in made.unknowns)


def test_packages_of_other_managers_are_not_asked_for_such_files() -> None:
    entries = [file("usr/lib/opkg/status", "Package: a\nVersion: 1\n"), copyright_of("a", "Expat")]

    assert found(entries) == {"a": ()}
    assert said(entries) == []


def test_of_two_architectures_of_a_package_both_have_its_licences() -> None:
    both = dpkg_status(dpkg_entry("a", "1"), dpkg_entry("a", "1").replace("amd64", "i386"))
    packages = Found([OS, both, copyright_of("a", "Expat")], licenses=True).packages

    assert [package.licenses for package in packages] == [("MIT",), ("MIT",)]
