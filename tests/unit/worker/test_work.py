"""Inventories meet advisories: at once, again when advisories change, and in spite of what dies on the way."""

import asyncio
import contextlib
import json
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from msgspec import structs
from tests.support.database import SCOPE
from tests.support.records import enrolled, observation, waiting
from tests.support.workers import context as make_context
from tests.support.workers import files as make_files

from hullguard import __version__, audit
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.cache import MemoryCache
from hullguard.imagescan.scan import Scanner
from hullguard.model.errors import HullguardError, NotFound
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType, Unknown
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.storage import Storage
from hullguard.storage.stores import (
    ADVISORIES,
    Images,
    ImageUses,
    Incidents,
    Jobs,
    Matching,
    Settings,
    Watched,
    overview,
)
from hullguard.worker import matching
from hullguard.worker.catalog import JOBS
from hullguard.worker.run import work
from hullguard.worker.upkeep import AnchorAudit

IMAGE = "sha256:" + "c" * 64
LAYER = "sha256:" + "d" * 64
INVENTORY = Inventory(
    Target("app:1", "docker", image_id=IMAGE, tags=("app:1",)),
    layers=(Layer(LAYER),),
    packages=(Package("pkg:pypi/urllib3@1.23", PackageType.PYPI, "urllib3", "1.23", "PyPI", layer=LAYER),),
)


def advisory(identifier: str, fixed: str) -> dict:
    return {
        "schema_version": "1.6.0",
        "id": identifier,
        "modified": "2026-01-01T00:00:00Z",
        "aliases": [],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": "urllib3"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
            }
        ],
    }


def import_advisories(database: Path, *advisories: dict) -> None:
    source = database.with_suffix(".jsonl")
    source.write_text("".join(json.dumps(each) + "\n" for each in advisories))
    import_files([source], database)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "advisories.db"


@pytest.fixture
async def stored(storage: Storage) -> str:
    async with storage.transaction(SCOPE) as tx:
        node = await enrolled(tx)
        await Images(tx).present(node, [(IMAGE, ("app:1",))])
        await Images(tx).store_inventory(IMAGE, INVENTORY)
    return IMAGE


@contextlib.asynccontextmanager
async def working(storage: Storage, cache: MemoryCache, database: Path) -> AsyncIterator[None]:
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(work(storage, cache, make_files(database.parent, database), stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 10)
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, 10)


async def found(storage: Storage) -> list[str] | None:
    async with storage.reading(SCOPE) as tx:
        try:
            return [each.id for each in (await Images(tx).report(IMAGE)).vulnerabilities]
        except NotFound:
            return None


async def until(storage: Storage, expected: list[str], clock) -> None:
    for _ in range(400):
        clock.forward(seconds=1)  # the queue's pauses pass by the test's own clock
        if await found(storage) == expected:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{await found(storage)} never became {expected}")


async def until_only(storage: Storage, expected: list[str], clock) -> None:
    """Until nothing but these images waits: the first start of a worker has everything refreshed as well."""
    for _ in range(400):
        clock.forward(seconds=1)
        async with storage.reading(SCOPE) as tx:
            left = await waiting(tx)
        if left == expected:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{left} never became {expected}")


