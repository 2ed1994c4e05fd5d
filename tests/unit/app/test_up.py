"""What is written of the running platform stays true while its parts come and go."""

import os
import signal
import sys

import msgspec
import pytest
from tests.unit.app.test_supervisor import eventually

from hullguard.app import supervisor, up
from hullguard.app.readiness import READY_FD_VARIABLE
from hullguard.app.settings import Address, Layout
from hullguard.app.up import Endpoints, UpOptions, _Group

SERVING = (
    "import os, time\n"
    f"ready = int(os.environ['{READY_FD_VARIABLE}'])\n"
    "os.write(ready, b'127.0.0.1:4711\\n'); os.close(ready)\n"
    "time.sleep(60)\n"
)


@pytest.fixture
def group(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> _Group:
    monkeypatch.setattr(up, "own_command", lambda *_: (sys.executable, "-c", SERVING))
    monkeypatch.setattr(supervisor, "FIRST_PAUSE", 0.05)
    return _Group(UpOptions(layout, Address("127.0.0.1", 0), Address("127.0.0.1", 0)), lambda _: None)


def written(layout: Layout) -> Endpoints:
    return msgspec.json.decode(layout.endpoints.read_bytes(), type=Endpoints)


async def test_the_process_that_takes_the_place_of_one_that_died_is_the_one_that_is_named(
    group: _Group, layout: Layout
) -> None:
    await group.start_servers()
    try:
        first = written(layout)
        assert first.console == "http://127.0.0.1:4711"
        assert sorted(first.pids) == ["ctrl", "hostmgr", "worker"]

        os.kill(first.pids["worker"], signal.SIGKILL)
        await eventually(lambda: written(layout).pids.get("worker", first.pids["worker"]) != first.pids["worker"])
        os.kill(written(layout).pids["worker"], 0)
        assert {**written(layout).pids, "worker": 0} == {**first.pids, "worker": 0}
    finally:
        await group.stop()


async def test_a_disk_that_is_full_ends_nothing_that_runs(group: _Group, layout: Layout) -> None:
    await group.start_servers()
    try:
        first = written(layout).pids["worker"]
        layout.endpoints.with_suffix(".new").mkdir()
        os.kill(first, signal.SIGKILL)
        worker = next(part for part in group._parts if part.name == "worker")
        await eventually(lambda: worker.pid not in (None, first))
        assert written(layout).pids["worker"] == first
    finally:
        await group.stop()
