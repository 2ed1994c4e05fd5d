"""The settings are shortened from those that Docker 20.10 keeps of a step of ``docker build`` and of ``docker run``."""

import json
from pathlib import Path

import pytest

from hullguard.agent.sensor import builds
from hullguard.agent.sensor.builds import builds_image, ended_step

ID = "ab" * 32
DIGEST = f"sha256:{'cd' * 32}"
STEP_HOST = {
    "Binds": None,
    "LogConfig": {"Type": "none", "Config": {}},
    "NetworkMode": "default",
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
    "AutoRemove": False,
    "Privileged": False,
}
STEP = {
    "ID": ID,
    "Image": DIGEST,
    "Config": {
        "Cmd": ["/bin/sh", "-c", "echo hi > /etc/x"],
        "Healthcheck": {"Test": ["NONE"]},
        "Image": DIGEST,
        "Labels": {},
    },
}
LOGGED = {"LogConfig": {"Type": "json-file", "Config": {}}}


def kept(tmp_path: Path, host: object = STEP_HOST, container: object = STEP) -> list[str]:
    """What the daemon has of the container; the sources of its mounts."""
    directory = tmp_path / "containers" / ID
    directory.mkdir(parents=True)
    (directory / "hostconfig.json").write_text(json.dumps(host))
    (directory / "config.v2.json").write_text(json.dumps(container))
    return ["proc", str(directory / "resolv.conf"), str(directory / "hostname")]


def test_a_step_of_a_build(tmp_path: Path):
    assert builds_image(ID, kept(tmp_path)) is True


def test_a_younger_daemon_writes_the_restart_policy_out(tmp_path: Path):
    assert builds_image(ID, kept(tmp_path, STEP_HOST | {"RestartPolicy": {"Name": "no"}})) is True


@pytest.mark.parametrize(
    "host",
    [
        LOGGED,
        {"RestartPolicy": {"Name": "always"}},
        {"Binds": ["/:/host"]},
        {"Mounts": [{"Type": "bind", "Source": "/", "Target": "/host"}]},
        {"Privileged": True},
    ],
)
def test_what_no_step_has(tmp_path: Path, host: dict[str, object]):
    assert builds_image(ID, kept(tmp_path, STEP_HOST | host)) is False


@pytest.mark.parametrize(
    "config",
    [
        {"Image": "debian:12"},
        {"Image": f"debian@{DIGEST}"},
        {"Image": DIGEST[:-1]},
        {"Healthcheck": None},
        {"Healthcheck": {"Test": ["CMD", "true"]}},
    ],
)
def test_what_no_steps_image_has(tmp_path: Path, config: dict[str, object]):
    container = STEP | {"Config": STEP["Config"] | config}  # type: ignore[operator]

    assert builds_image(ID, kept(tmp_path, container=container)) is False


def test_an_images_labels_prove_nothing(tmp_path: Path):
    labels = {"com.docker.build": "1", "builder": "docker"}
    container = STEP | {"Config": {"Image": "evil:1", "Labels": labels}}

    assert builds_image(ID, kept(tmp_path, STEP_HOST | LOGGED, container)) is False


def test_another_containers_settings_prove_nothing(tmp_path: Path):
    assert builds_image(ID, kept(tmp_path, container=STEP | {"ID": "ef" * 32})) is False


def test_a_directory_of_that_name_elsewhere_is_not_the_daemons(tmp_path: Path):
    elsewhere = tmp_path / "shared" / ID
    elsewhere.parent.mkdir()
    Path(kept(tmp_path)[1]).parent.rename(elsewhere)

    assert builds_image(ID, [str(elsewhere / "hostname")]) is None


def test_a_step_that_has_ended_is_known_by_what_the_daemon_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(builds, "CONTAINERS", tmp_path / "containers")
    assert not ended_step(ID)

    kept(tmp_path)
    assert ended_step(ID)
    assert not ended_step("ef" * 32)
    (tmp_path / "containers" / ID / "hostconfig.json").write_text(json.dumps(STEP_HOST | LOGGED))
    assert not ended_step(ID)


def test_without_dockers_files_nobody_knows(tmp_path: Path):
    assert builds_image(ID, [str(tmp_path / "containers" / ID / "hostname")]) is None
    assert builds_image(ID, ["proc", "tmpfs", ""]) is None
    assert builds_image(ID, []) is None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff", b"[]", b'{"LogConfig": 1}', b'{"LogConfig": null}', b"[" * 100_000, b" " * ((1 << 20) + 1)],
)
@pytest.mark.parametrize("name", ["hostconfig.json", "config.v2.json"])
def test_what_cannot_be_read_is_not_guessed(tmp_path: Path, name: str, content: bytes):
    mounted = kept(tmp_path)
    (Path(mounted[1]).parent / name).write_bytes(content)

    assert builds_image(ID, mounted) in {None, False}
