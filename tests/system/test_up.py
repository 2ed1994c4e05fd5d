"""``hullguard up`` as a person meets it: starting, starting twice, a part that dies, stopping."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from tests.support.platform import PASSWORD, Client, running_platform


def hullguard(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hullguard", *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environ},
    )


def until(holds, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_it_says_what_it_does_and_serves_the_console_and_the_api(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        said = "\n".join(platform.lines)
        assert "hostmgr:" in said
        assert "worker:" in said
        assert "ctrl:" in said
        assert platform.one_time_password
        page = httpx.get(platform.url, trust_env=False)
        client = platform.client()

        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert client.get("/overview")["nodes"]["total"] == 0

        assert platform.stop() == 0
        assert platform.lines[-1] == "Stopped."


def test_the_one_time_password_opens_nothing_but_its_own_change(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        client = Client(platform.url)
        client.sign_in("admin", platform.one_time_password)

        problem = client.call("GET", "/nodes", expect=403)

        assert problem["code"] == "password-change-required"


def test_a_second_start_on_the_same_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        second = hullguard("up", "--data", str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--agents", "127.0.0.1:0")

        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert f"already runs on {tmp_path / 'data'} (process {platform.process.pid})" in second.stderr
        assert platform.client().get("/overview")


def test_a_second_life_keeps_users_and_prints_no_password(tmp_path: Path) -> None:
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        platform.client()
    with running_platform(tmp_path / "data", "--no-agent") as again:
        assert again.one_time_password is None
        client = Client(again.url)
        client.sign_in("admin", PASSWORD)
        assert client.get("/sessions/current")["user"]["name"] == "admin"


@pytest.mark.parametrize("part", ["ctrl", "hostmgr", "worker"])
def test_a_part_that_dies_comes_back_where_it_was(tmp_path: Path, part: str) -> None:
    with running_platform(tmp_path / "data", "--no-agent") as platform:
        client = platform.client()
        dead = platform.kill(part)

        def back() -> bool:
            try:
                return platform.pid(part) != dead and client.http.get("/readyz").status_code == 200
            except (LookupError, httpx.TransportError):
                return False

        until(back)
        assert client.get("/sessions/current")["user"]["name"] == "admin"


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with running_platform(tmp_path / "one", "--no-agent") as platform:
        taken = platform.url.removeprefix("http://")
        second = hullguard(
            "up", "--data", str(tmp_path / "two"), "--listen", taken, "--agents", "127.0.0.1:0", "--no-agent"
        )

        assert second.returncode == 3
        assert "Traceback" not in second.stderr + second.stdout
        assert taken in second.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("up", "--nonsense"), "No such option"),
        (("up", "--listen", "nowhere"), "--listen must be HOST:PORT"),
        (("scan",), "Missing argument"),
        (("scan", "/does/not/exist.tar"), "/does/not/exist.tar"),
        (("frobnicate",), "No such command"),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = hullguard(*arguments, XDG_DATA_HOME=str(tmp_path), HOME=str(tmp_path))

    assert done.returncode == 2, done.stderr
    assert says in done.stderr
    assert done.stderr.strip().count("\n") == 0
