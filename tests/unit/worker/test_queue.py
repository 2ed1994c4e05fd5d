"""Workers and the queue: each job once among several of them, and again only when its holder died."""

import asyncio
import inspect
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.database import SCOPE, Clock
from tests.support.fleet import eventually
from tests.support.workers import files as make_files

from hullguard.cache import MemoryCache
from hullguard.model.errors import NotFound, Unavailable
from hullguard.model.identity import Scope
from hullguard.storage import Storage, Transaction
from hullguard.storage.stores import Jobs
from hullguard.worker import run as worker
from hullguard.worker.context import Context
from hullguard.worker.lanes import Lane
from hullguard.worker.run import work


class Probe:
    """A kind of job that notes who it was done for and does what the test says."""

    kind = "probe"
    every_seconds = None
    lease_seconds = 60.0

    def __init__(self) -> None:
        self.started: list[str] = []
        self.done: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.error: BaseException | None = None

    async def run(self, context: Context, key: str) -> None:
        self.started.append(key)
        await self.go.wait()
        if self.error is not None:
            raise self.error
        self.done.append(key)


@pytest.fixture
def probe(monkeypatch) -> Probe:
    made = Probe()
    monkeypatch.setattr(worker, "LANES", (Lane((made,)),))
    return made


@asynccontextmanager
async def working(storage: Storage, cache: MemoryCache, directory: Path, workers: int = 1) -> AsyncIterator["Shift"]:
    shift = Shift()
    files = make_files(directory)
    for _ in range(workers):
        ready = asyncio.Event()
        shift.tasks.append(asyncio.create_task(work(storage, cache, files, shift.stop, ready=ready.set)))
        await asyncio.wait_for(ready.wait(), 20)
    try:
        yield shift
    finally:
        shift.stop.set()
        await asyncio.wait_for(asyncio.gather(*shift.tasks, return_exceptions=True), 20)


class Shift:
    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []


async def enqueue(storage: Storage, cache: MemoryCache, *keys: str) -> None:
    async with storage.transaction(SCOPE) as tx:
        for key in keys:
            await Jobs(tx).enqueue("probe", key)
    await cache.publish("jobs", b"probe")


async def take(storage: Storage, seconds: float = 60):
    async with storage.transaction(SCOPE) as tx:
        return await Jobs(tx).take({"probe"}, seconds)


async def test_several_workers_do_every_job_and_none_twice(storage, probe, tmp_path):
    cache, keys = MemoryCache(), [f"image-{number:02}" for number in range(30)]
    async with working(storage, cache, tmp_path, workers=3):
        await enqueue(storage, cache, *keys)
        await eventually(lambda: len(probe.done) >= len(keys))
    assert sorted(probe.done) == keys
    assert await take(storage) is None


async def test_a_worker_that_is_busy_leaves_the_next_job_to_another(storage, probe, tmp_path):
    cache = MemoryCache()
    probe.go.clear()
    async with working(storage, cache, tmp_path, workers=2):
        await enqueue(storage, cache, "a", "b", "c")
        await eventually(lambda: len(probe.started) == 2)
        assert sorted(probe.started) == ["a", "b"]
        probe.go.set()
        await eventually(lambda: len(probe.done) == 3)


async def test_a_stop_lets_the_job_under_way_finish_and_begins_no_other(storage, probe, tmp_path):
    cache = MemoryCache()
    probe.go.clear()
    async with working(storage, cache, tmp_path) as shift:
        await enqueue(storage, cache, "a", "b")
        await eventually(lambda: probe.started)
        shift.stop.set()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not shift.tasks[0].done()
        probe.go.set()
        await asyncio.wait_for(shift.tasks[0], 20)
    assert probe.started == probe.done == ["a"]
    left = await take(storage)
    assert left is not None
    assert (left.key, left.attempts) == ("b", 1)


async def test_a_job_whose_worker_died_is_done_by_another_when_its_lease_ends(storage, clock: Clock, probe, tmp_path):
    cache = MemoryCache()
    probe.go.clear()
    async with working(storage, cache, tmp_path) as shift:
        await enqueue(storage, cache, "a")
        await eventually(lambda: probe.started)
        shift.tasks[0].cancel()
        await asyncio.gather(*shift.tasks, return_exceptions=True)
    assert await take(storage) is None, "nobody else gets it while the lease lasts"

    probe.go.set()
    clock.forward(seconds=61)
    async with working(storage, cache, tmp_path):
        await eventually(lambda: probe.done)
    assert (probe.started, probe.done) == (["a", "a"], ["a"])
    clock.forward(days=1)
    assert await take(storage) is None


