"""The writer: batches, order, and what happens when one message breaks."""

import asyncio
from contextlib import suppress

import msgspec
import pytest
from tests.support.database import SCOPE, clock, storage
from tests.support.records import enrolled, facts, observation

from hullguard.cache import MemoryCache
from hullguard.hostmgr import ingest as writer
from hullguard.hostmgr.ingest import Ingest, Work
from hullguard.hostmgr.intake import Outcome, Speaker
from hullguard.hostmgr.metrics import Metrics
from hullguard.model.errors import Unavailable
from hullguard.model.ids import derived_id
from hullguard.storage import PageRequest
from hullguard.storage.stores import IncidentFilter, Incidents, Nodes, Progress
from hullguard.wire import messages as say
from hullguard.wire.violation import Code

__all__ = ["clock", "storage"]


class Session:
    """Collects what the writer says."""

    def __init__(self, node: str = "node-1", tenant: str = "default") -> None:
        self.speaker = Speaker(node, tenant, "default", "stream-1")
        self.outcomes: list[tuple[int | None, Outcome]] = []
        self.over = False

    def settled(self, work: Work, outcome: Outcome) -> None:
        self.outcomes.append((work.sequence, outcome))
        self.over = self.over or outcome.refused is not None


def record(*numbers: int) -> say.Incidents:
    return say.Incidents(tuple(observation(number) for number in numbers))


@pytest.fixture
async def ingest(storage):
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx, "node-1")
        await enrolled(tx, "node-2")
    made = Ingest(storage, MemoryCache(), Metrics())
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def settled(session: Session, count: int) -> list[tuple[int | None, Outcome]]:
    async with asyncio.timeout(20):
        while len(session.outcomes) < count:
            await asyncio.sleep(0.005)
    return session.outcomes


async def incidents(storage) -> int:
    async with storage.reading(SCOPE) as tx:
        return (await Incidents(tx).page(IncidentFilter(), PageRequest())).total


async def test_what_is_queued_together_is_committed_together_and_in_order(ingest, storage):
    session = Session()
    for number in range(1, 41):
        await ingest.submit(Work(session, record(number), number, 100))
    outcomes = await settled(session, 40)
    assert [sequence for sequence, _ in outcomes] == list(range(1, 41))
    assert await incidents(storage) == 40
    figures = {each.name: each.value for metric in ingest._metrics.registry.collect() for each in metric.samples}
    assert figures["hullguard_hostmgr_ingest_batch_count"] < 5
    assert figures["hullguard_hostmgr_ingest_queued_bytes"] == 0


async def test_a_number_that_was_stored_by_another_replica_is_dropped(ingest, storage):
    async with storage.transaction(SCOPE) as tx:
        await Progress(tx).accept("node-1", "stream-1", 7)
    session = Session()
    await ingest.submit(Work(session, record(1), 7, 1))
    await ingest.submit(Work(session, record(2), 8, 1))
    (_, old), (_, new) = await settled(session, 2)
    assert old.duplicate
    assert not new.duplicate
    assert await incidents(storage) == 1


async def test_a_removed_node_is_refused_and_the_others_are_stored(ingest, storage):
    async with storage.transaction(SCOPE) as tx:
        await Nodes(tx).remove("node-2")
    good, gone = Session("node-1"), Session("node-2")
    for number in (1, 2, 3):
        await ingest.submit(Work(gone, record(number), number, 1))
        await ingest.submit(Work(good, record(number), number, 1))
    assert all(outcome.refused is None for _, outcome in await settled(good, 3))
    assert {outcome.refused.code for _, outcome in await settled(gone, 1)} == {Code.NODE_REMOVED}
    assert await incidents(storage) == 3


async def test_a_message_that_breaks_a_store_costs_its_sender_only(ingest, storage):
    class Unstorable(msgspec.Struct):
        """What no check let through, but some fault may."""

    broken, good = Session("node-2"), Session("node-1")
    await ingest.submit(Work(good, record(1), 1, 1))
    await ingest.submit(Work(broken, say.Facts(Unstorable()), None, 1))
    await ingest.submit(Work(good, record(2), 2, 1))
    [(_, outcome)] = await settled(broken, 1)
    assert outcome.refused.code == Code.SERVER_ERROR
    assert all(each.refused is None for _, each in await settled(good, 2))
    assert await incidents(storage) == 2


