"""Real images from a real engine, with real advisories where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.advisories import shared_data
from tests.support.images import (
    DEBIAN_12,
    VULNERABLE_PACKAGES,
    Image,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    node_package,
    save_all_forms,
    whiteout,
)

from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.imagescan.scan import Scanner
from hullguard.inventory import LayerCache, read


def load(docker_host: str, image: Image, path: Path) -> str:
    from tests.support.docker import docker

    docker(docker_host, "load", "-i", str(image.docker_archive(path)))
    return image.tags[0]


@pytest.mark.docker
def test_an_image_that_was_loaded_is_read_as_it_was_made(docker_host: str, tmp_path: Path) -> None:
    image = Image(
        [
            layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc"))),
            layer(node_package("lodash", "4.17.4"), node_package("gone", "1.0.0")),
            layer(whiteout("srv/app/node_modules/gone")),
        ],
        tags=("hullguard-test/loaded:1",),
    )
    name = load(docker_host, image, tmp_path / "image.tar")
    archive = read(f"docker-archive:{tmp_path / 'image.tar'}")

    for target in (f"docker:{name}", name):
        found = read(target, docker_host=docker_host, cache=LayerCache(tmp_path / "cache"))
        assert found.packages == archive.packages
        assert [fact.diff_id for fact in found.layers] == [fact.diff_id for fact in archive.layers]
        assert found.target.tags == (name,)
        assert found.complete


@pytest.fixture(scope="module")
def vulnerable(docker_host: str, vulnerable_image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The vulnerable Debian in every form."""
    return save_all_forms(docker_host, vulnerable_image, tmp_path_factory.mktemp("forms"))


@pytest.fixture(scope="module")
def advisories(tmp_path_factory: pytest.TempPathFactory) -> Advisories:
    data = shared_data() / "advisories"
    path = tmp_path_factory.mktemp("db") / "advisories.db"
    names = ("Debian.jsonl.gz", "PyPI.jsonl.gz", "npm.jsonl.gz", "kev.json", "epss.csv.gz", "cve_severity.csv.gz")
    account = import_files([data / name for name in names], path)
    assert account.refused == 0
    return Advisories.open(path)


@pytest.mark.docker
def test_every_form_of_a_real_image_has_the_same_packages(docker_host: str, vulnerable: dict[str, str]) -> None:
    inventories = {kind: read(target, docker_host=docker_host) for kind, target in vulnerable.items()}

    reference = inventories["docker-archive"]
    versions = {package.name.lower(): package.version for package in reference.packages}
    assert {name: versions.get(name) for name in VULNERABLE_PACKAGES} == VULNERABLE_PACKAGES
    assert sum(package.ecosystem == "Debian:12" for package in reference.packages) > 80
    assert [fact.base for fact in reference.layers] == [True, False, False]
    for kind, found in inventories.items():
        assert found.complete
        if kind == "dir":
            assert [package.purl for package in found.packages] == [package.purl for package in reference.packages]
        else:
            assert found.packages == reference.packages, kind


# Published for these versions; each was looked up by hand in its database.
KNOWN = {
    "pkg:pypi/django@3.2": {"CVE-2021-31542", "CVE-2021-35042", "CVE-2022-28346", "CVE-2022-34265", "CVE-2023-36053", "CVE-2024-45231"},
    "pkg:pypi/urllib3@1.23": {"CVE-2018-25091", "CVE-2019-11236", "CVE-2019-11324", "CVE-2020-26137", "CVE-2023-43804", "CVE-2023-45803"},
    "pkg:npm/lodash@4.17.4": {
        "CVE-2018-3721", "CVE-2018-16487", "CVE-2019-10744", "CVE-2019-1010266", "CVE-2020-8203", "CVE-2020-28500", "CVE-2021-23337",
    },
    "pkg:npm/minimist@0.0.8": {"CVE-2020-7598", "CVE-2021-44906"},
}  # fmt: skip


@pytest.mark.docker
@pytest.mark.shared
def test_every_known_vulnerability_is_found_in_every_form(
    docker_host: str, vulnerable: dict[str, str], advisories: Advisories
) -> None:
    reports = {kind: Scanner(advisories).scan(target, docker_host=docker_host) for kind, target in vulnerable.items()}

    reference = reports["docker-archive"]
    by_package: dict[str, set[str]] = {}
    for one in reference.vulnerabilities:
        by_package.setdefault(one.package, set()).add(one.id)
        assert one.why.evidence
    assert {purl: ids - by_package.get(purl, set()) for purl, ids in KNOWN.items()} == {purl: set() for purl in KNOWN}
    for kind, report in reports.items():
        if kind == "dir":
            assert [(one.id, one.package) for one in report.vulnerabilities] == [
                (one.id, one.package) for one in reference.vulnerabilities
            ]
        else:
            assert report.vulnerabilities == reference.vulnerabilities, kind


@pytest.mark.shared
def test_a_real_alpine_of_2020_is_read_and_matched(tmp_path: Path) -> None:
    data = shared_data()
    import_files([data / "advisories" / "Alpine.jsonl.gz"], tmp_path / "a.db")

    report = Scanner(Advisories.open(tmp_path / "a.db")).scan(
        str(data / "samples" / "alpine-3.11.docker-archive.tar.gz")
    )

    assert len(report.packages) == 14
    assert {"CVE-2021-36159", "CVE-2021-3711", "CVE-2020-28928", "CVE-2021-28831"} <= {
        one.id for one in report.vulnerabilities
    }
    assert report.os is not None
    assert [unknown.what for unknown in report.unknowns] == [report.os.name]


@pytest.mark.shared
def test_all_real_records_are_imported(tmp_path: Path) -> None:
    files = sorted((shared_data() / "advisories").glob("*.jsonl.gz"))

    account = import_files(files, tmp_path / "all.db")

    assert account.refused == 0
    assert account.imported + account.older + account.withdrawn > 200_000
    assert {"Debian", "Alpine", "Ubuntu", "PyPI", "npm"} <= set(Advisories.open(tmp_path / "all.db").state.sources)


@pytest.mark.shared
def test_the_database_agrees_with_a_plain_reading_of_the_records(advisories: Advisories) -> None:
    """The simplest possible evaluation, straight from the files, by the packaging library."""
    import gzip

    from packaging.version import Version
    from tests.support.advisories import found, package

    installed = Version("3.2")
    expected: set[str] = set()
    with gzip.open(shared_data() / "advisories" / "PyPI.jsonl.gz") as lines:
        for line in lines:
            one = json.loads(line)
            if not one.get("withdrawn") and any(_affects(entry, installed) for entry in one.get("affected", ())):
                expected.update([one["id"]])

    findings = found(advisories, package("Django", "3.2", "PyPI"))
    assert {identity for one in findings.values() for identity in (one.id, *one.aliases)} >= expected
    assert len(expected) > 30
    assert all(expected & {one.id, *one.aliases} for one in findings.values())


def _affects(entry: dict[str, Any], installed: Any) -> bool:
    from packaging.version import Version

    if entry.get("package", {}).get("ecosystem") != "PyPI" or entry["package"]["name"].lower() != "django":
        return False
    if any(Version(version) == installed for version in entry.get("versions", ())):
        return True
    for candidate in entry.get("ranges", ()):
        affected, low = False, ""
        if candidate["type"] == "GIT":
            continue
        for event in sorted(candidate["events"], key=lambda event: Version(next(iter(event.values())))):
            kind, bound = next(iter(event.items()))
            low = bound
            if installed > Version(low) or (installed == Version(low) and kind != "last_affected"):
                affected = kind == "introduced"
        if affected:
            return True
    return False
