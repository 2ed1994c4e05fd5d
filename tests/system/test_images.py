"""A real vulnerable image, all the way: command line and platform say the same of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.docker import said
from tests.support.images import build_vulnerable_debian, save_all_forms
from tests.support.platform import Client, running_platform
from tests.support.shared import SHARED_DATA, needs_shared_data

pytestmark = [pytest.mark.docker, pytest.mark.shared, pytest.mark.timeout(600), needs_shared_data]

FILES = ("Debian.jsonl.gz", "PyPI.jsonl.gz", "npm.jsonl.gz", "kev.json", "epss.csv.gz")


def hullguard(docker_host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hullguard.app", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "DOCKER_HOST": docker_host, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, docker_host: str) -> Path:
    """A data directory whose advisory database holds what the image needs."""
    directory = tmp_path_factory.mktemp("images")
    files = [str(SHARED_DATA / "advisories" / name) for name in FILES]
    done = hullguard(docker_host, "db", "import", *files, "--db", str(directory / "advisories.db"))
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def image(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        return build_vulnerable_debian(docker_host, tmp_path_factory.mktemp("build"))
    except RuntimeError as why:
        pytest.skip(f"the image cannot be built here: {why}")


@pytest.fixture(scope="module")
def targets(docker_host: str, image: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return save_all_forms(docker_host, image, tmp_path_factory.mktemp("forms"))


@pytest.fixture(scope="module")
def reports(docker_host: str, targets: dict[str, str], data: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for kind, target in targets.items():
        done = hullguard(docker_host, "scan", target, "-f", "json", "--db", str(data / "advisories.db"))
        assert done.returncode == 0, done.stderr
        found[kind] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def client(docker_host: str, image: str, data: Path) -> Iterator[Client]:
    with running_platform(data, environ={"DOCKER_HOST": docker_host}) as platform:
        yield platform.client()


def findings(report: dict[str, Any]) -> set[tuple[str, ...]]:
    return {
        (each["id"], each["package"], each["installed"], str(each["fixed"]), each["severity"], each["status"])
        for each in report["vulnerabilities"]
    }


def test_the_known_vulnerabilities_are_found(reports: dict[str, dict[str, Any]]) -> None:
    found = {(each["package"].split("@")[0], each["id"]) for each in reports["docker"]["vulnerabilities"]}

    # Published facts: each of these affects exactly the version that the image carries.
    assert {
        ("pkg:pypi/django", "CVE-2021-35042"),
        ("pkg:pypi/django", "CVE-2022-28346"),
        ("pkg:pypi/urllib3", "CVE-2018-25091"),
        ("pkg:pypi/urllib3", "CVE-2019-11324"),
        ("pkg:npm/lodash", "CVE-2019-10744"),
        ("pkg:npm/lodash", "CVE-2018-16487"),
        ("pkg:npm/minimist", "CVE-2020-7598"),
        ("pkg:npm/minimist", "CVE-2021-44906"),
    } <= found
    assert any(package.startswith("pkg:deb/debian/") for package, _ in found)


def test_every_kind_of_source_gives_the_same_result(reports: dict[str, dict[str, Any]]) -> None:
    assert set(reports) >= {"docker", "docker-archive", "oci-archive", "oci-dir", "dir"}
    expected = findings(reports["docker"])
    assert expected
    for kind, report in reports.items():
        assert report["complete"], kind
        assert findings(report) == expected, kind
        assert {each["purl"] for each in report["packages"]} == {
            each["purl"] for each in reports["docker"]["packages"]
        }, kind
    layers = {kind: [each["layer"] for each in report["vulnerabilities"]] for kind, report in reports.items()}
    assert layers["docker"] == layers["docker-archive"] == layers["oci-archive"] == layers["oci-dir"]


def test_the_table_shows_them_too(docker_host: str, targets: dict[str, str], data: Path) -> None:
    done = hullguard(docker_host, "scan", targets["docker-archive"], "--db", str(data / "advisories.db"))

    assert done.returncode == 0
    for word in ("Django", "CVE-2022-28346", "lodash", "CVE-2019-10744", "minimist", "urllib3", "critical"):
        assert word in done.stdout


def test_the_platform_says_the_same_as_the_command_line(
    client: Client, docker_host: str, image: str, reports: dict[str, dict[str, Any]]
) -> None:
    identifier = said(docker_host, "image", "inspect", "-f", "{{.Id}}", image)
    page = client.wait(
        "/images", lambda found: identifier in [each["id"] for each in found["items"] if each["matched"]], seconds=120
    )
    (summary,) = [each for each in page["items"] if each["id"] == identifier]
    shown = client.all(f"/images/{identifier}/vulnerabilities")
    report = reports["docker"]

    assert findings({"vulnerabilities": shown}) == findings(report)
    assert sum(summary["vulnerabilities"].values()) == len(report["vulnerabilities"])
    assert summary["packages"] == len(report["packages"])
    assert summary["names"] == [image]
    critical = client.get(f"/images/{identifier}/vulnerabilities?severity=critical")["total"]
    assert critical == summary["vulnerabilities"]["critical"] > 0
    detail = client.get(f"/images/{identifier}")
    assert [share["layer"]["diff_id"] for share in detail["layers"]] == [each["diff_id"] for each in report["layers"]]
    assert sum(share["packages"] for share in detail["layers"]) == len(report["packages"])
