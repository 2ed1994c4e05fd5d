"""The worker keeps the advisory database: when it is due, what is left of it, and what breaks on the way."""

import asyncio
import contextlib
import json
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec import structs
from tests.support.advisories import affected, record
from tests.support.database import SCOPE, Clock
from tests.support.fleet import eventually
from tests.support.mirror import SmallMirror, drips, serving
from tests.support.workers import files, registry_files

from hullguard.advisories.database import Advisories
from hullguard.advisories.errands.messages import DEFAULTS, incoming
from hullguard.cache import MemoryCache
from hullguard.model.advisory_update import AdvisoryProgress, AdvisoryRun, AdvisorySettings, RunState
from hullguard.model.errors import NotFound
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import AdvisoryRuns, Audit, AuditFilter, Images, Jobs
from hullguard.storage.stores.advisory_runs import PROGRESS, RUN, Plan
from hullguard.worker import advisories, matching
from hullguard.worker.advisories import FIRST_SECONDS, JITTER, RunAdvisories, ScheduleAdvisories
from hullguard.worker.advisory_file import AdvisoryFile
from hullguard.worker.context import Context
from hullguard.worker.run import work

ONE = affected("npm", "one", {"introduced": "0"}, kind="SEMVER")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "advisories.db"


@pytest.fixture
def context(storage: Storage, database: Path, tmp_path: Path) -> Iterator[Context]:
    with ThreadPoolExecutor(1) as thread:
        yield Context(
            storage,
            MemoryCache(),
            AdvisoryFile(database),
            thread,
            database.with_suffix(".anchors"),
            registry_files(tmp_path),
        )


@pytest.fixture
def mirror() -> Iterator[SmallMirror]:
    with serving() as mirror:
        mirror.put("npm", record("GHSA-1", ONE))
        yield mirror


async def choose(context: Context, mirror: SmallMirror | None = None, **changes: object) -> AdvisorySettings:
    url = "http://127.0.0.1:1" if mirror is None else mirror.url
    sources = {"mirror": url, "kev": f"{url}/kev.json", "epss": ""}
    async with context.storage.transaction(SCOPE) as tx:
        present = await AdvisoryRuns(tx).chosen()
        version = 1 if present is None else present.version
        made = await AdvisoryRuns(tx).choose(structs.replace(DEFAULTS, **sources | changes), expected_version=version)
    return made.settings


async def plan(context: Context) -> Plan:
    async with context.storage.reading(SCOPE) as tx:
        return await AdvisoryRuns(tx).plan()


async def look(context: Context) -> Plan:
    await ScheduleAdvisories().run(context, "")
    return await plan(context)


async def update(context: Context) -> AdvisoryRun:
    async with context.storage.transaction(SCOPE) as tx:
        run = await AdvisoryRuns(tx).update("user:alice")
    await RunAdvisories().run(context, run.id)
    return (await plan(context)).done[0]


async def bring(context: Context, content: bytes, name: str) -> AdvisoryRun:
    folder = incoming(context.advisories.path)
    folder.mkdir(exist_ok=True)
    (folder / "0123").write_bytes(content)
    async with context.storage.transaction(SCOPE) as tx:
        await AdvisoryRuns(tx).load("0123", "user:alice", name, len(content))
    await RunAdvisories().run(context, "0123")
    return (await plan(context)).done[0]


async def test_the_first_update_is_planned_a_little_later_and_then_asked_for(context: Context, clock: Clock) -> None:
    first = await look(context)
    assert first.waiting == ()
    assert first.due is not None
    shortest, longest = FIRST_SECONDS
    assert clock.now + timedelta(seconds=shortest) <= first.due <= clock.now + timedelta(seconds=longest)
    assert (await look(context)).due == first.due

    clock.forward(seconds=longest)
    (run,) = (await look(context)).waiting
    (same,) = (await look(context)).waiting

    assert (run.by, run.state, run.id) == ("system", RunState.QUEUED, same.id)


async def test_updates_that_are_switched_off_are_not_planned(context: Context, clock: Clock) -> None:
    await look(context)
    await choose(context, enabled=False)
    clock.forward(days=2)

    after = await look(context)

    assert (after.due, after.waiting) == (None, ())