async def test_an_inventory_that_arrived_is_matched_and_announced(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    cache = MemoryCache()
    async with cache.subscribe("stream:default") as messages, working(storage, cache, database):
        async with storage.transaction(SCOPE) as tx:
            await Jobs(tx).enqueue(matching.MATCH)
        await cache.publish("jobs", b"match")

        await until(storage, ["PYSEC-1"], clock)
        _, message = await asyncio.wait_for(anext(messages), 5)
        assert msgspec.msgpack.decode(message) == {"kind": "image", "id": IMAGE}


async def test_an_inventory_whose_job_was_lost_is_found_all_the_same(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    async with working(storage, MemoryCache(), database):
        await until(storage, ["PYSEC-1"], clock)


async def test_without_advisories_packages_are_shown_and_the_doubt_is_said(storage, clock, stored, database) -> None:
    async with working(storage, MemoryCache(), database):
        await until(storage, [], clock)

    async with storage.reading(SCOPE) as tx:
        detail = await Images(tx).detail(IMAGE)
    assert detail.packages == 1
    assert detail.matched is None
    assert [unknown.what for unknown in detail.unknowns] == ["vulnerabilities", "licenses"]


async def test_what_was_not_read_and_may_hold_packages_leaves_the_image_in_doubt(
    storage, clock, stored, database
) -> None:
    import_advisories(database, advisory("PYSEC-1", "1.0"))
    unread = (
        Unknown("packages of Yarn in its archives", "packages of this kind are not read; there are 2 signs of them, a"),
        Unknown("3 wheels of Python", "they are not installed, so they count for nothing; a.whl is the first"),
    )
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(IMAGE, structs.replace(INVENTORY, unknowns=unread), again=True)
    async with working(storage, MemoryCache(), database):
        await until(storage, [], clock)

    async with storage.reading(SCOPE) as tx:
        detail, doubts = await Images(tx).detail(IMAGE), (await overview(tx)).doubts
    assert (detail.complete, detail.unjudged, detail.unread) == (True, 0, 5)
    assert (doubts.images, doubts.unread) == (1, 1)


async def test_new_advisories_match_everything_again(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "1.0"))
    async with working(storage, MemoryCache(), database):
        await until(storage, [], clock)

        import_advisories(database, advisory("PYSEC-1", "1.0"), advisory("PYSEC-2", "1.24"))

        await until(storage, ["PYSEC-2"], clock)


async def test_the_same_advisories_do_not_match_again_after_a_restart(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        assert await matching.notice_new_advisories(context)
        assert not await matching.notice_new_advisories(context)
        assert not await matching.notice_new_advisories(
            make_context(storage, MemoryCache(), database.parent, thread, database)
        )


async def test_a_damaged_database_keeps_the_job_for_later(storage, clock, stored, database) -> None:
    database.write_bytes(b"this is not SQLite")
    async with working(storage, MemoryCache(), database):
        async with storage.transaction(SCOPE) as tx:
            await Jobs(tx).enqueue(matching.MATCH)
        await asyncio.sleep(0.3)
        assert await found(storage) is None
        database.unlink()
        import_advisories(database, advisory("PYSEC-1", "2.0"))

        await until(storage, ["PYSEC-1"], clock)


async def test_an_inventory_that_cannot_be_read_stops_no_other(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    damaged = "sha256:" + "0" * 64
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(damaged, INVENTORY)
        await tx.run(sa.text("UPDATE inventories SET inventory = x'00' WHERE image_id = :id").bindparams(id=damaged))
    async with working(storage, MemoryCache(), database):
        await until(storage, ["PYSEC-1"], clock)
        await until_only(storage, [damaged], clock)


async def test_an_image_that_cannot_be_matched_stops_no_other(
    storage, clock, stored, database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def report(self: Scanner, inventory: Inventory) -> ScanReport:
        if inventory.target.ref == "odd":
            raise ZeroDivisionError
        return real(self, inventory)

    real = Scanner.report
    monkeypatch.setattr(Scanner, "report", report)
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    odd = "sha256:" + "0" * 64
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(odd, structs.replace(INVENTORY, target=Target("odd", "docker")))
    async with working(storage, MemoryCache(), database):
        await until(storage, ["PYSEC-1"], clock)
        await until_only(storage, [odd], clock)


async def test_another_version_of_the_program_matches_everything_again(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        assert await matching.notice_new_advisories(context)
        await matching.MatchImages().run(context, "")
        async with storage.transaction(SCOPE) as tx:
            assert await waiting(tx) == []
            applied = await Settings(tx).get(matching.APPLIED, matching.Applied)
            assert applied is not None
            await Settings(tx).set(matching.APPLIED, structs.replace(applied, version="0.0.1"))
        assert await matching.notice_new_advisories(context)
        assert not await matching.notice_new_advisories(context)
    async with storage.reading(SCOPE) as tx:
        assert await waiting(tx) == [IMAGE]


async def test_why_nothing_can_be_matched_is_kept_until_it_can(storage, clock, stored, database) -> None:
    async def told() -> str | None:
        async with storage.reading(SCOPE) as tx:
            return (await overview(tx)).advisories_trouble

    import_advisories(database, advisory("PYSEC-1", "2.0"))
    good = database.read_bytes()
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        assert await matching.watch_advisories(context)
        assert await told() is None
        for content, why in ((b"junk" * 5000, "advisories.db"), (None, "the advisory database is gone")):
            database.unlink()
            if content is not None:
                database.write_bytes(content)
            with pytest.raises(HullguardError):
                await matching.watch_advisories(context)
            assert why in (await told() or "")
        database.write_bytes(good)
        assert not await matching.watch_advisories(context)
    assert await told() is None


async def test_once_a_day_everything_is_matched_again(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        await matching.MatchImages().run(context, "")
        async with storage.reading(SCOPE) as tx:
            assert await waiting(tx) == []
        await matching.RefreshMatches().run(context, "")
        async with storage.reading(SCOPE) as tx:
            assert await waiting(tx) == [IMAGE]


async def test_a_worker_with_older_advisories_leaves_the_image_to_others(storage, clock, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "1.0"))
    old = database.with_name("old.db")
    shutil.copyfile(database, old)
    import_advisories(database, advisory("PYSEC-2", "2.0"))
    with ThreadPoolExecutor(1) as thread:
        new, behind = (make_context(storage, MemoryCache(), database.parent, thread, path) for path in (database, old))
        await matching.notice_new_advisories(new)
        await matching.MatchImages().run(behind, "")
        assert await found(storage) == []
        clock.forward(seconds=31)
        await matching.MatchImages().run(new, "")
        assert await found(storage) == ["PYSEC-2"]


async def test_what_is_known_of_an_image_is_read_once_for_all_that_follows_from_it(
    storage, clock, stored, database, tmp_path
) -> None:
    taken = structs.replace(INVENTORY, loadable={"urllib3": ("usr/bin/urllib3",)})
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(IMAGE, taken)
        await Incidents(tx).insert("node-1", [observation(image=IMAGE)], tx.now)
        watched = Watched(IMAGE, tx.now, 1, True, ("/usr/bin/urllib3",))
        await ImageUses(tx).told("node-1", watched)
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    asked: Counter[str] = Counter()

    def note(_connection, _cursor, statement: str, *_: object) -> None:
        for document in ("reports.report", "inventories.inventory"):
            asked[document] += statement.startswith("SELECT") and document in statement.partition("FROM")[0]

    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), tmp_path, thread, database)
        await matching.MatchImages().run(context, "")
        assert await found(storage) == ["PYSEC-1"]
        import_advisories(database, advisory("PYSEC-2", "2.0"))
        async with storage.transaction(SCOPE) as tx:
            await Matching(tx).again(IMAGE)
        engines = [engine.sync_engine for engine in (storage._reader, storage._writer)]
        for engine in engines:
            sa.event.listen(engine, "before_cursor_execute", note)
        await matching.MatchImages().run(context, "")
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)
    assert (await found(storage)) == ["PYSEC-1", "PYSEC-2"]
    assert asked == {"reports.report": 0, "inventories.inventory": 1}


def test_kinds_of_jobs_are_distinct_and_their_rhythm_is_longer_than_nothing() -> None:
    kinds = [job.kind for job in JOBS]

    assert len(set(kinds)) == len(kinds)
    assert all(job.every_seconds is None or job.every_seconds > 0 for job in JOBS)
    assert all(job.lease_seconds > 0 for job in JOBS)


async def test_settings_remember_which_advisories_everything_was_matched_with(storage, stored, database) -> None:
    import_advisories(database, advisory("PYSEC-1", "2.0"))
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        await matching.notice_new_advisories(context)
        async with storage.reading(SCOPE) as tx:
            applied = await Settings(tx).get(matching.APPLIED, matching.Applied)
            state = await Settings(tx).get(ADVISORIES, AdvisoryState)
        advisories = Advisories.open(database)
        assert applied == matching.Applied(advisories.build, __version__)
        assert state == advisories.state


async def test_the_end_of_the_audit_is_noted_once_per_change(storage, stored, database) -> None:
    anchors = database.parent / "anchors"
    with ThreadPoolExecutor(1) as thread:
        context = make_context(storage, MemoryCache(), database.parent, thread, database)
        await AnchorAudit().run(context, "")
        assert audit.read_anchors(anchors) == []  # nothing was ever recorded
        for expected in (1, 1, 2):
            if expected > len(audit.read_anchors(anchors)):
                async with storage.transaction(SCOPE) as tx:
                    await audit.record(tx, "system", "policy.update", "policy:1")
            await AnchorAudit().run(context, "")
            assert len(audit.read_anchors(anchors)) == expected

    async with storage.reading(SCOPE) as tx:
        assert (await audit.verify(tx, audit.read_anchors(anchors))).ok
