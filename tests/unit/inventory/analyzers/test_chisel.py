"""Chiselled images of Ubuntu: Chisel's list in place of dpkg's database."""

import hashlib
import json

import pytest
import zstandard
from tests.support.images import directory, dpkg_entry, file
from tests.support.inventories import Found

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.chisel.sources import source_of

OS = file("etc/os-release", 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n')
PLACE = "var/lib/chisel/manifest.wall"
LIBC = {"kind": "package", "name": "libc6", "version": "2.39-0ubuntu8.3", "sha256": "76d5", "arch": "amd64"}
HELLO = {"kind": "package", "name": "hello", "version": "2.10-3build1", "sha256": "7503", "arch": "amd64"}
ODD = {"kind": "package", "name": "odd", "version": "1-1", "sha256": "7503", "arch": "all"}
METADATA = b"Name: six\nVersion: 1.16.0\n"
SIX = "usr/lib/python3/dist-packages/six-1.16.0.dist-info/METADATA"
TOLD = "the package database is damaged: "


def lines(*entries: dict[str, object], count: int | None = None) -> bytes:
    stated = {"jsonwall": "1.0", "schema": "1.0", "count": len(entries) + 1 if count is None else count}
    return b"".join(json.dumps(one).encode() + b"\n" for one in (stated, *entries))


def wall(*entries: dict[str, object], count: int | None = None) -> bytes:
    return zstandard.compress(lines(*entries, count=count))


def path(name: str, content: bytes, package: str, **more: str) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"kind": "path", "path": f"/{name}", "mode": "0644", "slices": [f"{package}_libs"], "sha256": digest, **more}


def test_packages_are_those_of_the_list_by_their_sources() -> None:
    found = Found([OS, file(PLACE, wall({"kind": "slice", "name": "libc6_libs"}, HELLO, LIBC))])

    libc = found.named("libc6")
    assert found.names == ["hello", "libc6"]
    assert libc.purl == "pkg:deb/ubuntu/libc6@2.39-0ubuntu8.3?arch=amd64&distro=ubuntu-24.04"
    assert (libc.ecosystem, libc.source_name, libc.source_version) == ("Ubuntu:24.04:LTS", "glibc", "2.39-0ubuntu8.3")
    assert (libc.locations, libc.layer) == ((PLACE,), "layer0")
    assert found.unknowns == []


def test_a_package_whose_source_is_not_known_is_told() -> None:
    found = Found([OS, file(PLACE, wall(LIBC, ODD))])

    assert found.named("odd").source_name == "odd"
    assert [(one.what, one.incomplete) for one in found.unknowns] == [("1 OS packages (odd)", True)]
    assert "does not say of what source packages" in found.unknowns[0].why


@pytest.mark.parametrize(
    ("name", "version", "source"),
    [
        ("libssl3t64", "3.0.13-0ubuntu3.4", "openssl"),
        ("libstdc++6", "14.2.0-4ubuntu2~24.04", "gcc-14"),
        ("libgcc-s1", "12.3.0-1ubuntu1~22.04", "gcc-12"),
        ("libpython3.12-stdlib", "3.12.3-1", "python3.12"),
        ("aspnetcore-runtime-8.0", "8.0.10-0ubuntu1", "dotnet8"),
        ("openjdk-21-jre-headless", "21.0.4+7-1ubuntu2~24.04", "openjdk-21"),
        ("openjdk-11-jre-headless", "11.0.24+8-1ubuntu3", "openjdk-lts"),
        ("libssl3-odd", "1", None),
        ("libgcc-s1", "x", None),
    ],
)
def test_sources_are_known_or_not_and_never_guessed(name: str, version: str, source: str | None) -> None:
    assert source_of(name, version) == source


def test_a_language_package_of_a_slice_is_reported_once() -> None:
    python = {**HELLO, "name": "python3", "version": "3.12.3-0ubuntu2"}
    listed = wall(python, path(SIX, METADATA, "python3"))

    same = Found([OS, file(PLACE, listed), file(SIX, METADATA)])
    other = Found([OS, file(PLACE, listed), file(SIX, METADATA + b"\n")])

    assert same.names == ["python3"]
    assert other.names == ["python3", "six"]
    assert len(other.unknowns) == 1


