"""The parts one by one, as a service manager runs them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
from tests.support.platform import PASSWORD, Client

ENVIRON = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def hullguard(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hullguard", *arguments]


def until(holds) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def test_parts_that_run_alone_make_a_platform(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    made = subprocess.run(hullguard("admin", "init", *data), check=True, capture_output=True, text=True, env=ENVIRON)
    password = made.stdout.split()[-1]
    again = subprocess.run(hullguard("admin", "init", *data), check=True, capture_output=True, text=True, env=ENVIRON)
    assert "password" not in again.stdout

    free = ("--listen", "127.0.0.1:0")
    reader, writer = os.pipe()
    running = [
        subprocess.Popen(
            hullguard("serve", *part, *data),
            env={**ENVIRON, "HULLGUARD_READY_FD": str(writer)} if part[0] == "ctrl" else ENVIRON,
            pass_fds=(writer,) if part[0] == "ctrl" else (),
            stderr=subprocess.PIPE,
            text=True,
        )
        for part in (("cache",), ("hostmgr", *free), ("worker",), ("ctrl", *free))
    ]
    os.close(writer)
    try:
        with os.fdopen(reader) as said:
            url = f"http://{said.readline().strip()}"
        until(lambda: answers(url))
        client = Client(url)
        client.sign_in("admin", password)
        client.put("/sessions/current/password", {"old": password, "new": PASSWORD})
        client.sign_in("admin", PASSWORD)
        assert client.get("/overview")["nodes"]["total"] == 0
        assert [policy["spec"]["name"] for policy in client.get("/policies")["items"]] == ["default"]
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        ends = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0, 0], ends
