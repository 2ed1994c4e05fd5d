"""The door: an image in, a report out; and the same from an inventory that was taken elsewhere."""

from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import affected, database, record
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package

from hullguard.imagescan.scan import NO_ADVISORIES, Scanner, bill
from hullguard.inventory import LayerCache, Limits, read
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType

ZERO = {"introduced": "0"}
IMAGE = Image(
    [
        layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"))),
        layer(node_package("lodash", "4.17.4")),
    ]
)


@pytest.fixture
def scanner(tmp_path: Path) -> Scanner:
    return Scanner(
        database(
            tmp_path / "db",
            record(
                "DEBIAN-CVE-2024-1",
                affected("Debian:12", "glibc", ZERO, {"fixed": "2.36-9+deb12u1"}),
                upstream=["CVE-2024-1"],
            ),
            record(
                "GHSA-1", affected("npm", "lodash", ZERO, {"fixed": "4.17.5"}, kind="SEMVER"), aliases=["CVE-2018-3721"]
            ),
        )
    )


def test_an_image_becomes_a_report(tmp_path: Path, scanner: Scanner) -> None:
    report = scanner.scan(str(IMAGE.docker_archive(tmp_path / "image.tar")), cache=LayerCache(tmp_path / "cache"))

    assert [(one.id, one.installed, one.fixed) for one in report.vulnerabilities] == [
        ("CVE-2018-3721", "4.17.4", "4.17.5"),
        ("CVE-2024-1", "2.36-9", "2.36-9+deb12u1"),
    ]
    assert [one.layer for one in report.vulnerabilities] == [report.layers[1].diff_id, report.layers[0].diff_id]
    assert report.complete
    assert report.advisories.sources == ("Debian", "npm")


def test_an_inventory_from_elsewhere_gives_the_same_report(tmp_path: Path, scanner: Scanner) -> None:
    path = str(IMAGE.docker_archive(tmp_path / "image.tar"))
    sent = msgspec.msgpack.decode(msgspec.msgpack.encode(read(path, licenses=True)), type=Inventory)

    assert scanner.report(sent) == scanner.scan(path)


def test_an_incomplete_inventory_gives_an_incomplete_report(tmp_path: Path, scanner: Scanner) -> None:
    report = scanner.scan(str(IMAGE.oci_dir(tmp_path / "image")), limits=Limits(entries=2))

    assert not report.complete
    assert [one.id for one in report.vulnerabilities] == ["CVE-2024-1"]


def test_the_report_tells_the_licences_of_the_packages(scanner: Scanner) -> None:
    package = Package("pkg:npm/a@1", PackageType.NPM, "a", "1", ecosystem="npm", licenses=("MIT",))
    report = scanner.report(Inventory(Target("x", "dir"), packages=(package,)))

    assert [(use.license, use.packages) for use in report.licenses] == [("MIT", (package.purl,))]
    assert report.packages[0].licenses == ("MIT",)


def test_licences_that_nobody_asks_for_are_not_gathered(scanner: Scanner) -> None:
    package = Package("pkg:npm/a@1", PackageType.NPM, "a", "1", ecosystem="npm", licenses=("MIT",))
    report = scanner.report(Inventory(Target("x", "dir"), packages=(package,)), licenses=False)

    assert report.licenses == ()
    assert report.packages[0].licenses == ("MIT",)


def test_a_bill_of_materials_misses_no_advisories() -> None:
    assert bill(Inventory(Target("x", "dir"))).unknowns == ()
    assert Scanner(None).report(Inventory(Target("x", "dir"))).unknowns == (NO_ADVISORIES,)
