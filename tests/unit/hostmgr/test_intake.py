"""What messages do to the database, and that saying them twice does nothing more."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support import records
from tests.support.database import SCOPE, clock, storage, tx
from tests.support.events import event
from tests.support.records import IMAGE, OTHER_IMAGE, enrolled, facts, heartbeat, inventory, observation, waiting

from hullguard.cache import MemoryCache
from hullguard.hostmgr import askers, intake
from hullguard.hostmgr.intake import Seen, Speaker, StoredInventory, take_in
from hullguard.model.command import CommandKind, CommandState
from hullguard.model.ids import derived_id, new_id
from hullguard.model.inventory import READER
from hullguard.model.profile import LearningTerms
from hullguard.storage import PageRequest
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    CommandFilter,
    Commands,
    EntryFilter,
    Images,
    IncidentFilter,
    Incidents,
    Jobs,
    Nodes,
    Profiles,
    Progress,
    Recordings,
)
from hullguard.wire import messages as say

__all__ = ["clock", "storage", "tx"]

SPEAKER = Speaker("node-1", "default", "default", "stream-1")


def record(*numbers: int) -> say.Incidents:
    return say.Incidents(tuple(observation(number) for number in numbers))


async def total(tx) -> int:
    return (await Incidents(tx).page(IncidentFilter(), PageRequest())).total


@pytest.fixture
async def node(tx):
    return await enrolled(tx)


async def test_a_run_of_records_is_stored_once_and_every_new_incident_is_told(tx, node):
    first = await take_in(tx, SPEAKER, [(record(1), 1), (record(2, 3), 2)])
    again = await take_in(tx, SPEAKER, [(record(1), 1), (record(2, 3), 2), (record(3, 4), 3)])
    assert [outcome.duplicate for outcome in first] == [False, False]
    assert [outcome.duplicate for outcome in again] == [True, True, False]
    told = [event for outcome in (*first, *again) for event in outcome.events]
    assert told == [("incident", derived_id("node-1", observation(number).id)) for number in (1, 2, 3, 4)]
    assert await total(tx) == 4


async def test_an_event_is_recorded_under_its_observation(tx, node):
    happened = event(at=observation(1).at)
    said = say.Incidents((observation(1), observation(2)), (say.RecordedEvent(observation(1).id, happened),))
    await take_in(tx, SPEAKER, [(said, 1)])
    await take_in(tx, SPEAKER, [(said, 2)])
    day = timedelta(days=1)
    (kept,), _ = await Recordings(tx).latest(happened.at - day, happened.at + day, 10)
    assert (kept.observation, kept.event) == (derived_id("node-1", observation(1).id), happened)


async def test_what_is_between_records_is_not_forgotten(tx, node):
    said = [(record(1), 1), (say.Facts(facts("renamed")), None), (record(2), 2)]
    outcomes = await take_in(tx, SPEAKER, said)
    assert ("node", "node-1") in outcomes[1].events
    assert (await Nodes(tx).get("node-1")).name == "renamed"
    assert await total(tx) == 2


async def test_a_response_that_a_policy_asked_for_is_kept_once_under_audit(tx, node):
    said = say.OwnCommand(records.response())
    foreign = say.OwnCommand(msgspec.structs.replace(records.response(2, state=CommandState.FAILED), node="node-9"))
    await take_in(tx, SPEAKER, [(record(1), 1), (said, 2)])
    await take_in(tx, SPEAKER, [(said, 3), (foreign, 4)])
    failed, done = (await Commands(tx).page(CommandFilter(), PageRequest(sort="-created"))).items
    assert {failed.id, done.id} == {derived_id("node-1", derived_id("own", number)) for number in (1, 2)}
    assert {failed.node, done.node} == {"node-1"}, "an agent speaks for its own node only"
    wanted = CommandFilter(incident=derived_id("node-1", observation(1).id), container=records.container().id)
    (kept,) = (await Commands(tx).page(wanted, PageRequest())).items
    assert (kept.state, kept.created_by, kept.kind) == (CommandState.DONE, "policy:p1", CommandKind.PAUSE_CONTAINER)
    assert (await Incidents(tx).get(kept.incident or "")).rule == "container.terminal-shell"
    told = (await Audit(tx).page(AuditFilter(), PageRequest())).items
    mine = [(each.actor, each.action, each.outcome, each.details["by"]) for each in told if "by" in each.details]
    assert mine == [
        ("node:node-1", "command.failed", "failed", "policy:p1"),
        ("node:node-1", "command.done", "done", "policy:p1"),
    ]


async def test_what_was_learned_is_counted_once_and_only_while_it_is_wanted(tx, node):
    made = await Profiles(tx).create("nginx", LearningTerms(), "user:a")
    said = say.Learned(made.id, 1, 1, 0, (records.tally("/bin/sh"),))
    for record_number in (1, 1, 2):
        [outcome] = await take_in(tx, SPEAKER, [(said, record_number)])
    assert list(outcome.events) == [("profile", made.id)]
    [stale] = await take_in(tx, SPEAKER, [(msgspec.structs.replace(said, generation=9), 3)])
    assert not stale.events
    (entry,) = (await Profiles(tx).entries(made.id, EntryFilter(), PageRequest())).items
    assert (entry.what, entry.seen, entry.times) == ("/bin/sh", 2, 2)


async def test_an_inventory_is_queued_for_matching_once(tx, node):
    await take_in(tx, SPEAKER, [(say.ImageList((say.LocalImage(IMAGE, ("nginx",)),)), None)])
    for _ in range(2):
        [outcome] = await take_in(tx, SPEAKER, [(StoredInventory(IMAGE, inventory()), None)])
        assert outcome.jobs
    job = await Jobs(tx).take(["match"], 60)
    assert job is not None
    assert await waiting(tx) == [IMAGE]
    assert await Jobs(tx).take(["match"], 60) is None


async def test_only_images_without_an_inventory_are_asked_for(tx, node):
    both = say.ImageList((say.LocalImage(IMAGE), say.LocalImage(OTHER_IMAGE)))
    [outcome] = await take_in(tx, SPEAKER, [(both, None)])
    assert set(outcome.missing) == {IMAGE, OTHER_IMAGE}
    await Images(tx).store_inventory(IMAGE, inventory())
    [outcome] = await take_in(tx, SPEAKER, [(both, None)])
    assert outcome.missing == (OTHER_IMAGE,)


async def test_images_that_an_older_reader_read_are_named(tx, node, monkeypatch):
    monkeypatch.setattr(intake, "READER", 3)
    listed = say.ImageList((say.LocalImage(IMAGE), say.LocalImage(OTHER_IMAGE)))
    await take_in(tx, SPEAKER, [(listed, None)])
    await take_in(tx, SPEAKER, [(StoredInventory(IMAGE, inventory(reader=2)), None)])
    for reader, outdated in ((0, ()), (2, ()), (3, (IMAGE,)), (1 << 31, (IMAGE,))):
        [outcome] = await take_in(tx, SPEAKER, [(msgspec.structs.replace(listed, reader=reader), None)])
        assert (outcome.missing, outcome.outdated) == ((OTHER_IMAGE,), outdated), reader
    await take_in(tx, SPEAKER, [(StoredInventory(IMAGE, inventory(reader=1 << 31)), None)])
    assert (await Images(tx).inventory(IMAGE)).reader == 3, "no node's reader is newer than the platform's"
    [outcome] = await take_in(tx, SPEAKER, [(msgspec.structs.replace(listed, reader=3), None)])
    assert outcome.outdated == ()


async def test_only_a_person_has_a_node_replace_what_is_complete(tx, node):
    await take_in(tx, SPEAKER, [(say.ImageList((say.LocalImage(IMAGE),)), None)])
    await take_in(tx, SPEAKER, [(StoredInventory(IMAGE, inventory(reader=READER)), None)])
    other = StoredInventory(IMAGE, inventory((), reader=READER))

    async def packages() -> int:
        await take_in(tx, SPEAKER, [(other, None)])
        return len((await Images(tx).inventory(IMAGE)).packages)

    deadline = tx.now + timedelta(hours=1)
    await Commands(tx).create("node-1", CommandKind.SCAN_NOW, {}, "user:a", deadline)
    assert await packages() > 0
    again = await Commands(tx).create("node-1", CommandKind.SCAN_NOW, {"again": True}, "user:a", deadline)
    assert await packages() == 0
    await take_in(tx, SPEAKER, [(say.CommandUpdate(again.id, "done"), 1)])
    other = StoredInventory(IMAGE, inventory(reader=READER))
    assert await packages() == 0, "the command is done"


async def test_a_heartbeat_tells_only_what_changed(tx, node):
    first, second = [await take_in(tx, SPEAKER, [(Seen(heartbeat(), tx.now), None)]) for _ in range(2)]
    assert list(first[0].events) == [("node", "node-1")]
    assert list(second[0].events) == []


@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=8, unique=True).map(sorted), max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_accepting_a_run_is_accepting_each(storage, runs):
    async with storage.transaction(SCOPE) as tx:
        tag = new_id()
        for run in runs:
            together = await Progress(tx).accept_all("node-1", f"all-{tag}", run)
            each = {number for number in run if await Progress(tx).accept("node-1", f"each-{tag}", number)}
            assert together == each
        assert await Progress(tx).last("node-1", f"all-{tag}") == await Progress(tx).last("node-1", f"each-{tag}")


class TestAskers:
    async def test_a_few_nodes_are_asked_for_one_image(self):
        cache = MemoryCache()
        asked = [node for node in map(str, range(10)) if await askers.choose(cache, "t", node, [IMAGE])]
        assert len(asked) == askers.NODES
        # Who was asked and came back, perhaps after a crash, is asked again.
        assert await askers.choose(cache, "t", asked[0], [IMAGE, OTHER_IMAGE]) == (IMAGE, OTHER_IMAGE)
        assert await askers.choose(cache, "t", "late", [IMAGE, OTHER_IMAGE]) == (OTHER_IMAGE,)
        assert await askers.choose(cache, "other tenant", "late", [IMAGE]) == (IMAGE,)

    async def test_what_is_stored_one_node_reads_again_a_few_at_a_time(self):
        cache = MemoryCache()
        many = [f"sha256:{number:064x}" for number in range(200)]
        first = await askers.choose_again(cache, "t", "a", many)
        assert len(set(first)) == askers.AGAIN_AT_ONCE
        assert await askers.choose_again(cache, "t", "b", first) == ()
        assert set(await askers.choose_again(cache, "t", "a", first)) == set(first), "who came back is asked again"
        await askers.could_not_read(cache, "t", "a", first[0])
        assert first[0] not in await askers.choose_again(cache, "t", "a", first)
        assert await askers.choose_again(cache, "other tenant", "b", first[:1]) == first[:1]


async def test_files_in_use_have_their_image_matched_again_once(tx):
    await enrolled(tx)
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    await Images(tx).store_inventory(IMAGE, inventory())
    await records.matched(tx, IMAGE, records.report())
    used = say.Used(IMAGE, tx.now, 1, whole=True, files=("/usr/sbin/nginx",))
    first, again, foreign = await take_in(
        tx, SPEAKER, [(used, None), (used, None), (msgspec.structs.replace(used, image_id=OTHER_IMAGE), None)]
    )
    assert [each.jobs for each in (first, again, foreign)] == [True, False, False]
    job = await Jobs(tx).take(["match"], 60)
    assert job is not None
