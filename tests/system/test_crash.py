"""Every process is killed with -9 while hundreds of observations are made: each is in the one incident exactly once."""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, docker, said
from tests.support.platform import Client, Platform, running_platform

from hullguard.detect import floods

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(600)]

# No more than an agent tells of one rule in one container within a minute, however slow this machine is.
OBSERVATIONS = floods.MOST
# Each reading is a process of its own with a number of its own, so a lost and a doubled one can be told apart.
# The last ones come when everything was killed.
ATTACK = (
    f"i=0; while [ $i -lt {OBSERVATIONS} ]; do i=$((i+1)); cat /etc/shadow /number-$i; sleep 0.05;"
    f" [ $i -lt {OBSERVATIONS - 20} ] || until [ -e /tmp/killed ]; do sleep 0.1; done; done"
)
VICTIMS = ("hostmgr", "ctrl", "worker", "watcher", "agent", "hostmgr")


def pid_of(platform: Platform, victim: str) -> int:
    """``agent`` is the launcher, ``watcher`` the launcher's child that reads the kernel's events."""
    if victim != "watcher":
        return platform.pid(victim)
    launcher = platform.pid("agent")
    return int(Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()[0])


def kill(platform: Platform, victim: str) -> int:
    """kill -9 as soon as it runs: it may just be starting again. The pid that died."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(LookupError, OSError):
            pid = pid_of(platform, victim)
            os.kill(pid, signal.SIGKILL)
            return pid
        time.sleep(0.1)
    raise AssertionError(f"no {victim} runs")


def settled(client: Client, container: str) -> dict:
    """The incident once no more of it comes: whatever comes twice, or late, has had its chance."""
    path = f"/incidents?rule=file.read-sensitive&container={container}"
    last, since = -1, time.monotonic()
    while time.monotonic() - since < (5 if last >= OBSERVATIONS else 60):
        total = sum(each["observations"] for each in client.get(path)["items"])
        if total != last:
            last, since = total, time.monotonic()
        time.sleep(0.2)
    (found,) = client.get(path)["items"]
    return client.get(f"/incidents/{found['id']}")


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
            for victim in VICTIMS:
                time.sleep(3)
                killed.append(kill(platform, victim))
            docker(docker_host, "exec", container, "touch", "/tmp/killed")
            assert len(set(killed)) == len(VICTIMS)
            attack.wait(timeout=300)
            incident = settled(client, container)
            ended = client.get("/incidents?rule=agent.ended")["items"]
            lost = [node["sensor"]["lost"] for node in client.get("/nodes")["items"]]
        finally:
            attack.kill()
            attack.wait()
            docker(docker_host, "rm", "-f", container, check=False)

        read = [step for step in incident["story"]["steps"] if step["rule"] == "file.read-sensitive"]
        assert [step["count"] for step in read] == [OBSERVATIONS], (lost, platform.logs())
        assert incident["observations"] >= OBSERVATIONS
        told = [each["details"]["pid"] for each in ended]
        assert told.count(str(killed[VICTIMS.index("watcher")])) == 1, ended
        assert client.get("/audit/verification")["ok"]
