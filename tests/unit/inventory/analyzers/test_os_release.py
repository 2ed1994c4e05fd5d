"""Which distribution an image is."""

from datetime import date

import pytest
from tests.support.images import ALPINE_318, DEBIAN_12, apk_installed, dpkg_entry, dpkg_status, file, symlink
from tests.support.inventories import Found
from tests.support.rpms import header, ndb

from hullguard.inventory.bills.purls import package_of


def test_os_release_is_read() -> None:
    found = Found([file("etc/os-release", DEBIAN_12)]).os

    assert found is not None
    assert (found.id, found.version_id, found.name) == ("debian", "12", "Debian GNU/Linux 12 (bookworm)")
    assert found.end_of_life == date(2028, 6, 30)


def test_the_link_in_etc_is_followed() -> None:
    found = Found([symlink("etc/os-release", "../usr/lib/os-release"), file("usr/lib/os-release", ALPINE_318)]).os

    assert found is not None
    assert found.id == "alpine"


def test_usr_lib_is_enough() -> None:
    assert Found([file("usr/lib/os-release", ALPINE_318)]).os is not None


@pytest.mark.parametrize(
    ("path", "content", "identity", "release"),
    [
        ("etc/alpine-release", "3.4.6\n", "alpine", "3.4.6"),
        ("etc/debian_version", "7.11\n", "debian", "7.11"),
        ("etc/debian_version", "trixie/sid\n", "debian", None),
    ],
)
def test_older_releases_have_their_own_files(path: str, content: str, identity: str, release: str | None) -> None:
    found = Found([file(path, content)]).os

    assert found is not None
    assert (found.id, found.version_id) == (identity, release)


SUSE_11 = "SUSE Linux Enterprise Server 11 (x86_64)\nVERSION = 11\nPATCHLEVEL = 4\n"


@pytest.mark.parametrize(
    ("path", "content", "kind", "ecosystem"),
    [
        ("redhat-release", "Red Hat Enterprise Linux Server release 6.10 (Santiago)\n", "rhel", "Red Hat:enterprise_linux:6"),
        ("redhat-release", "CentOS release 6.10 (Final)\n", "centos", ""),
        ("redhat-release", "Fedora release 20 (Heisenbug)\n", "fedora", ""),
        ("SuSE-release", SUSE_11, "sles", "SUSE:Linux Enterprise Server 11 SP4"),
        ("SuSE-release", SUSE_11.replace("Server", "Desktop").replace("= 4", "= 0"), "sled", "SUSE:Linux Enterprise Desktop 11"),
        ("lsb-release", "DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE=12.04\n", "ubuntu", "Ubuntu:12.04:LTS"),
        ("os-release", "ID=debian\n", "debian", "Debian:7"),
    ],
)  # fmt: skip
def test_what_there_was_before_os_release_says_it(path: str, content: str, kind: str, ecosystem: str) -> None:
    databases = [dpkg_status(dpkg_entry("a", "1")), file("var/lib/rpm/Packages.db", ndb(header("b")))]
    found = Found([file(f"etc/{path}", content), file("etc/debian_version", "7.11\n"), *databases])

    assert found.os is not None
    assert (found.os.id, max(one.ecosystem for one in found.packages)) == (kind, ecosystem)


FOREIGN = {
    "dpkg": ('ID="rhel"\nVERSION_ID="8.5"\n', dpkg_status(dpkg_entry("openssl", "1.1.1k-1")), "deb"),
    "rpm": (DEBIAN_12, file("var/lib/rpm/Packages.db", ndb(header("openssl", "1.1.1k"))), "rpm"),
    "apk": ("ID=ubuntu\nVERSION_ID=22.04\n", file("lib/apk/db/installed", "P:openssl\nV:1.1.1k-r0\n\n"), "apk"),
    "pacman": (ALPINE_318, file("var/lib/pacman/local/a/desc", "%NAME%\nopenssl\n\n%VERSION%\n1\n"), "alpm"),
    "opkg": (DEBIAN_12, file("usr/lib/opkg/status", dpkg_entry("openssl", "1")), "opkg"),
}


@pytest.mark.parametrize("manager", FOREIGN)
def test_packages_of_another_distributions_manager_are_nobodys(manager: str) -> None:
    os_release, database, kind = FOREIGN[manager]
    found = Found([file("etc/os-release", os_release), database])

    (package,) = found.packages
    assert (package.name, package.ecosystem) == ("openssl", "")
    assert package.purl.startswith(f"pkg:{kind}/openssl@")
    assert package_of(package.purl, found.os).ecosystem == ""
    assert found.os is not None
    why = f"{found.os.id} does not use this package manager, so its advisories do not speak of them"
    assert (f"1 packages of {manager}", why) in [(one.what, one.why) for one in found.unknowns]


@pytest.mark.parametrize("os_release", ["ID=echo\n", "ID=mylinux\nVERSION_ID=1\n"])
def test_of_distributions_whose_manager_is_not_known_nothing_is_said(os_release: str) -> None:
    found = Found([file("etc/os-release", os_release), dpkg_status(dpkg_entry("a", "1"))])

    assert "does not use" not in str(found.unknowns)


@pytest.mark.parametrize(
    ("os_release", "ecosystem"),
    [
        ('ID=debian\nVERSION_ID="11"\n', "Debian:11"),
        ("ID=debian\nVERSION_CODENAME=trixie\n", "Debian:13"),
        ("ID=debian\n", ""),
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "Ubuntu:22.04:LTS"),
        ('ID=ubuntu\nVERSION_ID="24.10"\n', "Ubuntu:24.10"),
        ('ID=ubuntu\nVERSION_ID="25.04"\n', "Ubuntu:25.04"),
        ("ID=alpine\nVERSION_ID=3.18.4\n", "Alpine:v3.18"),
        ("ID=alpine\nVERSION_ID=3.20_alpha20240329\n", "Alpine:edge"),
        ("ID=wolfi\nVERSION_ID=20230201\n", "Wolfi"),
        ("ID='chainguard'\nVERSION_ID=\"20230214\"\n", "Chainguard"),
        ("ID=mylinux\nVERSION_ID=1\n", ""),
        ('ID="Debian"\nVERSION_ID=12\n# comment\nBROKEN="\n', "Debian:12"),
    ],
)
def test_the_ecosystem_is_named_as_advisories_name_it(os_release: str, ecosystem: str) -> None:
    databases = [dpkg_status(dpkg_entry("a", "1")), apk_installed(("b", "1", "b"))]
    found = Found([file("etc/os-release", os_release), *databases])

    assert max(one.ecosystem for one in found.packages) == ecosystem


def test_an_image_without_one_says_so() -> None:
    found = Found([file("bin/app")])

    assert found.os is None
    assert [unknown.what for unknown in found.unknowns] == ["operating system"]
