import itertools
from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import SCOPE, START, Clock
from tests.support.records import IMAGE, container, enrolled, facts, heartbeat, observation

from hullguard.model.command import CommandKind
from hullguard.model.errors import Conflict, NotFound, QuotaExhausted
from hullguard.model.identity import Scope
from hullguard.model.node import NodeState, Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies, Binding, PolicySpec, policies_hash
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import (
    Certificates,
    Commands,
    Containers,
    Images,
    Incidents,
    NodeFilter,
    Nodes,
    Policies,
    Progress,
    Quotas,
)

NOTHING = AppliedPolicies(0, policies_hash(()))
ALL = NodeFilter()
REQUEST = PageRequest()


async def ids(tx: Transaction, wanted: NodeFilter, request: PageRequest = REQUEST) -> list[str]:
    page = await Nodes(tx).page(wanted, request)
    assert page.total == len(page.items)
    return [node.id for node in page.items]


async def test_a_new_node_is_offline_and_unprotected(tx: Transaction) -> None:
    await Nodes(tx).enrol("node-1", "blue", facts("worker-1"), "f1", START + timedelta(days=7))
    node = await Nodes(tx).get("node-1")
    assert (node.name, node.cluster, node.protection, node.online) == ("worker-1", "blue", False, False)
    assert (node.state, [reason.code for reason in node.reasons]) == (NodeState.OFFLINE, ["node.never-seen"])
    assert (node.facts, node.enrolled, node.last_seen, node.wanted) == (facts("worker-1"), START, None, NOTHING)


async def test_a_node_enrols_once(tx: Transaction) -> None:
    await enrolled(tx)
    with pytest.raises(Conflict, match="enrolled already"):
        await enrolled(tx)


async def test_a_certificate_names_its_node_until_it_expires(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx, cluster="blue")
        await Nodes(tx).renewed("node-1", "second", START + timedelta(days=14))
    async with storage.reading(Scope("whoever")) as tx:
        for fingerprint in ("fingerprint-node-1", "second"):
            identity = await Nodes(tx).by_certificate(fingerprint)
            assert identity is not None
            assert (identity.node, identity.tenant, identity.cluster) == ("node-1", "default", "blue")
        assert await Nodes(tx).by_certificate("third") is None
    clock.forward(days=8)
    async with storage.reading(SCOPE) as tx:
        assert await Nodes(tx).by_certificate("fingerprint-node-1") is None
        assert await Nodes(tx).by_certificate("second") is not None


async def test_a_revoked_certificate_names_nobody(tx: Transaction) -> None:
    await enrolled(tx)
    assert await Certificates(tx).revoke("node-1") == 1
    assert await Certificates(tx).revoke("node-1") == 0
    assert await Nodes(tx).by_certificate("fingerprint-node-1") is None


async def test_a_heartbeat_says_whether_the_state_changed(tx: Transaction) -> None:
    await enrolled(tx)
    nodes = Nodes(tx)
    assert await nodes.heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)
    assert (await nodes.get("node-1")).state is NodeState.PROTECTED
    assert not await nodes.heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)
    assert not await nodes.heartbeat("node-1", heartbeat(applied=NOTHING, spool=9), tx.now)
    assert await nodes.heartbeat("node-1", heartbeat(applied=NOTHING, runtime=False), tx.now)
    node = await nodes.get("node-1")
    assert (node.state, [reason.code for reason in node.reasons]) == (NodeState.DEGRADED, ["runtime.unreachable"])
    assert await nodes.heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)


async def test_a_heartbeat_after_silence_is_a_change(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        await Nodes(tx).heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)
    clock.forward(seconds=91)
    async with storage.transaction(SCOPE) as tx:
        assert (await Nodes(tx).get("node-1")).state is NodeState.OFFLINE
        assert await Nodes(tx).turned_offline(clock.now - timedelta(seconds=30)) == ["node-1"]
        assert await Nodes(tx).turned_offline(clock.now - timedelta(seconds=0)) == []
        assert await Nodes(tx).heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)
        assert (await Nodes(tx).get("node-1")).online