async def test_a_worker_that_comes_late_does_not_end_the_job_of_the_one_after_it(
    storage, clock: Clock, probe, tmp_path
):
    cache = MemoryCache()
    probe.go.clear()
    async with working(storage, cache, tmp_path):
        await enqueue(storage, cache, "a")
        await eventually(lambda: probe.started)
        clock.forward(seconds=61)
        second = await take(storage)
        assert second is not None
        assert second.attempts == 2
        probe.go.set()
        await eventually(lambda: probe.done)
    async with storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).done(second), "it still holds its lease"


@pytest.mark.parametrize(
    "error", [Unavailable("later"), ZeroDivisionError("ours"), OSError(5, "disk"), RecursionError()]
)
async def test_a_job_that_fails_is_tried_again_after_a_pause_and_stops_nobody(storage, clock, probe, tmp_path, error):
    cache = MemoryCache()
    probe.error = error
    async with working(storage, cache, tmp_path):
        await enqueue(storage, cache, "a")
        await eventually(lambda: probe.started)
        probe.error = None
        await enqueue(storage, cache, "b")
        await eventually(lambda: probe.done == ["b"])
        clock.forward(seconds=11)
        await cache.publish("jobs", b"probe")
        await eventually(lambda: probe.done == ["b", "a"])


async def test_a_job_that_never_succeeds_is_given_up(storage, clock, probe, tmp_path):
    cache = MemoryCache()
    probe.error = Unavailable("never")
    async with working(storage, cache, tmp_path):
        await enqueue(storage, cache, "a")
        for tries in range(1, 9):
            await eventually(lambda wanted=tries: len(probe.started) == wanted)
            await asyncio.sleep(0.02)  # until its failure is stored
            clock.forward(hours=2)
            await cache.publish("jobs", b"probe")
        await enqueue(storage, cache, "after")
        await eventually(lambda: "after" in probe.started)
    assert probe.started.count("a") == 8


async def test_what_a_job_was_about_may_be_gone(storage, clock, probe, tmp_path):
    cache = MemoryCache()
    probe.error = NotFound("no such image")
    async with working(storage, cache, tmp_path):
        await enqueue(storage, cache, "a")
        await eventually(lambda: probe.started)
    clock.forward(days=1)
    assert await take(storage) is None


async def test_a_kind_of_a_younger_version_is_left_for_its_workers(storage, probe, tmp_path):
    cache = MemoryCache()
    async with storage.transaction(SCOPE) as tx:
        await Jobs(tx).enqueue("from-the-future", "x")
    async with working(storage, cache, tmp_path):
        await enqueue(storage, cache, "a")
        await eventually(lambda: probe.done == ["a"])
    async with storage.transaction(SCOPE) as tx:
        left = await Jobs(tx).take({"from-the-future"}, 60)
    assert left is not None
    assert left.attempts == 1


async def test_a_worker_with_nothing_to_do_stops_at_once(storage, probe, tmp_path):
    async with working(storage, MemoryCache(), tmp_path, workers=2) as shift:
        shift.stop.set()
        outcomes = await asyncio.wait_for(asyncio.gather(*shift.tasks), 4)
    assert outcomes == [None, None]


class Scheduled(Probe):
    """One that runs by itself."""

    kind = "scheduled"
    every_seconds = 3600


