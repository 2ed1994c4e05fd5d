"""A program ends with the block that started it, and whoever leaves the block does not wait for ever."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hullguard.net import programs
from hullguard.net.programs import running

HOLDS = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True); import time; time.sleep(600)"


async def test_one_that_nobody_reads_on_is_ended_all_the_same() -> None:
    """Whose pipe is full has not ended to asyncio, not even when it was killed."""
    async with asyncio.timeout(60):
        async with running("cat", "/dev/zero") as process:
            assert process.stdout is not None
            await process.stdout.readexactly(1)
            while process.stdout._transport.is_reading():  # type: ignore[attr-defined]  # until its buffer is full
                await asyncio.sleep(0.01)
        assert process.returncode is not None
    assert not _alive(process.pid)


async def test_one_whose_pipe_another_process_holds_is_ended_all_the_same() -> None:
    async with asyncio.timeout(60):
        async with running(sys.executable, "-c", HOLDS) as process:
            assert process.stdout is not None
            holder = int(await process.stdout.readline())
        assert process.returncode is not None
    try:
        assert not _alive(process.pid)
        assert _alive(holder)
    finally:
        os.kill(holder, signal.SIGKILL)


async def test_one_that_the_kernel_keeps_is_left_to_it_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that waits for a disk which does not answer: no signal ends it."""
    monkeypatch.setattr(programs, "END_SECONDS", 0.2)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda _: None)
    with capture_logs() as said:
        async with asyncio.timeout(60):
            async with running("sleep", "600") as process:
                pass
    assert _alive(process.pid)
    assert [(line["event"], line["pid"]) for line in said] == [("a process that was killed has not ended", process.pid)]
    os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