async def test_hostile_figures_in_a_heartbeat_do_no_harm(tx: Transaction) -> None:
    await enrolled(tx)
    hostile = heartbeat(applied=AppliedPolicies(2**70, "x" * 500), dropped={"low": 2**70, "high": -5}, spool=-1)
    await Nodes(tx).heartbeat("node-1", hostile, tx.now)
    node = await Nodes(tx).get("node-1")
    assert node.spool_dropped == 2**63 - 1
    assert node.applied is not None
    assert len(node.applied.hash) == 64


async def test_last_seen_is_written_seldom(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        await Nodes(tx).seen("node-1", START)
        await Nodes(tx).seen("node-1", START + timedelta(seconds=19))
        assert (await Nodes(tx).get("node-1")).last_seen == START
        await Nodes(tx).seen_many(["node-1", "unknown"], START + timedelta(seconds=20))
        assert (await Nodes(tx).get("node-1")).last_seen == START + timedelta(seconds=20)


async def test_an_old_heartbeat_does_not_turn_the_clock_back(tx: Transaction) -> None:
    await enrolled(tx)
    await Nodes(tx).seen("node-1", START)
    await Nodes(tx).heartbeat("node-1", heartbeat(), START - timedelta(minutes=5))
    assert (await Nodes(tx).get("node-1")).last_seen == START


async def test_new_facts_rename_the_node(tx: Transaction) -> None:
    await enrolled(tx)
    await Nodes(tx).facts("node-1", facts("n" * 400))
    assert (await Nodes(tx).get("node-1")).name == "n" * 255


async def test_protection_takes_a_unit_and_gives_it_back(tx: Transaction) -> None:
    await Quotas(tx).set_total(1)
    await enrolled(tx, "a", protection=False)
    await enrolled(tx, "b", protection=False)
    assert (await Nodes(tx).protect("a", on=True)).protection
    await Nodes(tx).protect("a", on=True)
    with pytest.raises(QuotaExhausted):
        await Nodes(tx).protect("b", on=True)
    assert not (await Nodes(tx).get("b")).protection
    await Nodes(tx).protect("a", on=False)
    await Nodes(tx).protect("b", on=True)
    assert (await Quotas(tx).get()).used == 1


async def test_the_filters_agree_with_the_one_place_that_decides_the_state(storage: Storage, clock: Clock) -> None:
    sensors = (None, SensorHealth(SensorState.ACTIVE), SensorHealth(SensorState.OFF))
    bad = (Reason("disk.full", "the disk is full"),)
    kinds = list(
        itertools.product((True, False), sensors, (True, False), ({}, {"low": 1}), ((), bad), ("none", "same", "other"))
    )
    async with storage.transaction(SCOPE) as tx:
        for number, (on, sensor, runtime, dropped, reasons, applies) in enumerate(kinds):
            node = await enrolled(tx, f"{number:04}", protection=on)
            applied = {"none": None, "same": NOTHING, "other": AppliedPolicies(1, "other")}[applies]
            beat = heartbeat(applied=applied, runtime=runtime, dropped=dropped, sensor=sensor)
            if sensor is not None:
                await Nodes(tx).heartbeat(node, structs.replace(beat, reasons=reasons), tx.now)
            elif number % 2:
                await Nodes(tx).seen(node, tx.now)
    for seconds in (0, 91):
        clock.forward(seconds=seconds)
        async with storage.reading(SCOPE) as tx:
            everyone = (await Nodes(tx).page(ALL, PageRequest(500))).items
            assert len(everyone) == len(kinds)
            request = PageRequest(500)
            for state in NodeState:
                expected = [node.id for node in everyone if node.state is state]
                assert await ids(tx, NodeFilter(state=frozenset({state})), request) == expected
            for flag in (True, False):
                for name in ("protection", "online", "drift"):
                    expected = [node.id for node in everyone if getattr(node, name) is flag]
                    assert await ids(tx, NodeFilter(**{name: flag}), request) == expected


async def test_lists_filter_search_sort_and_count(tx: Transaction) -> None:
    await enrolled(tx, "a", name="web-1", cluster="blue")
    await enrolled(tx, "b", name="db-1", cluster="green")
    await enrolled(tx, "c", name="web-2", cluster="green")
    await Nodes(tx).seen("c", tx.now)
    assert await ids(tx, ALL) == ["b", "a", "c"]
    assert await ids(tx, NodeFilter(cluster="green"), PageRequest(sort="-name")) == ["c", "b"]
    assert await ids(tx, ALL, PageRequest(q="WEB")) == ["a", "c"]
    assert await ids(tx, ALL, PageRequest(sort="-last_seen")) == ["c", "b", "a"]
    first = await Nodes(tx).page(ALL, PageRequest(1, sort="last_seen"))
    second = await Nodes(tx).page(ALL, PageRequest(2, first.cursor, "last_seen"))
    assert [node.id for node in (*first.items, *second.items)] == ["a", "b", "c"]
    both = frozenset({NodeState.DEGRADED, NodeState.OFFLINE})
    assert await ids(tx, NodeFilter(state=both)) == ["b", "a", "c"]


async def test_a_node_counts_what_lies_on_it(tx: Transaction) -> None:
    await enrolled(tx)
    await enrolled(tx, "node-2")
    await Containers(tx).replace("node-1", [container(1), container(2)])
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    await Incidents(tx).insert("node-1", [observation(1), observation(2)], tx.now)
    node = await Nodes(tx).get("node-1")
    assert (node.containers, node.images, node.open_incidents) == (2, 1, 2)
    other = await Nodes(tx).get("node-2")
    assert (other.containers, other.images, other.open_incidents) == (0, 0, 0)


async def test_a_removed_node_leaves_only_its_incidents(tx: Transaction) -> None:
    await enrolled(tx)
    await Containers(tx).replace("node-1", [container()])
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    await Progress(tx).accept("node-1", "boot", 5)
    (incident,) = await Incidents(tx).insert("node-1", [observation()], tx.now)
    command = await Commands(tx).create("node-1", CommandKind.SCAN_NOW, {}, "user:a", tx.now + timedelta(hours=1))
    await Nodes(tx).remove("node-1")
    with pytest.raises(NotFound):
        await Nodes(tx).get("node-1")
    assert await Nodes(tx).by_certificate("fingerprint-node-1") is None
    assert (await Quotas(tx).get()).used == 0
    assert await Progress(tx).last("node-1", "boot") == 0
    assert (await Commands(tx).get(command.id)).state == "cancelled"
    assert (await Incidents(tx).get(incident)).node_name == "node-1"
    assert (await Images(tx).detail(IMAGE)).nodes == 0
    with pytest.raises(NotFound):
        await Containers(tx).get(container().id)


async def test_drift_ends_when_the_agent_confirms(tx: Transaction) -> None:
    await enrolled(tx)
    await Nodes(tx).heartbeat("node-1", heartbeat(applied=NOTHING), tx.now)
    await Policies(tx).create(PolicySpec("all", binding=Binding(["*"])), "user:a")
    node = await Nodes(tx).get("node-1")
    assert (node.drift, node.state) == (True, NodeState.DEGRADED)
    assert node.wanted is not None
    await Nodes(tx).heartbeat("node-1", heartbeat(applied=node.wanted), tx.now)
    assert (await Nodes(tx).get("node-1")).state is NodeState.PROTECTED


@pytest.mark.parametrize("call", ["get", "remove"])
async def test_an_unknown_node_is_not_found(tx: Transaction, call: str) -> None:
    with pytest.raises(NotFound, match="nobody"):
        await getattr(Nodes(tx), call)("nobody")
    with pytest.raises(NotFound):
        await Nodes(tx).heartbeat("nobody", heartbeat(), tx.now)
