"""Registries, all the way: pushed by a real client, read by the platform, shown with what is wrong with them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.images import Image, apk_installed, file, layer, python_package
from tests.support.platform import Client, Platform, running_platform
from tests.support.registry import RealRegistry, certificate, real_registry

from hullguard.advisories.importer import import_files

pytestmark = pytest.mark.timeout(600)

# `htpasswd -nbB tester sesame`
HTPASSWD = "tester:$2y$05$Pun8AUtuagDiGbtSrwPWpu7pnAQOPcfK2YpySDeaL.wK.uuBOv2s2\n"
CREDENTIALS = "--dest-creds=tester:sesame"
BASE = layer(file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n"), apk_installed(("musl", "1.2.4-r1", "musl")))
OLD = Image([BASE, layer(python_package("urllib3", "1.23"))])
NEW = Image([BASE, layer(python_package("urllib3", "9.0"))])
ADVISORY = {
    "schema_version": "1.6.0",
    "id": "PYSEC-1",
    "modified": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "urllib3"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}],
        }
    ],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("registry")
    certificate(root)
    return root


@pytest.fixture(scope="module")
def registry(root: Path) -> Iterator[RealRegistry]:
    with real_registry(root, HTPASSWD, tls=True) as started:
        push(started, root, OLD, "team/app:1")
        yield started


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    data = tmp_path_factory.mktemp("platform")
    (data / "advisories.jsonl").write_text(json.dumps(ADVISORY) + "\n")
    import_files([data / "advisories.jsonl"], data / "advisories.db")
    with running_platform(data, "--no-agent") as started:
        yield started


@pytest.fixture(scope="module")
def client(platform: Platform) -> Client:
    return platform.client()


def push(registry: RealRegistry, root: Path, image: Image, name: str) -> None:
    registry.push(f"docker-archive:{image.docker_archive(root / 'image.tar')}", name, CREDENTIALS)


def spec(registry: RealRegistry, root: Path, name: str, **changes: Any) -> dict[str, Any]:
    ca = (root / "registry.crt").read_text()
    return {
        "name": name,
        "address": registry.host,
        "ca": ca,
        "username": "tester",
        "repositories": ["team/*"],
        **changes,
    }


def ended(registry: dict[str, Any]) -> bool:
    return registry["state"] in ("done", "failed")


def scanned(client: Client, registry: str, **asked: Any) -> dict[str, Any]:
    client.post(f"/registries/{registry}/scan", asked, expect=202)
    found: dict[str, Any] = client.wait(f"/registries/{registry}", ended)
    return found


def matched(client: Client, image: str) -> dict[str, Any]:
    found: dict[str, Any] = client.wait(f"/images/{image}", lambda image: image["matched"] is not None)
    return found


def test_what_is_pushed_is_read_and_judged_and_what_moves_follows(
    client: Client, platform: Platform, registry: RealRegistry, root: Path
) -> None:
    made = client.post("/registries", {"spec": spec(registry, root, "ours"), "password": "sesame"}, expect=201)
    done = client.wait(f"/registries/{made['id']}", ended)
    assert (done["state"], done["trouble"], done["images"]) == ("done", None, {"done": 1})

    (row,) = client.all(f"/registries/{made['id']}/images")
    assert row["image_id"] == OLD.image_id
    image = matched(client, OLD.image_id)
    assert image["names"] == [f"{registry.host}/team/app:1"]
    assert (image["complete"], image["registries"], image["packages"]) == (True, 1, 2)
    (found,) = client.all(f"/images/{OLD.image_id}/vulnerabilities")
    assert (found["id"], found["package"]) == ("PYSEC-1", "pkg:pypi/urllib3@1.23")
    assert found["layer"] == image["layers"][1]["layer"]["diff_id"]
    assert [each["id"] for each in client.all(f"/images?registry={made['id']}")] == [OLD.image_id]

    push(registry, root, NEW, "team/app:1")
    push(registry, root, NEW, "team/other:2")
    assert scanned(client, made["id"])["images"] == {"done": 2}
    assert matched(client, NEW.image_id)["names"] == [f"{registry.host}/team/app:1", f"{registry.host}/team/other:2"]
    assert client.all(f"/images/{NEW.image_id}/vulnerabilities") == []
    assert OLD.image_id not in [each["id"] for each in client.all("/images")]

    shown = json.dumps([client.get("/registries"), client.get(f"/registries/{made['id']}"), client.all("/audit")])
    assert "sesame" not in shown
    for path in platform.data.rglob("*"):
        if path.is_file() and not path.is_socket():
            assert b"sesame" not in path.read_bytes(), path


def test_the_platform_reads_as_the_command_line_does(client: Client, registry: RealRegistry, root: Path) -> None:
    push(registry, root, OLD, "same/app:1")
    wanted = spec(registry, root, "same", repositories=["same/app"])
    made = client.post("/registries", {"spec": wanted, "password": "sesame"}, expect=201)
    client.wait(f"/registries/{made['id']}", ended)
    archive = OLD.docker_archive(root / "same.tar")
    command = [sys.executable, "-m", "hullguard", "sbom", f"docker-archive:{archive}", "-f", "json"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=True, capture_output=True, timeout=120, env=environ)
    listed = {(each["name"], each["version"]) for each in json.loads(done.stdout)["packages"]}
    matched(client, OLD.image_id)
    assert {(each["name"], each["version"]) for each in client.all(f"/images/{OLD.image_id}/packages")} == listed


def test_a_wrong_password_and_a_foreign_authority_say_what_to_do(
    client: Client, registry: RealRegistry, root: Path
) -> None:
    wanted = spec(registry, root, "wrong")
    made = client.post("/registries", {"spec": wanted, "password": "wrong"}, expect=201)
    failed = client.wait(f"/registries/{made['id']}", ended)
    assert (failed["state"], failed["trouble"]["code"]) == ("failed", "registry.unauthenticated")
    assert "wrong password?" in failed["trouble"]["sentence"]
    mended = client.put(
        f"/registries/{made['id']}", {"spec": {**wanted, "ca": ""}, "password": "sesame"}, if_match='"v1"'
    )
    # When it is tried again is kept a moment after why it failed.
    failed = client.wait(f"/registries/{mended['id']}", lambda one: ended(one) and one["due"] is not None)
    assert "give its authority" in failed["trouble"]["sentence"]
    client.put(f"/registries/{made['id']}", {"spec": wanted, "password": "sesame"}, if_match='"v2"')
    assert client.wait(f"/registries/{made['id']}", ended)["state"] == "done"


def test_a_damaged_layer_is_told_of_its_image_alone(client: Client, root: Path, tmp_path: Path) -> None:
    certificate(tmp_path)
    with real_registry(tmp_path, HTPASSWD, tls=True) as own:
        broken = Image([layer(file("srv/secret", os.urandom(50_000))), layer(python_package("idna", "1.0"))])
        push(own, tmp_path, broken, "team/broken:1")
        push(own, tmp_path, OLD, "team/good:1")
        largest = max((path for path in (tmp_path / "data").rglob("data")), key=lambda path: path.stat().st_size)
        content = bytearray(largest.read_bytes())
        content[len(content) // 2] ^= 0xFF
        largest.write_bytes(content)

        made = client.post("/registries", {"spec": spec(own, tmp_path, "damaged"), "password": "sesame"}, expect=201)
        done = client.wait(f"/registries/{made['id']}", ended)
        assert (done["state"], done["images"]) == ("done", {"done": 1, "failed": 1})
        (failed,) = client.all(f"/registries/{made['id']}/images?state=failed")
        assert failed["repository"] == "team/broken"
        assert failed["why"]


def test_a_registry_that_was_down_is_read_when_it_is_back(client: Client, tmp_path: Path) -> None:
    certificate(tmp_path)
    with real_registry(tmp_path, HTPASSWD, tls=True) as own:
        push(own, tmp_path, OLD, "team/app:1")
        wanted = spec(own, tmp_path, "away")
    made = client.post("/registries", {"spec": wanted, "password": "sesame"}, expect=201)
    failed = client.wait(f"/registries/{made['id']}", ended)
    assert (failed["state"], failed["trouble"]["code"]) == ("failed", "registry.unreachable")
    with real_registry(tmp_path, HTPASSWD, tls=True, address=own.host):
        client.wait(f"/registries/{made['id']}", lambda found: found["state"] == "done", seconds=90)


def test_the_worker_may_die_and_what_it_read_goes_on(
    client: Client, platform: Platform, registry: RealRegistry, root: Path
) -> None:
    for number in range(6):
        image = Image([BASE, layer(python_package("package", f"1.{number}"))])
        push(registry, root, image, f"many/app:{number}")
    wanted = spec(registry, root, "many", repositories=["many/app"])
    made = client.post("/registries", {"spec": wanted, "password": "sesame"}, expect=201)
    path = f"/registries/{made['id']}"
    client.wait(path, lambda found: found["images"].get("done", 0) >= 1)
    platform.kill("worker")
    done = client.wait(path, lambda found: found["state"] == "done", seconds=180)
    assert done["images"] == {"done": 6}
    client.call("DELETE", path, if_match=f'"v{done["version"]}"', expect=204)
    assert "many/app" not in json.dumps(client.all("/images"))
