"""What a round writes and notices, by a clock that the test turns."""

import socket
from pathlib import Path

import msgspec
import pytest
from tests.support.database import SCOPE, START, clock, storage
from tests.support.records import enrolled, heartbeat

from hullguard.cache import MemoryCache
from hullguard.hostmgr.authority import Authority
from hullguard.hostmgr.config import HostmgrConfig
from hullguard.hostmgr.fleet import Fleet, Gateway
from hullguard.hostmgr.ingest import Ingest
from hullguard.hostmgr.intake import Speaker
from hullguard.hostmgr.metrics import Metrics
from hullguard.hostmgr.rounds import Rounds
from hullguard.hostmgr.wakes import Wakes
from hullguard.storage.stores import Nodes
from hullguard.wire.violation import Code, Violation

__all__ = ["clock", "storage"]


class Session:
    def __init__(self, node: str) -> None:
        self.speaker = Speaker(node, "default", "default", "s")
        self.looked = 0
        self.ended: Violation | None = None

    def look(self) -> None:
        self.looked += 1

    def end(self, violation: Violation) -> None:
        self.ended = violation


@pytest.fixture
async def gateway(storage, tmp_path: Path):
    cache, metrics = MemoryCache(), Metrics()
    with socket.socket() as listener:
        yield Gateway(
            HostmgrConfig(listener=listener),
            storage,
            cache,
            Authority.open(tmp_path / "ca", START),
            metrics,
            Ingest(storage, cache, metrics),
            Fleet(),
            Wakes(cache),
        )


async def test_signs_of_life_are_written_together(gateway, storage, clock):
    async with storage.transaction(SCOPE) as tx:
        for node in ("node-1", "node-2", "node-3"):
            await enrolled(tx, node)
            await Nodes(tx).heartbeat(node, heartbeat(), tx.now)
    now = clock.forward(seconds=60)
    for node in ("node-1", "node-2"):
        gateway.fleet.seen(Speaker(node, "default", "default", "s"))
    await Rounds(gateway).once()
    async with storage.reading(SCOPE) as tx:
        seen = {node: (await Nodes(tx).get(node)).last_seen for node in ("node-1", "node-2", "node-3")}
    assert seen == {"node-1": now, "node-2": now, "node-3": START}
    assert gateway.fleet.take_seen() == {}


async def test_silence_is_announced_once(gateway, storage, clock):
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        await Nodes(tx).heartbeat("node-1", heartbeat(), tx.now)
    rounds = Rounds(gateway)
    async with gateway.cache.subscribe("stream:default") as events:
        await rounds.once()
        clock.forward(seconds=91)
        await rounds.once()
        clock.forward(seconds=10)
        await rounds.once()
        await gateway.cache.publish("stream:default", msgspec.msgpack.encode("end"))
        assert msgspec.msgpack.decode((await anext(events))[1]) == {"kind": "node", "id": "node-1"}
        assert msgspec.msgpack.decode((await anext(events))[1]) == "end"


async def test_drifting_nodes_that_are_here_look_again(gateway, storage):
    async with storage.transaction(SCOPE) as tx:
        for node in ("node-1", "node-2"):
            await enrolled(tx, node)
            await Nodes(tx).heartbeat(node, heartbeat(), tx.now)
    here = Session("node-1")
    gateway.fleet.enter(here)
    await Rounds(gateway).once()
    assert here.looked == 1


class TestFleet:
    def test_the_newest_session_of_a_node_wins(self):
        fleet, old, new = Fleet(), Session("n"), Session("n")
        fleet.enter(old)
        fleet.enter(new)
        assert old.ended is not None
        assert old.ended.code == Code.SESSION_REPLACED
        fleet.leave(old)
        assert fleet.get("n") is new
        fleet.leave(new)
        assert fleet.get("n") is None
        assert len(fleet) == 0
