"""The lists of containers, nodes and audit records against plain models of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import START, walked
from tests.support.records import IMAGE, OTHER_IMAGE, container, enrolled, facts, heartbeat

from hullguard import audit
from hullguard.model.audit import AuditRecord
from hullguard.model.event import ImageRef
from hullguard.model.identity import Scope
from hullguard.model.node import Container, NodeState, Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies, Binding, PolicySpec
from hullguard.storage import PageRequest, Transaction, node_state
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    ContainerFilter,
    Containers,
    NodeFilter,
    Nodes,
    Policies,
    overview,
)

FRESH = count()
STATES = ("running", "exited", "paused", "")
relaxed = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
SECOND = timedelta(seconds=1)

placed = st.tuples(
    st.sampled_from("ab"),
    st.sampled_from(["web", "WEB-2", "库_1%", ""]),
    st.sampled_from([IMAGE, OTHER_IMAGE]),
    st.sampled_from(["nginx:1", "网页\\x"]),
    st.sampled_from(STATES),
)


@relaxed
@given(
    st.lists(placed, max_size=8),
    st.sampled_from([None, "a", "b", ""]),
    st.sampled_from([None, IMAGE, OTHER_IMAGE, ""]),
    st.sampled_from([None, *STATES]),
    st.sampled_from([None, None, "web", "%", "_", "\\", "库", "主机"]),
    st.sampled_from(["name", "-name", "image", "-image", "state", "-state"]),
)
async def test_the_containers_listed_are_those_that_a_plain_loop_finds(
    tx: Transaction,
    drawn: list[tuple[str, str, str, str, str]],
    node: str | None,
    image: str | None,
    state: str | None,
    q: str | None,
    sort: str,
) -> None:
    own = tx.within(Scope(f"tenant-{next(FRESH)}"))
    everything: list[tuple[str, Container]] = []
    for number, (on, name, of, image_name, each_state) in enumerate(drawn):
        made = structs.replace(container(number, state=each_state), name=name, image=ImageRef(of, image_name))
        everything.append((on, made))
    for on in "ab":
        await Nodes(own).enrol(on, "default", facts(f"主机-{on}"), f"{own.scope.tenant}-{on}", START)
        await Containers(own).replace(on, [made for at, made in everything if at == on])
    found = await walked(
        lambda step: Containers(own).page(ContainerFilter(node, image, state), step), 2, sort=sort, q=q
    )
    keys: dict[str, Callable[[Container], str]] = {
        "name": lambda each: each.name,
        "image": lambda each: each.image.name,
        "state": lambda each: each.state,
    }
    expected = [
        each
        for on, each in everything
        if node in {None, on}
        and image in {None, each.image.id}
        and state in {None, each.state}
        and (q is None or any(q in text.lower() for text in (each.name, each.id, each.image.name, f"主机-{on}")))
    ]
    key = keys[sort.removeprefix("-")]
    expected.sort(key=lambda each: (key(each), each.id), reverse=sort.startswith("-"))
    assert [each.id for each in found] == [each.id for each in expected]
    for each in found:
        assert each.node_name == f"主机-{each.node}"
    assert (await overview(own)).containers == sum(each.state == "running" for _, each in everything)


actions = st.tuples(
    st.sampled_from(["user:a", "user:%", "系统"]),
    st.sampled_from(["policy.update", "policy_update"]),
    st.sampled_from(["policy:1", "policy:10", ""]),
    st.sampled_from(["done", "refused"]),
    st.integers(0, 3),
)


@relaxed
@given(
    st.lists(actions, max_size=8),
    st.tuples(*(st.sampled_from([None, None, *values]) for values in (
        ["user:a", "user:%", ""], ["policy.update"], ["policy:1", ""], ["done"],
    ))),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([None, 0, 1, 4]),
    st.sampled_from([None, None, "%", "_", "系", "POLICY:1"]),
    st.sampled_from(["sequence", "-sequence"]),
)  # fmt: skip
async def test_the_records_listed_are_those_that_a_plain_loop_finds(
    tx: Transaction,
    drawn: list[tuple[str, str, str, str, int]],
    named: tuple[str | None, ...],
    since: int | None,
    until: int | None,
    q: str | None,
    sort: str,
) -> None:
    own = tx.within(Scope(f"tenant-{next(FRESH)}"))
    everything: list[AuditRecord] = []
    for actor, action, subject, outcome, later in drawn:
        own.now = START + later * SECOND
        everything.append(await audit.record(own, actor, action, subject, outcome=outcome, reason="50%"))
    bounds = [None if each is None else START + each * SECOND for each in (since, until)]
    wanted = AuditFilter(*named, *bounds)
    found = await walked(lambda step: Audit(own).page(wanted, step), 2, sort=sort, q=q)
    expected = [
        each
        for each in everything
        if all(
            value in {None, getattr(each, name)}
            for name, value in zip(("actor", "action", "subject", "outcome"), named, strict=True)
        )
        and (bounds[0] is None or each.at >= bounds[0])
        and (bounds[1] is None or each.at < bounds[1])
        and (q is None or any(q.lower() in text for text in (each.actor, each.action, each.subject, each.reason)))
    ]
    assert found == (expected if sort == "sequence" else expected[::-1])
    assert (await audit.verify(own)).ok


SENSORS = (
    SensorHealth(SensorState.ACTIVE, (Reason("sensor.note", "only a note"),)),
    SensorHealth(SensorState.DEGRADED),
)


async def test_every_mix_of_signs_gives_the_state_that_the_table_says(tx: Transaction) -> None:
    """The words of the documentation, in another order than the code's."""
    made = await Policies(tx).create(PolicySpec("everywhere", binding=Binding(["*"])), "user:a")
    assert made.version == 1
    table: dict[str, tuple[NodeState, bool, bool]] = {}
    mixes = product((True, False), (0, 90, 90.000001), SENSORS, (True, False), (0, 3), ("right", "wrong", None))
    for number, (protection, ago, sensor, runtime, dropped, applied) in enumerate(mixes):
        node = await enrolled(tx, f"n{number:03}", protection=protection)
        wanted = (await Nodes(tx).get(node)).wanted
        assert wanted is not None
        confirmed = {"right": wanted, "wrong": AppliedPolicies(wanted.revision, "0" * 64), None: None}[applied]
        beat = heartbeat(applied=confirmed, sensor=sensor, runtime=runtime, dropped={"low": dropped})
        await Nodes(tx).heartbeat(node, beat, tx.now - timedelta(seconds=ago))
        online, drift = ago <= 90, applied == "wrong" or (applied is None and protection)
        sound = sensor.state is SensorState.ACTIVE and runtime and not dropped
        if not online:
            state = NodeState.OFFLINE
        elif not protection:
            state = NodeState.UNPROTECTED
        else:
            state = NodeState.PROTECTED if sound and not drift else NodeState.DEGRADED
        table[node] = (state, online, drift)
    for each in await walked(lambda step: Nodes(tx).page(NodeFilter(), step), 500):
        assert (each.state, each.online, each.drift) == table[each.id]
        assert bool(each.reasons) == (each.state is not NodeState.PROTECTED)
    for state, online, drift in product((None, *NodeState), (None, True, False), (None, True, False)):
        states = frozenset() if state is None else frozenset({state})
        page = await Nodes(tx).page(NodeFilter(states, online=online, drift=drift), PageRequest(1))
        assert page.total == sum(
            state in {None, row[0]} and online in {None, row[1]} and drift in {None, row[2]} for row in table.values()
        )
    counts = (await overview(tx)).nodes
    assert counts == {
        **{state.value: sum(row[0] is state for row in table.values()) for state in NodeState},
        "total": len(table),
    }


