"""OS packages of other builders are judged by the distribution's advisories, and that is told."""

import pytest
from tests.support.images import dpkg_entry, dpkg_status, file
from tests.support.inventories import Found
from tests.support.rpms import header, ndb

from hullguard.inventory.analyzers.third_party import packed, sold
from hullguard.inventory.distributions import Distribution

DEBIAN = Distribution("debian", "12", "Debian:12")
UBUNTU = Distribution("ubuntu", "22.04", "Ubuntu:22.04:LTS")
WHY = "nothing shows that debian built them: they are judged by its advisories, and the versions in those may not be theirs"


@pytest.mark.parametrize(
    ("version", "maintainer"),
    [
        ("1.25.3-1~bookworm", "NGINX Packaging <nginx-packaging@f5.com>"),
        ("3.5.0-1+0~20250101.1+debian12~1.gbp1", "Somebody <x@sury.example>"),
        ("16.20.0-1nodesource1", "A Person <a.person@nodesource.example>"),
        ("8.0.0-1~acme", "ACME <a@acme.example>"),
        ("13.1-1.pgdg120+1", "Debian PostgreSQL Maintainers <team+postgresql@tracker.debian.org>"),
        ("1:10.11.5+maria~deb12", "MariaDB Developers <developers@lists.mariadb.example>"),
        ("10.2.0", "Grafana Labs <contact@grafana.example>"),
        ("120.0.6099.109-1", "Chrome Linux Team <chromium-dev@chromium.example>"),
        ("528.0.0-0", "Google Cloud CLI Authors <https://code.example/p/cloud>"),
        ("1.2-3~ppa1", "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"),
    ],
)
@pytest.mark.parametrize("distribution", [DEBIAN, UBUNTU], ids=["debian", "ubuntu"])
def test_versions_and_addresses_of_others(distribution: Distribution, version: str, maintainer: str) -> None:
    assert packed(distribution, version, maintainer, ())


@pytest.mark.parametrize(
    ("version", "maintainer"),
    [
        ("1.47.0-2", "A Maintainer <a.maintainer@mit.example>"),
        ("6.4", "A Maintainer <md@linux.example>"),
        ("1:2.39.5-0+deb12u3", "A Maintainer <a.maintainer@gmail.example>"),
        ("2.3.3-1+b1", "Debian Libidn team <help-libidn@gnu.example>"),
        ("37~deb12u1", "A Maintainer <md@linux.example>"),
        ("0.22.13+nmu1+b1", "A Maintainer <a.maintainer@uni.example>"),
        ("6.1.0-1~bpo11+1", "A Team <team@lists.debian.org>"),
        ("1.2-3", None),
        ("", "A Maintainer <md@linux.example>"),
    ],
)
@pytest.mark.parametrize("distribution", [DEBIAN, UBUNTU], ids=["debian", "ubuntu"])
def test_a_private_address_is_no_sign_of_others(
    distribution: Distribution, version: str, maintainer: str | None
) -> None:
    assert not packed(distribution, version, maintainer, (None, "", distribution.id.title()))


@pytest.mark.parametrize(
    "version", ["1.1.1-1ubuntu2.1~18.04.23+esm1", "2.35-0ubuntu3.8+Fips1", "12ubuntu4.4", "5.15-1ubuntu1~jammy1"]
)
def test_versions_of_ubuntu_are_others_on_debian_alone(version: str) -> None:
    ubuntus = "Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>"

    assert not packed(UBUNTU, version, ubuntus, ())
    assert not packed(UBUNTU, version, f"{ubuntus}, ", ())
    assert packed(DEBIAN, version, ubuntus, ()) is ("-" in version)


@pytest.mark.parametrize("distribution", [None, Distribution("kali", "2024.1", "")], ids=["none", "kali"])
def test_of_distributions_whose_makers_are_not_known_nothing_is_said(distribution: Distribution | None) -> None:
    assert not packed(distribution, "1-1~acme", "ACME <support@acme.example>", ("ACME",))
    assert not sold(distribution, "ACME")


@pytest.mark.parametrize(
    ("name", "vendor", "others"),
    [
        ("rhel", "Red Hat, Inc.", False),
        ("rhel", "Fedora Project", True),
        ("rhel", None, False),
        ("rhel", "", False),
        ("rocky", "Rocky Enterprise Software Foundation", False),
        ("opensuse-leap", "SUSE LLC <https://www.suse.com/>", False),
        ("azurelinux", "Microsoft Corporation", False),
    ],
)
def test_vendors_of_rpm_packages(name: str, vendor: str | None, *, others: bool) -> None:
    assert sold(Distribution(name, "9", "x"), vendor) is others


def test_packages_of_dpkg_that_others_built_are_told_once() -> None:
    nginx = dpkg_entry("nginx", "1.25.3-1~bookworm", maintainer="NGINX Packaging <nginx-packaging@f5.example>")
    sold_ = dpkg_entry("agent", "1.0-1", maintainer="A Person <a@b.example>").replace(
        "Version:", "Vendor: B\nVersion:", 1
    )
    release = file("etc/os-release", 'ID=debian\nVERSION_ID="12"\n')
    found = Found([release, dpkg_status(nginx, sold_, dpkg_entry("bash", "5.2-2"))])

    assert [(one.what, one.why) for one in found.unknowns] == [("2 OS packages (agent, nginx)", WHY)]
    assert found.names == ["agent", "bash", "nginx"]


def test_packages_of_rpm_that_others_built_are_told_once() -> None:
    release = file("etc/os-release", 'ID="rhel"\nVERSION_ID="9.4"\n')
    database = ndb(header("bash", "5.1", "9.el9", vendor="Red Hat, Inc."), header("php", "8.2", "1", vendor="A Vendor"))
    found = Found([release, file("var/lib/rpm/Packages.db", database)])

    assert [(one.what, one.why) for one in found.unknowns] == [("1 OS packages (php)", WHY.replace("debian", "rhel"))]


def test_nothing_is_told_where_no_advisories_speak_of_the_distribution() -> None:
    release = file("etc/os-release", "ID=debian\n")
    entry = dpkg_entry("nginx", "1.25.3-1~bookworm", maintainer="NGINX Packaging <nginx-packaging@f5.example>")

    assert not [one for one in Found([release, dpkg_status(entry)]).unknowns if one.why == WHY]