async def test_no_record_overtakes_one_that_could_not_be_stored(storage, monkeypatch):
    """The last number stored is where the agent goes on: stored past a hole, the record in the hole would be lost."""
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx, "node-1")
    insert, unstorable = Incidents.insert, derived_id("node-1", observation(2).id)

    async def faulty(self, node, observations, *rest):
        if unstorable in [each.id for each in observations]:
            raise RuntimeError("a fault of the moment")
        return await insert(self, node, observations, *rest)

    monkeypatch.setattr(Incidents, "insert", faulty)
    ingest, session = Ingest(storage, MemoryCache(), Metrics()), Session()
    for number in (1, 2, 3):
        await ingest.submit(Work(session, record(number), number, 1))
    task = asyncio.create_task(ingest.run())
    (_, stored), (_, refused) = await settled(session, 2)
    await ingest.submit(Work(session, record(4), 4, 1))
    other = Session()
    async with storage.reading(SCOPE) as tx:
        assert await Progress(tx).last("node-1", "stream-1") == 1
    assert stored.refused is None
    assert refused.refused.code == Code.SERVER_ERROR

    monkeypatch.undo()
    for number in (2, 3, 4):
        await ingest.submit(Work(other, record(number), number, 1))
    assert [(sequence, outcome.refused) for sequence, outcome in await settled(other, 3)] == [
        (2, None),
        (3, None),
        (4, None),
    ]
    assert await incidents(storage) == 4
    assert len(session.outcomes) == 2
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_events_follow_the_commit(ingest, storage):
    async with ingest._cache.subscribe("stream:default", "jobs") as events:
        await ingest.submit(Work(Session(), say.Facts(facts("renamed")), None, 1))
        _, message = await anext(events)
        assert msgspec.msgpack.decode(message) == {"kind": "node", "id": "node-1"}
        async with storage.reading(SCOPE) as tx:
            assert (await Nodes(tx).get("node-1")).name == "renamed"


async def test_tenants_never_share_a_transaction(ingest, storage):
    ours, theirs = Session(), Session(tenant="other")
    await ingest.submit(Work(ours, record(1), 1, 1))
    await ingest.submit(Work(theirs, record(2), 1, 1))
    await ingest.submit(Work(ours, record(3), 2, 1))
    [(_, outcome)] = await settled(theirs, 1)
    # node-1 is ours: in the other tenant there is no such node.
    assert outcome.refused.code == Code.NODE_REMOVED
    await settled(ours, 2)
    assert await incidents(storage) == 2


async def test_a_full_queue_makes_readers_wait(storage):
    ingest = Ingest(storage, MemoryCache(), Metrics())
    await ingest.submit(Work(Session(), record(1), 1, writer.QUEUE_BYTES))
    waiting = asyncio.create_task(ingest.submit(Work(Session(), record(2), 2, 1)))
    await asyncio.sleep(0.02)
    assert not waiting.done()
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx, "node-1")
    task = asyncio.create_task(ingest.run())
    async with asyncio.timeout(20):
        await waiting
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_what_is_small_on_the_wire_and_large_in_memory_fills_the_queue_too(storage):
    ingest = Ingest(storage, MemoryCache(), Metrics())
    await ingest.submit(Work(Session(), record(1), 1, 10, held=writer.QUEUE_BYTES))
    waiting = [asyncio.create_task(ingest.submit(Work(Session(), record(2), 2, 1, held=5))) for _ in range(3)]
    await asyncio.sleep(0.02)
    assert not any(task.done() for task in waiting)
    # Woken together, the first one fills it again: the others go on waiting.
    ingest._account(-1)
    await asyncio.sleep(0.02)
    assert [task.done() for task in waiting] == [True, False, False]
    for task in waiting:
        task.cancel()


async def test_while_the_database_is_away_nothing_is_refused_and_nothing_is_lost(ingest, storage, monkeypatch):
    """The one place where a failure is made by hand: a disk that is full for a while has no other stand-in."""
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.01)
    failures = iter([True, True, False])
    real = storage.transaction

    def transaction(scope):
        if next(failures, False):
            raise Unavailable("the disk is full")
        return real(scope)

    monkeypatch.setattr(storage, "transaction", transaction)
    session = Session()
    await ingest.submit(Work(session, record(1), 1, 1))
    [(_, outcome)] = await settled(session, 1)
    assert outcome.refused is None
    monkeypatch.undo()
    assert await incidents(storage) == 1
