"""*Update agent*: a signed bundle replaces the running agent, and one that does not come up is taken back."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.platform import Client, Platform, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(300)]

SOURCE = Path(__file__).parents[2] / "src" / "hullguard"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, docker_host: str) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("update") / "data"
    with running_platform(data, environ={"DOCKER_HOST": docker_host}) as running:
        yield running


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    signed_in = platform.client()
    signed_in.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
    return signed_in


def wheel(directory: Path, version: str, *, broken: bool = False) -> Path:
    """The tree of this checkout as another version of itself."""
    path = directory / f"hullguard-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(SOURCE.rglob("*")):
            if file.is_dir() or "__pycache__" in file.parts or "static" in file.parts:
                continue
            content = file.read_bytes()
            if file == SOURCE / "__init__.py":
                content = content.replace(b'"0.1.0"', f'"{version}"'.encode())
            if broken and file == SOURCE / "agent" / "child.py":
                content = b"raise SystemExit('this version was never tried')\n"
            archive.writestr(str(Path("hullguard") / file.relative_to(SOURCE)), content)
    return path


def bundle(platform: Platform, tmp_path: Path, version: str, *, broken: bool = False) -> Path:
    output = tmp_path / f"{version}.bundle"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "hullguard", "admin", "agent-bundle"),
            *("--data", str(platform.data), "-o", str(output), str(wheel(tmp_path, version, broken=broken))),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert f"agent {version}, signed" in done.stdout
    return output


def upload(client: Client, path: Path, expect: int = 201) -> dict[str, Any]:
    answer = client.http.post(
        "/api/v1/agent-bundles", content=path.read_bytes(), headers={"Content-Type": "application/octet-stream"}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


def update(client: Client, sha256: str, key: str) -> dict[str, Any]:
    (node,) = client.get("/nodes")["items"]
    made = client.post(
        "/commands",
        {"node": node["id"], "kind": "update_agent", "parameters": {"sha256": sha256, "health_seconds": 60}},
        Idempotency_Key=key,
    )
    return client.wait(
        f"/commands/{made['id']}", lambda command: command["state"] in ("done", "failed", "expired"), seconds=200
    )


def test_a_signed_bundle_replaces_the_agent(platform: Platform, client: Client, tmp_path: Path) -> None:
    kept = upload(client, bundle(platform, tmp_path, "0.1.1"))
    assert kept["version"] == "0.1.1"

    command = update(client, kept["sha256"], "up")

    assert command["state"] == "done", command
    client.wait(
        "/nodes",
        lambda page: [(node["agent_version"], node["state"]) for node in page["items"]] == [("0.1.1", "protected")],
    )


def test_a_version_that_does_not_come_up_is_taken_back(platform: Platform, client: Client, tmp_path: Path) -> None:
    (before,) = client.get("/nodes")["items"]
    kept = upload(client, bundle(platform, tmp_path, "0.1.9", broken=True))

    command = update(client, kept["sha256"], "broken")

    assert command["state"] == "failed"
    assert "rolled back" in command["message"] + str(command["result"])
    client.wait(
        "/nodes",
        lambda page: (
            [(node["agent_version"], node["state"]) for node in page["items"]]
            == [(before["agent_version"], "protected")]
        ),
    )


def test_an_older_version_is_refused_by_the_agent(platform: Platform, client: Client, tmp_path: Path) -> None:
    kept = upload(client, bundle(platform, tmp_path, "0.0.9"))

    command = update(client, kept["sha256"], "older")

    assert command["state"] == "failed"
    assert client.get("/nodes")["items"][0]["agent_version"] != "0.0.9"


def test_a_bundle_that_was_changed_is_refused_at_the_door(platform: Platform, client: Client, tmp_path: Path) -> None:
    path = bundle(platform, tmp_path, "0.2.0")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)

    problem = upload(client, path, expect=422)

    assert problem["code"].startswith("bundle")
