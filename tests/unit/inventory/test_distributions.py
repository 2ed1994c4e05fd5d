"""Distributions under the names that advisories have for them."""

from datetime import date

import pytest
from tests.support.images import dpkg_entry, dpkg_status, file
from tests.support.inventories import Found

from hullguard.advisories.versions.catalog import order_of
from hullguard.inventory.distributions import distribution
from hullguard.inventory.end_of_life import END_OF_LIFE
from hullguard.model.image import OperatingSystem

LEAP = "openSUSE Leap"
SUSE = "SUSE Linux Enterprise"


@pytest.mark.parametrize(
    ("identity", "version", "name", "ecosystem"),
    [
        ("debian", "12", "Debian GNU/Linux 12 (bookworm)", "Debian:12"),
        ("debian", "6.0.10", "debian 6.0.10", "Debian:6.0"),
        ("debian", "5", "Debian 5", "Debian:5.0"),
        ("debian", "3.1", "debian 3.1", "Debian:3.1"),
        ("almalinux", "9.4", "AlmaLinux 9.4 (Seafoam Ocelot)", "AlmaLinux:9"),
        ("rocky", "8.10", "Rocky Linux 8.10 (Green Obsidian)", "Rocky Linux:8"),
        ("rhel", "9.4", "Red Hat Enterprise Linux 9.4 (Plow)", "Red Hat:enterprise_linux:9"),
        ("opensuse-leap", "15.6", f"{LEAP} 15.6", "openSUSE:Leap 15.6"),
        ("opensuse-leap-micro", "5.5", f"{LEAP} Micro 5.5", "openSUSE:Leap Micro 5.5"),
        ("opensuse-tumbleweed", "20260818", "openSUSE Tumbleweed", "openSUSE:Tumbleweed"),
        ("sles", "15.5", f"{SUSE} Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5"),
        ("sles_sap", "15.5", f"{SUSE} Server for SAP Applications 15 SP5",
         "SUSE:Linux Enterprise Server for SAP Applications 15 SP5"),
        ("sle-micro", "5.5", f"{SUSE} Micro 5.5", "SUSE:Linux Enterprise Micro 5.5"),
        ("openeuler", "22.03", "openEuler 22.03 (LTS-SP3)", "openEuler:22.03-LTS-SP3"),
        ("openeuler", "24.03", "openEuler 24.03 (LTS)", "openEuler:24.03-LTS"),
        ("openeuler", "23.09", "openEuler 23.09", "openEuler:23.09"),
        ("mariner", "2.0", "CBL-Mariner/Linux", "Azure Linux:2"),
        ("azurelinux", "3.0", "Microsoft Azure Linux 3.0", "Azure Linux:3"),
        ("photon", "3.0", "VMware Photon OS/Linux", "Photon OS:3.0"),
        ("mageia", "9", "Mageia 9", "Mageia:9"),
        ("alpaquita", "stream", "BellSoft Alpaquita Linux Stream (musl)", "Alpaquita:stream"),
        ("bellsoft-hardened-containers", "25", "BellSoft Hardened Containers", "BellSoft Hardened Containers:25"),
        ("minimos", "20241031", "MinimOS", "MinimOS"),
        ("echo", "1", "Echo", "Echo"),
        ("wolfi", "20230201", "Wolfi", "Wolfi"),
        ("arch", None, "Arch Linux", "Arch Linux"),
    ],
)  # fmt: skip
def test_the_name_is_that_of_advisories(identity: str, version: str | None, name: str, ecosystem: str) -> None:
    found = distribution(OperatingSystem(identity, version, name))

    assert found.ecosystem == ecosystem
    assert order_of(ecosystem) is not None
    assert found.doubt == ""


@pytest.mark.parametrize(
    ("identity", "version", "name"),
    [
        ("rocky", None, "Rocky Linux"),
        ("almalinux", "kitten", "AlmaLinux Kitten"),
        ("photon", None, "VMware Photon OS"),
        ("sles", "15.5", "My image on SLES"),
        ("openeuler", "22.03", "openEuler"),
        ("openeuler", "22.03", None),
        ("fedora", "41", "Fedora Linux 41"),
        ("ol", "9.4", "Oracle Linux Server 9.4"),
        ("amzn", "2023", "Amazon Linux 2023"),
        ("gentoo", None, "Gentoo"),
    ],
)
def test_a_release_that_advisories_do_not_know_has_no_name(
    identity: str, version: str | None, name: str | None
) -> None:
    assert distribution(OperatingSystem(identity, version, name)).ecosystem == ""


@pytest.mark.parametrize(
    ("os_release", "parents"),
    [
        ('ID=raspbian\nID_LIKE=debian\nVERSION_ID="12"\nPRETTY_NAME="Raspbian 12"\n', "debian"),
        ('ID="ol"\nID_LIKE="fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Oracle Linux 9.4"\n', "fedora"),
        ('ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\nPRETTY_NAME="CentOS Linux 7"\n', "rhel, fedora"),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_ID="22"\nPRETTY_NAME="Linux Mint 22"\n', "ubuntu, debian"),
    ],
)
def test_a_derivative_is_not_matched_as_its_parent_and_that_is_said(os_release: str, parents: str) -> None:
    found = Found([file("etc/os-release", os_release), dpkg_status(dpkg_entry("bash", "5.2"))])

    assert found.named("bash").ecosystem == ""
    (unknown,) = found.unknowns
    assert f"derives from {parents} but builds packages of its own" in unknown.why


def test_what_derives_but_has_advisories_of_its_own_is_not_doubted() -> None:
    found = Found([file("etc/os-release", 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n')])

    assert found.unknowns == []
    assert found.os is not None
    assert found.os.end_of_life == date(2032, 5, 31)


def test_the_qualifier_names_the_release_as_the_distribution_does() -> None:
    assert distribution(OperatingSystem("rocky", "9.4")).qualifier == "rocky-9.4"
    assert distribution(OperatingSystem("arch")).qualifier == "arch"


@pytest.mark.parametrize("product", ["Server", "Server for SAP Applications"])
@pytest.mark.parametrize("release", ["12", "12 SP1", "12 SP2", "12 SP3", "12 SP4", "12 SP5", "15", "15 SP1", "15 SP5"])
def test_the_support_of_every_older_release_of_suse_has_an_end(product: str, release: str) -> None:
    assert f"SUSE:Linux Enterprise {product} {release}" in END_OF_LIFE


def test_every_end_of_support_belongs_to_an_ecosystem_whose_versions_can_be_ordered() -> None:
    assert [ecosystem for ecosystem in END_OF_LIFE if order_of(ecosystem) is None] == []
    assert all(end.year >= 2006 for end in END_OF_LIFE.values())
