"""Recorded events: kept once, by cluster and span, and forgotten."""

from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.attack import seen
from tests.support.database import SCOPE, START, Clock
from tests.support.events import event
from tests.support.records import enrolled

from hullguard.model.identity import Scope
from hullguard.storage import Storage, Transaction
from hullguard.storage.retention import sweep
from hullguard.storage.stores import Incidents, Recordings, recordings
from hullguard.storage.stores.recordings import KEPT, MOST_OF_INCIDENT

SECOND = timedelta(seconds=1)


async def recorded(tx: Transaction, limit: int = 1000) -> tuple[list[str], int]:
    found, more = await Recordings(tx).latest(START - KEPT, START + KEPT, limit)
    return [each.observation for each in found], more


async def test_an_event_is_recorded_with_its_observation_and_once(tx: Transaction) -> None:
    await enrolled(tx)
    first, second = seen(1), seen(2, at=START + SECOND)
    happened = event(at=START)
    for _ in range(2):
        await Incidents(tx).insert("node-1", [first, second], START, {first.id: happened})
    (kept,), more = await Recordings(tx).latest(START, START + SECOND, 10)
    assert (kept.observation, kept.event, more) == (first.id, happened, 0)


async def test_what_a_self_test_did_is_not_recorded(tx: Transaction) -> None:
    await enrolled(tx)
    test, real = structs.replace(seen(1), self_test=True), seen(2, at=START + SECOND)
    events = {each.id: event(at=each.at) for each in (test, real)}
    await Incidents(tx).insert("node-1", [test, real], START, events)

    assert await recorded(tx) == ([real.id], 0)


async def test_the_latest_of_a_span_are_told_and_the_others_counted(tx: Transaction) -> None:
    await Recordings(tx).keep("default", {f"o{number}": event(at=START + number * SECOND) for number in range(9)})
    assert await recorded(tx, 3) == (["o6", "o7", "o8"], 6)
    found, more = await Recordings(tx).latest(START + 2 * SECOND, START + 4 * SECOND, 10)
    assert ([each.observation for each in found], more) == (["o2", "o3"], 0)


async def test_a_noisy_incident_pushes_nothing_else_out(tx: Transaction) -> None:
    await enrolled(tx)
    many = [seen(number, at=START + number * SECOND / 10) for number in range(MOST_OF_INCIDENT + 50)]
    for start in range(0, len(many), 60):
        batch = many[start : start + 60]
        await Incidents(tx).insert("node-1", batch, START, {each.id: event(at=each.at) for each in batch})
    assert len((await recorded(tx))[0]) == MOST_OF_INCIDENT


async def test_clusters_see_their_own(tx: Transaction) -> None:
    await Recordings(tx).keep("blue", {"b": event(at=START)})
    await Recordings(tx).keep("green", {"g": event(at=START)})
    assert (await recorded(tx.within(Scope(SCOPE.tenant, frozenset({"blue"})))))[0] == ["b"]


async def test_what_is_old_or_too_much_goes(storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "MOST", 4)
    async with storage.transaction(SCOPE) as tx:
        await Recordings(tx).keep("blue", {f"b{number}": event(at=START + number * SECOND) for number in range(6)})
        await Recordings(tx).keep("green", {"g": event(at=START)})
    async with storage.transaction(SCOPE) as tx:
        assert (await sweep(tx))["recorded_events"] == 2
        assert sorted((await recorded(tx))[0]) == ["b2", "b3", "b4", "b5", "g"]
    clock.now = START + KEPT
    async with storage.transaction(SCOPE) as tx:
        assert (await sweep(tx))["recorded_events"] == 1
        assert sorted((await recorded(tx))[0]) == ["b2", "b3", "b4", "b5"]
