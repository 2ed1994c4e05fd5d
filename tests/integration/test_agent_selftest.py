"""``hullguard agent selftest`` as a person runs it: with an agent and without one, and nothing is left of it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.docker import docker, said
from tests.support.platform import running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

RULES = ("container.drop-and-execute", "escape.core-pattern", "execution.hidden-program")
ASKED = tuple(word for rule in RULES for word in ("--rule", rule))


def start(*words: str, language: str = "en") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hullguard", "agent", "selftest", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HULLGUARD_LANG": language},
    )


def selftest(*words: str, language: str = "en") -> tuple[int, str, str]:
    process = start(*words, language=language)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def left(docker_host: str) -> list[str]:
    """Containers and images of self-tests."""
    containers = said(docker_host, "ps", "-aq", "--filter", "label=io.hullguard.selftest")
    return [*containers.split(), *said(docker_host, "images", "-q", "hullguard-selftest/*").split()]


def fired(document: dict[str, Any]) -> dict[str, str]:
    return {one["rule"]: one["verdict"] for one in document["rules"]}


def test_without_an_agent_a_sensor_hears_for_the_time(docker_host: str, tmp_path: Path) -> None:
    where = ("--docker-host", docker_host, "--state", str(tmp_path))
    code, out, err = selftest(*where, *ASKED, "-f", "json")

    if "BPF" in err or "not permitted" in err:
        pytest.skip(err)
    assert code == 0, out + err
    assert fired(json.loads(out)) == dict.fromkeys(RULES, "fired")
    assert json.loads(out)["agent"] is False
    assert left(docker_host) == []
    assert list(tmp_path.iterdir()) == []


def test_a_running_agent_hears_and_the_platform_is_not_alarmed(docker_host: str, tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", environ={"DOCKER_HOST": docker_host}) as platform:
        client = platform.client()
        client.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
        state = str(tmp_path / "data" / "agent")
        code, out, err = selftest("--docker-host", docker_host, "--state", state, *ASKED, language="zh")
        path = "/incidents?rule=escape.core-pattern&status=ignored"
        found = client.wait(path, lambda page: page["items"])["items"]

    assert code == 0, out + err
    assert "已触发 3，未触发 0，未测试 0；监听者：运行中的 Agent" in out
    assert [one["self_test"] for one in found] == [True]
    assert left(docker_host) == []


@pytest.mark.parametrize("ended", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_by_one_that_is_ended(docker_host: str, tmp_path: Path, ended: signal.Signals) -> None:
    process = start("--docker-host", docker_host, "--state", str(tmp_path), "--rule", "container.host-files")
    deadline = time.monotonic() + 300
    while not left(docker_host) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(ended)
    out, err = process.communicate(timeout=300)

    assert process.returncode in {130, 0, 3}, out + err
    assert "Traceback" not in err
    assert left(docker_host) == []


def test_what_is_missing_is_said(docker_host: str, tmp_path: Path) -> None:
    state = ("--state", str(tmp_path))
    code, _, err = selftest("--docker-host", f"unix://{tmp_path}/none.sock", *state)
    assert code == 3
    assert "A container engine is needed" in err

    code, _, err = selftest("--docker-host", docker_host, *state, "--rule", "no.such")
    assert code == 2
    assert "no.such" in err

    code, _, err = selftest("--docker-host", docker_host, *state, "--image", "no/such:image")
    assert code == 3
    assert "it is not pulled" in err
    assert docker(docker_host, "images", "-q", "no/such").stdout == b""
