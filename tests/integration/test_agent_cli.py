"""`hullguard agent …` as a person or a service manager calls it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.support.agents import NO_DOCKER, child_environment, come_true
from tests.support.fleet import Hostmgr, hostmgr

from hullguard.agent import alone
from hullguard.model.errors import Conflict, Unavailable

__all__ = ["child_environment", "hostmgr"]


async def call(environment: dict[str, str], *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "hullguard", "agent", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


async def test_from_the_token_to_a_running_agent(hostmgr: Hostmgr, child_environment, tmp_path: Path):
    state = ("--state", str(tmp_path / "agent"))
    url = f"wss://127.0.0.1:{hostmgr.port}"
    code, text, _ = await call(
        child_environment, "enrol", "--server", url, "--token", "-", *state, stdin=f"{await hostmgr.token()}\n"
    )
    assert code == 0
    assert text.startswith("enrolled as node ")

    code, text, complaint = await call(child_environment, "status", *state)
    assert code == 3
    assert "not running" in text
    assert "agent run" in complaint

    # As `up` does: a pipe on which the agent says that it is connected.
    reader, writer = os.pipe()
    running = subprocess.Popen(
        [sys.executable, "-m", "hullguard", "agent", "run", "--no-sensor", "--docker-host", NO_DOCKER, *state],
        env={**child_environment, "HULLGUARD_READY_FD": str(writer)},
        pass_fds=(writer,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        line = await asyncio.wait_for(asyncio.to_thread(os.read, reader, 100), 60)
        assert line == b"this machine is connected\n"
        words = Path(f"/proc/{running.pid}/cmdline").read_bytes().split(b"\0")
        assert b"hullguard.agent.update.launcher" in words

        async def connected() -> bool:
            return (await call(child_environment, "status", *state))[0] == 0

        await come_true(connected)
        code, text, _ = await call(child_environment, "status", "--json", *state)
        seen = msgspec.json.decode(text)
        assert seen["running"]
        assert [reason["code"] for reason in seen["last"]["heartbeat"]["sensor"]["reasons"]] == ["sensor.disabled"]
    finally:
        os.close(reader)
        running.terminate()
        assert await asyncio.to_thread(running.wait, 30) == 0


async def test_a_second_agent_refuses_whatever_its_directory(hostmgr: Hostmgr, child_environment, tmp_path: Path):
    state, url = ("--state", str(tmp_path / "second")), f"wss://127.0.0.1:{hostmgr.port}"
    code, _, _ = await call(child_environment, "enrol", "--server", url, "--token", await hostmgr.token(), *state)
    assert code == 0
    del child_environment["HULLGUARD_AGENT_BESIDE"]
    with contextlib.ExitStack() as first:
        try:
            first.callback(os.close, alone.claim(0))
        except Unavailable as why:
            pytest.skip(f"BPF is not permitted here: {why}")
        except Conflict:
            pass  # this machine has an agent, which is as good

        code, _, complaint = await call(child_environment, "run", "--no-sensor", *state)
        assert code == 2
        assert "Another agent runs on this machine: process " in complaint
        assert len(complaint.strip().splitlines()) == 1
        code, _, complaint = await call({**child_environment, "HULLGUARD_LANG": "zh"}, "run", "--no-sensor", *state)
        assert code == 2
        assert "本机已有另一个 Agent 在运行" in complaint
        code, text, _ = await call(child_environment, "doctor", "--docker-host", NO_DOCKER, *state)
        assert "NOT OK   alone" in text


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("enrol", "--server", "wss://h:1", "--token", "nonsense"), "not an enrolment token"),
        (("enrol", "--server", "not a url", "--token", "x"), "no address of a hostmgr"),
        (("enrol", "--server", "wss://h:1"), "--token"),
        (("run",), "agent enrol"),
        (("run", "--docker-host", "ssh://elsewhere"), "unix:///path or tcp://host:port"),
        (("status",), "agent enrol"),
        (("frobnicate",), "frobnicate"),
    ],
)
async def test_a_wrong_request_is_one_line_and_2(child_environment, tmp_path, arguments, sentence):
    state = () if arguments[0] == "frobnicate" else ("--state", str(tmp_path / "agent"))
    code, _, complaint = await call(child_environment, *arguments, *state)
    assert code == 2
    assert sentence in complaint
    assert len(complaint.strip().splitlines()) == 1


async def test_a_server_that_is_not_there_is_3(hostmgr: Hostmgr, child_environment, tmp_path):
    token, url = await hostmgr.token(), f"wss://127.0.0.1:{hostmgr.port}"
    await hostmgr.stop()
    state = str(tmp_path / "agent")
    code, _, complaint = await call(child_environment, "enrol", "--server", url, "--token", token, "--state", state)
    assert code == 3
    assert url in complaint
    assert len(complaint.strip().splitlines()) == 1


async def test_the_doctor_says_what_is_missing(child_environment, tmp_path):
    code, text, _ = await call(
        child_environment, "doctor", "--state", str(tmp_path / "agent"), "--docker-host", NO_DOCKER
    )
    assert code == 3
    assert "NOT OK   docker" in text
    assert "NOT OK   enrolled" in text
