"""Every process is killed with -9 while a thousand incidents are being produced: each is stored exactly once."""

import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, docker, said
from tests.support.platform import Platform, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(600)]

INCIDENTS = 1000
# Each reading is a process of its own with a number of its own, so a lost and a doubled one can be told apart.
ATTACK = f"i=0; while [ $i -lt {INCIDENTS} ]; do i=$((i+1)); cat /etc/shadow /number-$i; sleep 0.02; done"


def agents_own_child(platform: Platform) -> int:
    """The process that watches: the child of the launcher that ``up`` started."""
    launcher = platform.pid("agent")
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return int(children[0])


def number(incident: dict) -> str:
    return incident["lineage"][-1]["args"][-1]


def test_nothing_is_lost_and_nothing_is_stored_twice(tmp_path: Path, docker_host: str) -> None:
    with running_platform(tmp_path / "data", environ={"DOCKER_HOST": docker_host}) as platform:
        client = platform.client()
        client.wait("/nodes", lambda page: [node["state"] for node in page["items"]] == ["protected"])
        container = said(docker_host, "run", "-d", "--network", "none", IMAGE, "sleep", "600")
        attack = subprocess.Popen(
            ["docker", "--host", docker_host, "exec", container, "sh", "-c", ATTACK],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            killed = []
            for part in ("hostmgr", "ctrl", "worker", "agent", "launcher", "hostmgr"):
                time.sleep(3)
                assert attack.poll() is None, "the attack ended before everything was killed"
                killed.append(
                    platform.kill("agent" if part == "launcher" else part) if part != "agent" else _kill_child(platform)
                )
            assert len(set(killed)) == 6
            attack.wait(timeout=300)
            client.wait(
                "/incidents?rule=file.read-sensitive&limit=1", lambda page: page["total"] >= INCIDENTS, seconds=120
            )
            time.sleep(3)  # whatever would come twice has had its chance
            incidents = client.all(f"/incidents?rule=file.read-sensitive&container={container}")
        finally:
            attack.kill()
            attack.wait()
            docker(docker_host, "rm", "-f", container, check=False)

        seen = Counter(number(incident) for incident in incidents)
        assert {f"/number-{i}" for i in range(1, INCIDENTS + 1)} - seen.keys() == set()
        assert [item for item, times in seen.items() if times != 1] == []
        assert len(incidents) == INCIDENTS
        assert client.get("/audit/verification")["ok"]


def _kill_child(platform: Platform) -> int:
    import os
    import signal

    child = agents_own_child(platform)
    os.kill(child, signal.SIGKILL)
    return child