@pytest.mark.parametrize(
    "sort", ["name", "-name", "cluster", "-cluster", "enrolled", "-enrolled", "last_seen", "-last_seen"]
)
async def test_nodes_are_paged_in_each_order_even_those_never_seen(tx: Transaction, sort: str) -> None:
    made: list[tuple[str, str, datetime, datetime]] = []
    for number in range(9):
        tx.now = START + timedelta(hours=number // 2)
        node = await enrolled(tx, f"n{number}", name=f"主机{number % 3}", cluster=f"c{number % 2}", protection=False)
        seen = datetime.min.replace(tzinfo=START.tzinfo)
        if number % 3:
            seen = tx.now + timedelta(minutes=number % 2)
            await Nodes(tx).seen(node, seen)
        made.append((node, f"c{number % 2}", tx.now, seen))
    field = {"cluster": 1, "enrolled": 2, "last_seen": 3}
    name = sort.removeprefix("-")
    made.sort(
        key=lambda row: (f"主机{int(row[0][1:]) % 3}" if name == "name" else row[field[name]], row[0]),
        reverse=sort.startswith("-"),
    )
    found = await walked(lambda step: Nodes(tx).page(NodeFilter(), step), 2, sort=sort)
    assert [each.id for each in found] == [row[0] for row in made]
    assert {each.name for each in found if node_state.online(each.last_seen, tx.now)} == {
        each.name for each in found if each.online
    }


async def test_nodes_that_come_and_go_between_pages_move_nothing_else(tx: Transaction) -> None:
    for name in "bdfhj":
        await enrolled(tx, f"id-{name}", name=name, protection=False)
    first = await Nodes(tx).page(NodeFilter(), PageRequest(2))
    await Nodes(tx).remove("id-d")
    await Nodes(tx).remove("id-f")
    for name in "ace":
        await enrolled(tx, f"id-{name}", name=name, protection=False)
    second = await Nodes(tx).page(NodeFilter(), PageRequest(10, first.cursor))
    assert [each.name for each in first.items + second.items] == ["b", "d", "e", "h", "j"]
    assert (second.total, second.cursor) == (6, None)
