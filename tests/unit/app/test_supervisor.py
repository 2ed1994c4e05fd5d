"""Processes are started, restarted and stopped."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from hullguard.app.readiness import READY_FD_VARIABLE
from hullguard.app.supervisor import Part
from hullguard.model.errors import Unavailable

SERVING = (
    "import os, time, sys\n"
    f"os.write(int(os.environ['{READY_FD_VARIABLE}']), f'pid {{os.getpid()}}\\n'.encode())\n"
    f"os.close(int(os.environ['{READY_FD_VARIABLE}']))\n"
    "print('hello from the part', flush=True)\n"
    "time.sleep(60)\n"
)


def part(tmp_path: Path, code: str) -> Part:
    return Part("part", lambda: (sys.executable, "-c", code), tmp_path / "part.log", dict(os.environ))


async def eventually(holds, *, tries: int = 400) -> None:
    for _ in range(tries):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


async def test_a_part_says_when_it_serves_and_its_output_is_kept(tmp_path: Path) -> None:
    subject = part(tmp_path, SERVING)
    subject.start()

    assert await subject.ready(10) == f"pid {subject.pid}"
    await eventually(lambda: "hello from the part" in subject.last_words())
    await subject.stop()
    assert subject.pid is None


async def test_a_part_that_is_killed_is_started_again(tmp_path: Path) -> None:
    subject = part(tmp_path, SERVING)
    subject.start()
    await subject.ready(10)
    first = subject.pid

    os.kill(first, signal.SIGKILL)

    await eventually(lambda: subject.pid not in (None, first))
    assert subject.restarts == 1
    await subject.stop()


async def test_stopping_ends_the_process_and_does_not_restart_it(tmp_path: Path) -> None:
    subject = part(tmp_path, SERVING)
    subject.start()
    await subject.ready(10)
    process = subject.pid

    await subject.stop()

    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert subject.restarts == 0


async def test_a_part_that_ignores_the_request_to_stop_is_killed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("hullguard.app.supervisor.STOP_SECONDS", 0.2)
    subject = part(tmp_path, "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVING)
    subject.start()
    await subject.ready(10)

    await subject.stop()

    assert subject.pid is None


async def test_one_that_is_killed_while_another_process_holds_its_output_is_not_waited_for(
    tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr("hullguard.app.supervisor.STOP_SECONDS", 0.2)
    holder = tmp_path / "holder"
    subject = part(
        tmp_path,
        "import pathlib, signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"pathlib.Path({str(holder)!r}).write_text(str(subprocess.Popen(['sleep', '600']).pid))\n" + SERVING,
    )
    subject.start()
    await subject.ready(10)
    try:
        async with asyncio.timeout(30):
            await subject.stop()
        assert subject.pid is None
        os.kill(int(holder.read_text()), 0)
    finally:
        os.kill(int(holder.read_text()), signal.SIGKILL)


async def test_a_part_whose_request_is_wrong_is_reported_with_its_last_words(tmp_path: Path) -> None:
    subject = part(tmp_path, "import sys; print('no such port'); sys.exit(2)")
    subject.start()

    with pytest.raises(Unavailable, match="no such port"):
        await subject.ready(10)
    await subject.stop()


async def test_a_part_that_never_serves_is_reported(tmp_path: Path) -> None:
    subject = part(tmp_path, "import time; time.sleep(60)")
    subject.start()

    with pytest.raises(Unavailable, match="did not start within"):
        await subject.ready(0.3)
    await subject.stop()


async def test_a_part_dies_with_its_supervisor(tmp_path: Path) -> None:
    supervisor = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom hullguard.app.supervisor import Part\n"
        "async def main():\n"
        f"    part = Part('part', lambda: (sys.executable, '-c', {SERVING!r}), Path({str(tmp_path / 'x.log')!r}), dict(os.environ))\n"
        "    part.start()\n"
        "    print((await part.ready(10)).split()[1], flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        supervisor,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    child = int((await process.stdout.readline()).decode())

    process.kill()
    await process.wait()

    await eventually(lambda: not running(child))


def running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