async def test_lanes_that_have_nothing_to_do_write_nothing_and_what_is_due_is_queued_in_one_place(
    storage: Storage, clock: Clock, probe: Probe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduled, cache = Scheduled(), MemoryCache()
    idle = (Lane((Long(),), long=True) for _ in "abc")
    monkeypatch.setattr(worker, "LANES", (Lane((probe, scheduled)), *idle))
    written: list[str] = []
    begin = storage.transaction

    def noted(scope: Scope) -> AbstractAsyncContextManager[Transaction]:
        written.append(inspect.stack()[1].function)
        return begin(scope)

    async def ended() -> bool:
        async with storage.reading(SCOPE) as tx:
            return not await Jobs(tx).live("scheduled")

    async with working(storage, cache, tmp_path):
        await eventually(lambda: len(scheduled.done) == 1)
        await eventually(ended)
        monkeypatch.setattr(storage, "transaction", noted)
        for number in range(3):
            await cache.publish("jobs", b"")
            await enqueue_with(begin, cache, f"job {number}")
            await eventually(lambda wanted=number + 1: len(probe.done) == wanted)
        clock.forward(hours=2)
        await cache.publish("jobs", b"")
        await eventually(lambda: len(scheduled.done) == 2)
        await eventually(lambda: written.count("_one") >= 8)
    # Each job is taken and ended once; nobody else wrote but who queued what was due.
    assert Counter(written) == {"_one": 8, "keep_time": 1}


async def enqueue_with(begin: Any, cache: MemoryCache, key: str) -> None:
    async with begin(SCOPE) as tx:
        await Jobs(tx).enqueue("probe", key)
    await cache.publish("jobs", b"probe")


class Long(Probe):
    """One that takes long."""

    kind = "long"
    lease_seconds = 0.3
    broken_off = 0

    async def run(self, context: Context, key: str) -> None:
        try:
            await super().run(context, key)
        except asyncio.CancelledError:
            self.broken_off += 1
            raise


@pytest.fixture
def both(probe, monkeypatch) -> Long:
    made = Long()
    made.go.clear()
    lanes = (Lane((probe,)), Lane((made,), long=True), Lane((made,), long=True))
    monkeypatch.setattr(worker, "LANES", lanes)
    return made


async def enqueue_long(storage: Storage, cache: MemoryCache, *keys: str) -> None:
    async with storage.transaction(SCOPE) as tx:
        for key in keys:
            await Jobs(tx).enqueue("long", key)
    await cache.publish("jobs", b"long")


async def test_a_long_job_holds_up_no_short_one_and_none_of_another_key(storage, probe, both, tmp_path):
    cache = MemoryCache()
    async with working(storage, cache, tmp_path):
        await enqueue_long(storage, cache, "a")
        await eventually(lambda: both.started == ["a"])
        await enqueue_long(storage, cache, "a", "b")
        await eventually(lambda: both.started == ["a", "b"])
        await enqueue(storage, cache, "short")
        await eventually(lambda: probe.done == ["short"])
        both.go.set()
        await eventually(lambda: sorted(both.done) == ["a", "a", "b"])


async def test_a_long_job_is_kept_past_its_lease_while_it_goes_on(storage, clock: Clock, both, tmp_path):
    cache = MemoryCache()
    async with working(storage, cache, tmp_path):
        await enqueue_long(storage, cache, "a")
        await eventually(lambda: both.started)
        async with storage.reading(SCOPE) as tx:
            first = await Jobs(tx).next_ready(["long"])
        assert first is not None
        clock.forward(seconds=0.2)

        async def extended() -> bool:
            async with storage.reading(SCOPE) as tx:
                return (await Jobs(tx).next_ready(["long"])) > first

        await eventually(extended)
        both.go.set()
        await eventually(lambda: both.done)
    assert both.started == ["a"]


async def test_a_long_job_that_is_another_workers_meanwhile_is_broken_off(storage, clock: Clock, both, tmp_path):
    cache = MemoryCache()
    async with working(storage, cache, tmp_path):
        await enqueue_long(storage, cache, "a")
        await eventually(lambda: both.started)
        second = None
        while second is None:  # it may be extended at this very moment
            clock.forward(seconds=5)
            async with storage.transaction(SCOPE) as tx:
                second = await Jobs(tx).take({"long"}, 60)
        await eventually(lambda: both.broken_off == 1)
        async with storage.transaction(SCOPE) as tx:
            assert await Jobs(tx).done(second), "it still holds its lease"
    assert both.done == []


async def test_a_stop_gives_a_long_job_back_and_it_has_not_been_tried(storage, both, tmp_path):
    cache = MemoryCache()
    async with working(storage, cache, tmp_path) as shift:
        await enqueue_long(storage, cache, "a")
        await eventually(lambda: both.started)
        shift.stop.set()
        await asyncio.wait_for(asyncio.gather(*shift.tasks), 10)
    assert both.done == []
    async with storage.transaction(SCOPE) as tx:
        left = await Jobs(tx).take({"long"}, 60)
    assert left is not None
    assert left.attempts == 1


async def test_a_failure_that_says_when_is_tried_again_then(storage, clock: Clock, both, tmp_path):
    cache = MemoryCache()
    both.error = Unavailable("busy", "registry.busy", retry_after=300)
    both.go.set()
    async with working(storage, cache, tmp_path):
        await enqueue_long(storage, cache, "a")
        await eventually(lambda: both.started)

        async def later() -> bool:
            async with storage.reading(SCOPE) as tx:
                return await Jobs(tx).next_ready(["long"]) == clock.now + timedelta(seconds=300)

        await eventually(later)
