"""Every process is killed with -9 while a thousand incidents are being produced: each is stored exactly once."""

import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, docker, said
from tests.support.platform import Client, Platform, running_platform

pytestmark = [pytest.mark.docker, pytest.mark.bpf, pytest.mark.timeout(600)]

INCIDENTS = 1000
# Each reading is a process of its own with a number of its own, so a lost and a doubled one can be told apart.
ATTACK = f"i=0; while [ $i -lt {INCIDENTS} ]; do i=$((i+1)); cat /etc/shadow /number-$i; sleep 0.02; done"
VICTIMS = ("hostmgr", "ctrl", "worker", "watcher", "agent", "hostmgr")


def kill(platform: Platform, victim: str) -> int:
    """kill -9; ``agent`` is the launcher, ``watcher`` the launcher's child that reads the kernel's events."""
    if victim != "watcher":
        return platform.kill(victim)
    launcher = platform.pid("agent")
    child = int(Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()[0])
    os.kill(child, signal.SIGKILL)
    return child


def settled(client: Client, container: str) -> list[dict]:
    """The incidents once no more of them come: whatever comes twice, or late, has had its chance."""
    path = f"/incidents?rule=file.read-sensitive&container={container}"
    last, since = -1, time.monotonic()
    while time.monotonic() - since < (5 if last >= INCIDENTS else 60):
        total = client.get(f"{path}&limit=1")["total"]
        if total != last:
            last, since = total, time.monotonic()
        time.sleep(0.2)
    return client.all(path)


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
            for victim in VICTIMS:
                time.sleep(3)
                assert attack.poll() is None, "the attack ended before everything was killed"
                killed.append(kill(platform, victim))
            assert len(set(killed)) == len(VICTIMS)
            attack.wait(timeout=300)
            incidents = settled(client, container)
            ended = client.get("/incidents?rule=agent.ended")["items"]
            lost = [node["sensor"]["lost"] for node in client.get("/nodes")["items"]]
        finally:
            attack.kill()
            attack.wait()
            docker(docker_host, "rm", "-f", container, check=False)

        seen = Counter(number(incident) for incident in incidents)
        missing = {f"/number-{i}" for i in range(1, INCIDENTS + 1)} - seen.keys()
        assert missing == set(), (missing, lost, platform.logs())
        assert [item for item, times in seen.items() if times != 1] == []
        assert len(incidents) == INCIDENTS
        told = [each["details"]["pid"] for each in ended]
        assert told.count(str(killed[VICTIMS.index("watcher")])) == 1, ended
        assert client.get("/audit/verification")["ok"]
