"""A real vulnerable image, all the way: command line and platform say the same of it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.advisories import shared_data
from tests.support.docker import said
from tests.support.platform import Client, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.shared, pytest.mark.timeout(600)]

FILES = ("Debian.jsonl.gz", "PyPI.jsonl.gz", "npm.jsonl.gz", "kev.json", "epss.csv.gz")


def hullguard(docker_host: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hullguard", *arguments],
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
    files = [str(shared_data() / "advisories" / name) for name in FILES]
    done = hullguard(docker_host, "db", "import", *files, "--db", str(directory / "advisories.db"))
    assert done.returncode == 0, done.stderr
    return directory


@pytest.fixture(scope="module")
def report(docker_host: str, vulnerable_image: str, data: Path) -> dict[str, Any]:
    """What the command line says."""
    target = f"docker:{vulnerable_image}"
    done = hullguard(docker_host, "scan", target, "-f", "json", "--db", str(data / "advisories.db"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def client(docker_host: str, vulnerable_image: str, data: Path) -> Iterator[Client]:
    with running_platform(data, environ={"DOCKER_HOST": docker_host}) as platform:
        yield platform.client()


def findings(report: dict[str, Any]) -> set[tuple[str, ...]]:
    return {
        (each["id"], each["package"], each["installed"], str(each["fixed"]), each["severity"], each["status"])
        for each in report["vulnerabilities"]
    }


def test_the_table_shows_what_is_wrong(docker_host: str, vulnerable_image: str, data: Path) -> None:
    done = hullguard(docker_host, "scan", vulnerable_image, "--db", str(data / "advisories.db"))

    assert done.returncode == 0
    for word in ("Django", "CVE-2022-28346", "lodash", "CVE-2019-10744", "minimist", "urllib3", "critical"):
        assert word in done.stdout


def test_the_platform_says_the_same_as_the_command_line(
    client: Client, docker_host: str, vulnerable_image: str, report: dict[str, Any]
) -> None:
    identifier = said(docker_host, "image", "inspect", "-f", "{{.Id}}", vulnerable_image)
    page = client.wait(
        "/images", lambda found: identifier in [each["id"] for each in found["items"] if each["matched"]], seconds=120
    )
    (summary,) = [each for each in page["items"] if each["id"] == identifier]
    shown = client.all(f"/images/{identifier}/vulnerabilities")

    assert findings({"vulnerabilities": shown}) == findings(report)
    assert sum(summary["vulnerabilities"].values()) == len(report["vulnerabilities"])
    assert summary["packages"] == len(report["packages"])
    assert summary["names"] == [vulnerable_image]
    critical = client.get(f"/images/{identifier}/vulnerabilities?severity=critical")["total"]
    assert critical == summary["vulnerabilities"]["critical"] > 0
    detail = client.get(f"/images/{identifier}")
    assert [share["layer"]["diff_id"] for share in detail["layers"]] == [each["diff_id"] for each in report["layers"]]
    assert sum(share["packages"] for share in detail["layers"]) == len(report["packages"])
