"""An errand in a process of its own: heard, ended with its parent, and missed when it dies."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import affected, record
from tests.support.mirror import drips, serving

from hullguard.advisories.database import Advisories
from hullguard.advisories.errands import parent
from hullguard.advisories.errands.messages import DEFAULTS, Fetch, Load, Look
from hullguard.advisories.errands.parent import carried_out
from hullguard.model.advisory_update import AdvisoryProgress, AdvisorySettings

ONE = record("GHSA-1", affected("npm", "one", {"introduced": "0"}, kind="SEMVER"))
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
SECONDS = 60


def children(of: int) -> list[int]:
    """Processes that carry out errands for a process."""
    found = []
    for task in Path(f"/proc/{of}/task").iterdir():
        found += [int(pid) for pid in (task / "children").read_text().split() if _carries_out(pid)]
    return found


def _carries_out(pid: str) -> bool:
    return b"hullguard.advisories.errands.child" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


async def eventually(holds: Callable[[], object]) -> None:
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
        await asyncio.sleep(0.02)


async def test_the_progress_and_the_outcome_are_heard(tmp_path: Path) -> None:
    heard: list[AdvisoryProgress] = []
    file, database = tmp_path / "0123", tmp_path / "advisories.db"
    file.write_text(json.dumps(ONE))

    async def tell(progress: AdvisoryProgress) -> None:
        heard.append(progress)

    ended = await carried_out(Load(str(database), str(file), "records.json", ()), SECONDS, tell)

    assert (ended.fault, ended.imported) == (None, 1)
    assert heard[0] == AdvisoryProgress("reading", "records.json", size=file.stat().st_size)
    Advisories.open(database).close()
    assert children(os.getpid()) == []


async def test_the_progress_is_told_again_when_nothing_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parent, "_HEARTBEAT", 0.05)
    heard: list[AdvisoryProgress] = []
    enough = asyncio.Event()

    async def tell(progress: AdvisoryProgress) -> None:
        heard.append(progress)
        if heard.count(progress) >= 3:
            enough.set()

    with serving() as mirror:
        mirror.put("npm", ONE)
        mirror.faults["/npm/modified_id.csv"] = [drips(b"x", first=HEAD)]
        chosen = _settings(mirror.url)
        errand = asyncio.create_task(carried_out(Fetch(str(tmp_path / "db"), chosen), SECONDS, tell))
        await asyncio.wait_for(enough.wait(), SECONDS)
        errand.cancel()
        await asyncio.gather(errand, return_exceptions=True)

    assert children(os.getpid()) == []


async def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    with serving() as mirror:
        mirror.put("npm", ONE)
        mirror.faults["/npm/modified_id.csv"] = [drips(b"x", first=HEAD)]

        ended = await carried_out(Fetch(str(tmp_path / "db"), _settings(mirror.url)), 3.0)

    assert ended.code == "advisories.too-long"
    assert children(os.getpid()) == []


async def test_a_process_that_is_killed_is_said(tmp_path: Path) -> None:
    with serving() as mirror:
        mirror.put("npm", ONE)
        mirror.faults["/npm/modified_id.csv"] = [drips(b"x", first=HEAD)]
        errand = asyncio.create_task(carried_out(Fetch(str(tmp_path / "db"), _settings(mirror.url)), SECONDS))
        await eventually(lambda: mirror.asked)
        (child,) = children(os.getpid())
        os.kill(child, signal.SIGKILL)
        ended = await errand

    assert ended.code == "advisories.process-died"
    assert ended.fault is not None
    assert "SIGKILL" in ended.fault
    assert not (tmp_path / "db").exists()


async def test_it_ends_with_the_process_that_wants_it(tmp_path: Path) -> None:
    """A worker that is killed leaves nobody behind who builds a database that another one builds too."""
    program = (
        "import asyncio, sys; from hullguard.advisories.errands import messages, parent; import msgspec;"
        "errand = msgspec.json.decode(sys.argv[1], type=messages.Errand);"
        "asyncio.run(parent.carried_out(errand, 60))"
    )
    with serving() as mirror:
        mirror.put("npm", ONE)
        mirror.faults["/npm/modified_id.csv"] = [drips(b"x", first=HEAD)]
        errand = msgspec.json.encode(Fetch(str(tmp_path / "db"), _settings(mirror.url))).decode()
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen([sys.executable, "-c", program, errand], env=environment) as worker:
            await eventually(lambda: mirror.asked)
            (child,) = children(worker.pid)
            worker.kill()
            worker.wait()
            await eventually(lambda: _gone(child))


async def test_a_look_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "0123"
    file.write_text("no advisory")

    ended = await carried_out(Look(str(file), "notes.txt", ()), SECONDS)

    assert ended.code == "advisories.strange"
    assert [one.name for one in tmp_path.iterdir()] == ["0123"]


def _settings(url: str) -> AdvisorySettings:
    return msgspec.structs.replace(DEFAULTS, mirror=url, kev="", epss="", ecosystems=("npm",))


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


async def test_one_whose_pipe_another_process_holds_does_not_keep_who_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = tmp_path / "holder"
    (tmp_path / "leaves_one_behind.py").write_text(
        "import pathlib, subprocess, time\n"
        f"pathlib.Path({str(holder)!r}).write_text(str(subprocess.Popen(['sleep', '600']).pid))\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    monkeypatch.setattr(parent, "_MODULE", "leaves_one_behind")
    errand = asyncio.create_task(carried_out(Look("a", "b", ()), 600))
    await eventually(lambda: holder.exists() and holder.read_text())
    errand.cancel()
    try:
        done, _ = await asyncio.wait({errand}, timeout=SECONDS)
        assert done
    finally:
        os.kill(int(holder.read_text()), signal.SIGKILL)
    with pytest.raises(asyncio.CancelledError):
        await errand
