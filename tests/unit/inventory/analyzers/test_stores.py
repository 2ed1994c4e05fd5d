"""Stores of Nix and Guix: packages by the names of directories alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.images import Entry, directory, file, symlink, whiteout
from tests.support.inventories import Found

HASH = "0c5wwhcyxz0bgzyj2h1njqv2bzqlfzq3"
OTHER = HASH[::-1]


def stored(name: str, hashed: str = HASH, store: str = "nix/store", below: str = "share/x/y/z") -> Entry:
    return file(f"{store}/{hashed}-{name}/{below}", "content")


def identities(*layers: list[Entry]) -> list[tuple[str, str]]:
    return [(package.name, package.version) for package in Found(*layers).packages]


@pytest.mark.parametrize(
    ("directory_name", "name", "version"),
    [
        ("openssl-3.0.13", "openssl", "3.0.13"),
        ("openssl-3.0.13-bin", "openssl", "3.0.13"),
        ("bash-interactive-5.2p26-man", "bash-interactive", "5.2p26"),
        ("gcc-13.2.0-libgcc", "gcc", "13.2.0"),
        ("glibc-2.38-66", "glibc", "2.38-66"),
        ("python3.11-requests-2.31.0", "python3.11-requests", "2.31.0"),
        ("foo-0-unstable-2024-01-01", "foo", "0-unstable-2024-01-01"),
        ("libsigc++-2.12.1", "libsigc++", "2.12.1"),
    ],
)
def test_a_directory_says_name_and_version(directory_name: str, name: str, version: str) -> None:
    package = Found([stored(directory_name)]).named(name)

    assert (package.version, package.type, package.ecosystem) == (version, "nix", "")
    assert package.locations == (f"nix/store/{HASH}-{directory_name}",)
    assert package.layer == "layer0"


def test_purls_are_nixs_and_guixs() -> None:
    found = Found(
        [stored("nginx-1.26.0"), stored("openssl-3.0.8", store="gnu/store"), stored("libsigc++-2.12.1", OTHER)]
    )

    assert sorted(package.purl for package in found.packages) == [
        "pkg:guix/openssl@3.0.8",
        "pkg:nix/libsigc%2B%2B@2.12.1",
        "pkg:nix/nginx@1.26.0",
    ]


@pytest.mark.parametrize(
    "name",
    ["user-environment", "source", "foo-1.0.tar.gz", "foo-1.0-vendor", "fix.patch", "a-1.drv", "env-manifest.nix"],
)
def test_sources_and_what_has_no_version_are_counted(name: str) -> None:
    found = Found([stored(name), stored("zlib-1.3.1", OTHER)])

    why = f"1 directories in it name no package with a version, {HASH}-{name} the first of them"
    assert found.names == ["zlib"]
    assert ("nix/store", why) in [(one.what, one.why) for one in found.unknowns]


@pytest.mark.parametrize(
    "name", [".links", "openssl-3.0.13", f"{HASH[:-1]}e-openssl-3.0.13", f"{HASH}-openssl-3 0", f"{HASH}-a-{'1' * 300}"]
)
def test_other_directories_are_no_packages(name: str) -> None:
    assert Found([file(f"nix/store/{name}/a", "")]).names == []


def test_a_directory_is_there_by_its_own_entry_or_by_what_lies_in_it() -> None:
    listed = [directory("nix"), directory("nix/store"), directory(f"nix/store/{HASH}-a-1")]

    assert identities(listed) == [("a", "1")]
    assert identities([symlink(f"nix/store/{HASH}-a-1/bin", "/nix/store/x")]) == [("a", "1")]
    assert identities([*listed, stored("a-1")]) == [("a", "1")]


def test_a_file_in_a_store_is_no_package() -> None:
    assert identities([file(f"nix/store/{HASH}-a-1.0", "text")]) == []


def test_the_layer_is_the_one_that_brought_it() -> None:
    found = Found([stored("a-1")], [stored("a-1", below="other"), stored("b-2", OTHER)])

    assert {package.name: package.layer for package in found.packages} == {"a": "layer0", "b": "layer1"}


@pytest.mark.parametrize("gone", [f"nix/store/{HASH}-a-1", "nix/store", "nix"])
def test_what_a_later_layer_deletes_is_gone(gone: str) -> None:
    assert identities([stored("a-1")], [whiteout(gone)]) == []


def test_what_a_layer_deletes_and_brings_again_is_its_own() -> None:
    found = Found([stored("a-1")], [whiteout(f"nix/store/{HASH}-a-1"), stored("a-1")])

    assert [(package.name, package.layer) for package in found.packages] == [("a", "layer1")]


def test_what_a_later_layer_makes_a_file_is_gone() -> None:
    assert identities([stored("a-1")], [file(f"nix/store/{HASH}-a-1", "text")]) == []


def test_programs_in_a_store_are_looked_up_by_themselves() -> None:
    inside = f"nix/store/{HASH}-python3.11-six-1.16.0/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA"
    found = Found([file(inside, "Metadata-Version: 2.1\nName: six\nVersion: 1.16.0\n")])

    assert sorted(package.type for package in found.packages) == ["nix", "pypi"]


def test_a_distribution_that_does_not_use_it_says_nothing_of_it() -> None:
    found = Found([file("etc/os-release", 'ID=debian\nVERSION_ID="12"\n'), stored("a-1")])

    assert (
        "1 packages of Nix",
        "debian does not use this package manager, so its advisories do not speak of them",
    ) in [(one.what, one.why) for one in found.unknowns]


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=80))
def test_no_name_makes_it_fail(name: str) -> None:
    found = Found([file(f"nix/store/{HASH}-{name}/a", "")])

    assert len(found.packages) <= 1


def test_what_a_later_layer_makes_a_directory_of_is_there() -> None:
    listed = [directory("nix"), directory("nix/store"), directory(f"nix/store/{HASH}-a-1")]

    assert identities([file(f"nix/store/{HASH}-a-1", "text")], listed) == [("a", "1")]