async def test_a_run_that_the_queue_has_given_up_ends_and_another_may_begin(context: Context) -> None:
    async with context.storage.transaction(SCOPE) as tx:
        run = await AdvisoryRuns(tx).update("user:alice")
        job = await Jobs(tx).take({RUN}, 60)
        assert job is not None
        await Jobs(tx).done(job)

    after = await look(context)

    assert after.waiting == ()
    assert [(one.id, one.state, one.code) for one in after.done] == [(run.id, RunState.FAILED, "advisories.given-up")]
    assert await outcomes(context) == [("advisories.update.end", "failed", after.done[0].why)]


async def outcomes(context: Context) -> list[tuple[str, str, str]]:
    """What the audit says of runs that are over, newest first."""
    async with context.storage.reading(SCOPE) as tx:
        found = (await Audit(tx).page(AuditFilter(), PageRequest(10))).items
    return [(one.action, one.outcome, one.reason) for one in found]


async def test_an_update_brings_a_database_and_plans_the_next(
    context: Context, mirror: SmallMirror, clock: Clock
) -> None:
    await choose(context, mirror, every_hours=10)

    run = await update(context)

    assert (run.state, run.replaced, run.imported, run.by) == (RunState.DONE, True, 1, "user:alice")
    assert (run.started, run.finished) == (clock.now, clock.now)
    assert {one.name: one.records for one in run.sources} == {"npm": 1, "kev": 1}
    due = (await plan(context)).due
    assert due is not None
    assert timedelta(hours=10) * (1 - JITTER) <= due - clock.now <= timedelta(hours=10) * (1 + JITTER)
    assert await matching.watch_advisories(context)
    async with context.storage.reading(SCOPE) as tx:
        known = await AdvisoryRuns(tx).database()
        audited = (await Audit(tx).page(AuditFilter(), PageRequest(10))).items
    assert known is not None
    assert [(one.name, one.records, one.updated is not None) for one in known.sources] == [
        ("npm", 1, True),
        ("kev", 1, True),
    ]
    assert [(one.action, one.details["state"]) for one in audited] == [("advisories.update.end", "done")]

    again = await update(context)
    assert (again.state, again.replaced, again.same) == (RunState.DONE, False, 2)


async def test_a_source_that_fails_is_tried_again_sooner(context: Context, mirror: SmallMirror, clock: Clock) -> None:
    await choose(context, mirror)
    mirror.absent.add("/kev.json")

    run = await update(context)

    assert (run.state, run.replaced) == (RunState.PARTIAL, True)
    assert {one.name: one.why is None for one in run.sources} == {"npm": True, "kev": False}
    assert await outcomes(context) == [("advisories.update.end", "partial", "")]
    due = (await plan(context)).due
    assert due is not None
    assert due - clock.now <= timedelta(hours=1) * (1 + JITTER)


async def test_a_failed_update_keeps_the_database_and_says_why_once(
    context: Context, mirror: SmallMirror, database: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    await choose(context, mirror)
    await update(context)
    before = database.read_bytes()
    mirror.absent |= {"/ecosystems.txt", "/kev.json"}

    run = await update(context)

    assert (run.state, run.replaced, run.code) == (RunState.FAILED, False, "advisories.nothing-updated")
    assert run.why is not None
    assert run.why.endswith("the server answers 404")
    assert database.read_bytes() == before
    assert await outcomes(context) == [
        ("advisories.update.end", "failed", run.why),
        ("advisories.update.end", "done", ""),
    ]
    said = capfd.readouterr()
    assert (said.out + said.err).count("the advisory database stays as it was") == 1


async def test_a_file_is_imported_and_goes(context: Context, database: Path) -> None:
    run = await bring(context, json.dumps(record("GHSA-7", ONE)).encode(), "records.json")

    assert (run.state, run.imported, run.file) == (RunState.DONE, 1, "records.json")
    assert list(incoming(database).iterdir()) == []
    Advisories.open(database).close()


async def test_a_file_that_is_no_use_goes_too_and_says_why(context: Context, database: Path) -> None:
    run = await bring(context, b'{"id": 7}', "records.json")

    assert (run.state, run.code) == (RunState.FAILED, "advisories.nothing-imported")
    assert list(incoming(database).iterdir()) == []
    assert not database.exists()


async def test_a_worker_that_stops_breaks_off_and_another_begins_anew(
    context: Context, mirror: SmallMirror, database: Path
) -> None:
    await choose(context, mirror)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    mirror.faults["/npm/all.zip"] = [drips(b"x", first=head)]
    async with context.storage.transaction(SCOPE) as tx:
        run = await AdvisoryRuns(tx).update("user:alice")
    first = asyncio.ensure_future(RunAdvisories().run(context, run.id))
    await eventually(lambda: "/npm/all.zip" in mirror.paths())

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)

    assert [one.state for one in (await plan(context)).waiting] == [RunState.RUNNING]
    assert not database.exists()
    await RunAdvisories().run(context, run.id)
    after = await plan(context)
    assert (after.waiting, [(one.id, one.state) for one in after.done]) == ((), [(run.id, RunState.DONE)])


