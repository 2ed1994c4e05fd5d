"""OpenWrt's and Yocto's packages: what is installed, what it was built from, and that no advisories speak of it."""

import pytest
from tests.support.images import Entry, file, node_package, symlink, whiteout
from tests.support.inventories import Found

OS = file(
    "etc/os-release", 'ID="openwrt"\nID_LIKE="lede openwrt"\nVERSION_ID="22.03.5"\nPRETTY_NAME="OpenWrt 22.03.5"\n'
)


def entry(name: str, version: str, status: str = "install user installed") -> str:
    lines = [f"Package: {name}", f"Version: {version}", "Depends: libc", f"Status: {status}", "Architecture: x86_64"]
    return "\n".join([*lines, "Conffiles:", " /etc/config/x 0123", "Installed-Time: 1681000000", "", ""])


def status(*entries: str, place: str = "usr/lib/opkg") -> Entry:
    return file(f"{place}/status", "".join(entries))


def control(name: str, version: str, place: str = "usr/lib/opkg") -> Entry:
    fields = f"Package: {name}\nVersion: {version}\nSource: feeds/base/{name}\nSourceName: {name}-src\n"
    return file(f"{place}/info/{name}.control", f"{fields}License: GPL-2.0\nArchitecture: x86_64\nDescription: a\n")


@pytest.mark.parametrize("place", ["usr/lib/opkg", "lib/opkg", "var/lib/opkg", "opt/lib/opkg"])
def test_a_package_is_read(place: str) -> None:
    found = Found([OS, status(entry("dnsmasq", "2.86-16"), place=place), control("dnsmasq", "2.86-16", place)])

    package = found.named("dnsmasq")
    assert package.purl == "pkg:opkg/openwrt/dnsmasq@2.86-16?arch=x86_64&distro=openwrt-22.03.5"
    assert (package.type, package.ecosystem, package.arch) == ("opkg", "", "x86_64")
    assert (package.source_name, package.source_version) == ("dnsmasq-src", "2.86-16")
    assert package.licenses == ("GPL-2.0",)
    assert package.locations == (f"{place}/status",)


def test_only_what_is_there_counts() -> None:
    found = Found(
        [
            OS,
            status(
                entry("a", "1", "install ok installed"),
                entry("b", "1", "deinstall ok not-installed"),
                entry("c", "1", "install user unpacked"),
            ),
        ]
    )

    assert found.names == ["a", "c"]


def test_of_a_package_without_its_own_file_the_status_says_enough() -> None:
    package = Found([OS, status(entry("a", "1")), control("a", "2")]).named("a")

    assert (package.version, package.source_name, package.licenses) == ("1", "a", ())


@pytest.mark.parametrize("empty", [(), (status(),), (status("\n\n"),)])
def test_without_a_status_what_is_kept_of_packages_is_read(empty: tuple[Entry, ...]) -> None:
    found = Found([OS, *empty, control("a", "1"), control("b", "2")])

    assert {package.name: package.locations for package in found.packages} == {
        "a": ("usr/lib/opkg/info/a.control",),
        "b": ("usr/lib/opkg/info/b.control",),
    }


def test_a_merged_usr_has_each_package_once() -> None:
    assert Found([OS, symlink("lib", "usr/lib"), status(entry("a", "1"))]).names == ["a"]


def test_a_package_belongs_to_the_layer_that_brought_its_version() -> None:
    found = Found([OS, status(entry("a", "1"), entry("b", "1"))], [status(entry("a", "1"), entry("b", "2"))])

    assert {package.name: package.layer for package in found.packages} == {"a": "layer0", "b": "layer1"}
    assert Found([OS, status(entry("a", "1"))], [whiteout("usr/lib/opkg")]).names == []


def test_what_an_opkg_package_brings_is_looked_up_because_no_advisories_speak_of_it() -> None:
    listed = file("usr/lib/opkg/info/node-lodash.list", "/srv/app/node_modules/lodash/package.json\t0100644\n")
    members = [OS, status(entry("node-lodash", "4.17.4-1")), listed, node_package("lodash", "4.17.4")]

    assert Found(members).names == ["lodash", "node-lodash"]


@pytest.mark.parametrize(
    "content",
    ["Package: a\nStatus: install ok installed\n\n", "Version: 1\n\n", "Package: a\nVersion: 1\nStatus: x\n\n"],
)
def test_an_entry_that_cannot_be_read_is_named(content: str) -> None:
    found = Found([OS, status(content, entry("b", "2"))])

    assert found.names == ["b"]
    assert "usr/lib/opkg/status: an entry" in found.unknowns[-1].why


def test_a_database_without_a_package_is_told() -> None:
    assert ("usr/lib/opkg/status", "the package database names no installed package") in [
        (unknown.what, unknown.why) for unknown in Found([OS, status()]).unknowns
    ]


def test_a_status_that_was_cut_off_between_lines_is_said() -> None:
    found = Found([OS, status(entry("a", "1"), entry("b", "2").removesuffix("\n"))])

    assert found.names == ["a", "b"]
    assert [(one.why, one.incomplete) for one in found.unknowns if one.what == "usr/lib/opkg/status"] == [
        ("usr/lib/opkg/status: it ends before its end; packages may be missing", True)
    ]