def test_what_was_put_in_a_files_place_is_seen_though_a_package_brought_a_part_of_dpkgs_configuration() -> None:
    python = {**HELLO, "name": "python3", "version": "3.12.3-0ubuntu2"}
    origins = [directory("etc"), directory("etc/dpkg"), directory("etc/dpkg/origins")]
    listed = file(PLACE, wall(python, path(SIX, METADATA, "python3")))

    same = Found([*origins, OS, file(SIX, METADATA), listed])

    assert (same.names, same.unknowns) == (["python3"], [])
    assert Found([*origins, OS, file(SIX, METADATA + b"\n"), listed]).names == ["python3", "six"]


def test_the_digest_of_what_chisel_changed_counts() -> None:
    changed = path(SIX, b"before", "python3", final_sha256=hashlib.sha256(METADATA).hexdigest())
    python = {**HELLO, "name": "python3", "version": "3.12.3-0ubuntu2"}

    assert Found([OS, file(PLACE, wall(python, changed)), file(SIX, METADATA)]).names == ["python3"]


def test_what_a_database_of_dpkg_names_is_not_named_again() -> None:
    status = file("var/lib/dpkg/status", dpkg_entry("libc6", "2.39-0ubuntu8.3", source="glibc") + "\n")

    found = Found([OS, status, file(PLACE, wall(HELLO, LIBC))])

    assert {one.name: one.locations for one in found.packages} == {"hello": (PLACE,), "libc6": ("var/lib/dpkg/status",)}


def test_a_package_belongs_to_the_layer_that_brought_its_version() -> None:
    newer = {**HELLO, "version": "2.10-3build2"}
    found = Found([OS, file(PLACE, wall(HELLO, LIBC))], [file(PLACE, wall(newer, LIBC))])

    assert {one.name: one.layer for one in found.packages} == {"hello": "layer1", "libc6": "layer0"}


CHECKED = zstandard.ZstdCompressor(write_checksum=True).compress(lines(HELLO))


@pytest.mark.parametrize(
    ("content", "names", "why"),
    [
        (b"", [], "it is no list of Chisel's"),
        (lines(HELLO), [], "it is no list of Chisel's"),
        (zstandard.compress(b'{"kind":"package"}\n'), [], "it is no list of Chisel's"),
        (zstandard.compress(b"["), [], "it is no list of Chisel's"),
        (zstandard.compress(b""), [], "it is no list of Chisel's"),
        (wall(HELLO)[:-9], [], "it is no list of Chisel's"),
        (CHECKED[:-1] + bytes((CHECKED[-1] ^ 1,)), [], "its compression is damaged or cut off"),
        (wall(HELLO, count=9), ["hello"], "it states 9 entries, of which 2 were found"),
        (wall(HELLO, {"kind": "package", "name": "a"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "package", "name": 7, "version": "1"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "package", "name": "open ssl", "version": "1"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "package", "name": "open\0ssl", "version": "1"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "package", "name": "openssl", "version": "1 2"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "new"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "path", "path": "relative"}), ["hello"], "1 lines of it are damaged"),
        (wall(HELLO, {"kind": "package", "name": "a" * 2000, "version": "1"}), ["hello"], "1 lines of it are damaged"),
        (zstandard.compress(lines(HELLO, count=3) + b"\xff[" * 9), ["hello"], "1 lines of it are damaged"),
        (zstandard.compress(lines(HELLO) + b"[" * (1 << 20)), ["hello"], "a line of it has no end"),
    ],
)
def test_a_list_that_cannot_be_read_is_told(content: bytes, names: list[str], why: str) -> None:
    (unknown,) = (found := Found([OS, file(PLACE, content)])).unknowns

    assert found.names == names
    assert (unknown.what, unknown.why, unknown.incomplete) == (PLACE, TOLD + why, True)


def test_a_list_without_a_package_is_told() -> None:
    assert [one.why for one in Found([OS, file(PLACE, wall())]).unknowns] == [
        "the package database names no installed package"
    ]


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounds, "CHISEL_BYTES", 1 << 20)
    slices = [{"kind": "slice", "name": f"a_{number}"} for number in range(100_000)]

    (unknown,) = (found := Found([OS, file(PLACE, wall(HELLO, *slices))])).unknowns

    assert found.names == ["hello"]
    assert unknown.why == f"{TOLD}it holds more than {1 << 20} bytes; the rest of it was not read"


def test_files_of_a_path_of_several_packages_are_of_each() -> None:
    both = {**path(SIX, METADATA, "hello"), "slices": ["hello_bins", "libc6_libs"]}
    found = Found([OS, file(PLACE, wall(HELLO, LIBC, both)), file(SIX, METADATA)])

    assert found.names == ["hello", "libc6"]
