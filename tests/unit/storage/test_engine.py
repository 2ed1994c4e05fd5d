import asyncio
import gc
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, Clock

from hullguard.model.errors import Invalid, Unavailable
from hullguard.model.identity import Scope
from hullguard.storage import Storage, Transaction, dialect
from hullguard.storage.tables import counters, nodes

# A connection that could not be opened: the driver's thread may tell it to an event loop that the test has left.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


async def value(tx: Transaction, name: str = "x") -> int | None:
    found: int | None = await tx.scalar(sa.select(counters.c.value).where(tx.mine(counters), counters.c.name == name))
    return found


async def test_what_a_block_wrote_is_there_for_the_next_one(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        await tx.insert(counters, {"name": "x", "value": 7})
    async with storage.reading(SCOPE) as tx:
        assert await value(tx) == 7


async def test_a_block_that_raises_leaves_nothing_behind(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.transaction(SCOPE) as tx:
            await tx.insert(counters, {"name": "x", "value": 7})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with storage.reading(SCOPE) as tx:
        assert await value(tx) is None


async def test_a_cancelled_block_leaves_nothing_behind_and_frees_the_lock(storage: Storage) -> None:
    entered = asyncio.Event()

    async def hang() -> None:
        async with storage.transaction(SCOPE) as tx:
            await tx.insert(counters, {"name": "x", "value": 7})
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hang())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with storage.transaction(SCOPE) as tx:
        assert await value(tx) is None
        await tx.insert(counters, {"name": "x", "value": 8})


async def test_a_block_cancelled_at_any_moment_frees_the_lock_although_its_traceback_is_kept(storage: Storage) -> None:
    # The traceback holds a cursor, and a connection with a live cursor is not closed: story of a server that was
    # killed in a test and whose successor found the database locked until the garbage was collected.
    async def work(number: int) -> None:
        async with storage.transaction(SCOPE) as tx:
            await tx.upsert(counters, {"name": "x", "value": number}, update=["value"])
            for _ in range(6):
                await value(tx)

    kept = []
    gc.disable()
    try:
        for step in range(60):
            tasks = [asyncio.create_task(work(step)) for _ in range(3)]
            await asyncio.sleep(step * 0.0001)
            for task in tasks:
                task.cancel()
            kept += await asyncio.gather(*tasks, return_exceptions=True)
            async with asyncio.timeout(10):
                await work(-step)
    finally:
        gc.enable()

    assert any(isinstance(end, asyncio.CancelledError) for end in kept)


async def test_messages_wait_for_the_commit_and_are_dropped_with_a_rollback(storage: Storage) -> None:
    heard: list[str] = []

    async def wake() -> None:
        async with storage.reading(SCOPE) as tx:
            heard.append(f"sees {await value(tx)}")

    async with storage.transaction(SCOPE) as tx:
        tx.within(Scope("other")).after_commit(wake)
        await tx.insert(counters, {"name": "x", "value": 7})
        assert heard == []
    assert heard == ["sees 7"]

    async def fail() -> None:
        async with storage.transaction(SCOPE) as tx:
            tx.after_commit(wake)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert heard == ["sees 7"]


async def test_a_reading_block_cannot_write(storage: Storage) -> None:
    with pytest.raises(Unavailable, match="readonly"):
        async with storage.reading(SCOPE) as tx:
            await tx.insert(counters, {"name": "x", "value": 7})


async def test_readers_see_one_instant_and_wait_for_no_writer(storage: Storage) -> None:
    async with storage.reading(SCOPE) as reader:
        assert await value(reader) is None
        async with storage.transaction(SCOPE) as writer:
            await writer.insert(counters, {"name": "x", "value": 1})
        assert await value(reader) is None


async def test_many_tasks_that_read_then_write_lose_no_update(storage: Storage) -> None:
    async def add() -> None:
        async with storage.transaction(SCOPE) as tx:
            now = await value(tx) or 0
            await tx.upsert(counters, {"name": "x", "value": now + 1}, update=["value"])

    await asyncio.gather(*(add() for _ in range(40)))
    async with storage.reading(SCOPE) as tx:
        assert await value(tx) == 40


async def test_all_rows_of_a_transaction_carry_the_same_time(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        began = tx.now
        clock.forward(hours=1)
        assert tx.now == began


async def test_long_text_is_cut_but_a_long_key_is_refused(tx: Transaction) -> None:
    with pytest.raises(Invalid, match="at most 128"):
        await tx.insert(counters, {"name": "x" * 129, "value": 1})
    assert tx._fit(nodes, {"name": "n" * 300})["name"] == "n" * 255


async def test_a_file_that_is_no_database_is_said_to_be_unavailable(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_bytes(b"this is not a database, " * 1000)
    broken = Storage.open(f"sqlite:///{tmp_path / 'broken.db'}")
    with pytest.raises(Unavailable, match="not a database"):
        await broken.migrate()
    await broken.close()


async def test_a_missing_directory_is_said_to_be_unavailable(tmp_path: Path) -> None:
    missing = Storage.open(f"sqlite:///{tmp_path / 'nowhere' / 'hullguard.db'}")
    with pytest.raises(Unavailable):
        await missing.migrate()
    await missing.close()


def test_another_kind_of_database_is_refused() -> None:
    with pytest.raises(Invalid, match="oracle"):
        Storage.open("oracle://somewhere")


async def test_the_file_keeps_its_log_beside_it_and_commits_are_flushed(storage: Storage) -> None:
    async with storage._writer.connect() as connection:
        mode = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar()
        flushed = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar()
        strict = (await connection.exec_driver_sql("PRAGMA foreign_keys")).scalar()
    assert (mode, flushed, strict) == ("wal", 2, 1)


async def test_a_busy_writer_is_reported_and_not_waited_for_for_ever(
    storage: Storage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(dialect, "BUSY_SECONDS", 0.05)
    impatient = Storage.open(f"sqlite:///{tmp_path / 'hullguard.db'}")
    async with storage.transaction(SCOPE):
        with pytest.raises(Unavailable, match="locked"):
            async with impatient.transaction(SCOPE):
                pytest.fail("two writers at once")
    await impatient.close()