async def test_images_are_matched_while_an_update_goes_on(
    context: Context, mirror: SmallMirror, database: Path, tmp_path: Path
) -> None:
    await bring(context, json.dumps(record("GHSA-1", ONE)).encode(), "records.json")
    await choose(context, mirror)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    mirror.faults["/npm/all.zip"] = [drips(b"x", first=head)]
    image = "sha256:" + "c" * 64
    package = Package("pkg:npm/one@1.0.0", PackageType.NPM, "one", "1.0.0", "npm", locations=("place",))
    stop, ready = asyncio.Event(), asyncio.Event()
    worker = asyncio.ensure_future(
        work(context.storage, context.cache, files(tmp_path, database), stop, ready=ready.set)
    )
    try:
        await asyncio.wait_for(ready.wait(), 20)
        async with context.storage.transaction(SCOPE) as tx:
            run = await AdvisoryRuns(tx).update("user:alice")
        await eventually(lambda: "/npm/all.zip" in mirror.paths())
        async with context.storage.transaction(SCOPE) as tx:
            await Images(tx).store_inventory(image, Inventory(Target("one", "docker"), packages=(package,)))
            await Jobs(tx).enqueue(matching.MATCH)
        await context.cache.publish("jobs", b"match")
        async with context.cache.subscribe("stream:default") as messages:
            while not await _found(context.storage, image):
                await asyncio.wait_for(anext(messages), 20)

        assert [(one.id, one.state) for one in (await plan(context)).waiting] == [(run.id, RunState.RUNNING)]
    finally:
        stop.set()
        await asyncio.wait_for(worker, 20)
    async with context.storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).live(RUN) == {run.id}, "it is given back when the worker stops"


async def _found(storage: Storage, image: str) -> list[str]:
    async with storage.reading(SCOPE) as tx:
        with contextlib.suppress(NotFound):
            return [one.id for one in (await Images(tx).report(image)).vulnerabilities]
    return []


async def test_what_is_over_is_not_done_again(context: Context, mirror: SmallMirror) -> None:
    await choose(context, mirror)
    run = await update(context)

    with pytest.raises(NotFound):
        await RunAdvisories().run(context, run.id)


async def test_the_progress_is_kept_and_consoles_are_told(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    told = advisories._Told(context, "run-1")
    progress = AdvisoryProgress("fetching", "npm", 1, 2, 10)
    async with context.cache.subscribe("stream:default") as messages:
        await told(progress)
        await told(progress)
        _, message = await anext(messages)

    assert msgspec.msgpack.decode(message) == {"kind": "advisories", "id": "run-1"}
    kept = await context.cache.get(PROGRESS)
    assert kept is not None
    assert msgspec.msgpack.decode(kept, type=AdvisoryProgress) == progress


async def test_what_uploads_left_behind_is_swept_but_not_what_waits(context: Context, database: Path) -> None:
    folder = incoming(database)
    folder.mkdir()
    for name in ("young", "old", "0123"):
        (folder / name).touch()
    for name in ("old", "0123"):
        os.utime(folder / name, (time.time() - 7200,) * 2)
    async with context.storage.transaction(SCOPE) as tx:
        await AdvisoryRuns(tx).load("0123", "user:alice", "records.json", 0)

    await look(context)

    assert sorted(file.name for file in folder.iterdir()) == ["0123", "young"]
