from datetime import datetime, timedelta

import pytest
from msgspec import structs
from tests.support.database import START
from tests.support.records import IMAGE, OTHER_IMAGE, container, enrolled, observation

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.event import ContainerRef
from hullguard.model.identity import Scope
from hullguard.model.incident import IncidentStatus
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Containers, IncidentFilter, Incidents

REQUEST = PageRequest()
ALL = IncidentFilter()


async def found(tx: Transaction, wanted: IncidentFilter, request: PageRequest = REQUEST) -> list[str]:
    page = await Incidents(tx).page(wanted, request)
    assert page.total == len(page.items), wanted
    return [incident.id for incident in page.items]


async def test_an_observation_is_kept_as_it_was_made(tx: Transaction) -> None:
    await enrolled(tx, cluster="blue", name="worker-1")
    seen = observation(severity=Severity.CRITICAL)
    assert await Incidents(tx).insert("node-1", [seen], START + timedelta(seconds=2)) == [seen.id]
    incident = await Incidents(tx).get(seen.id)
    for name in seen.__struct_fields__:
        assert getattr(incident, name) == getattr(seen, name), name
    assert (incident.node, incident.node_name, incident.cluster) == ("node-1", "worker-1", "blue")
    assert (incident.received, incident.status) == (START + timedelta(seconds=2), IncidentStatus.OPEN)
    assert incident.allowed == (IncidentStatus.IGNORED, IncidentStatus.RESOLVED)


async def test_what_a_node_did_to_itself_waits_for_nobody(tx: Transaction) -> None:
    await enrolled(tx)
    seen = structs.replace(observation(), self_test=True)
    await Incidents(tx).insert("node-1", [seen], START)
    incident = await Incidents(tx).get(seen.id)

    assert incident.self_test
    assert (incident.status, incident.handled_by) == (IncidentStatus.IGNORED, None)
    assert await found(tx, IncidentFilter(status=frozenset({IncidentStatus.OPEN}))) == []

    graver = structs.replace(observation(2, severity=Severity.CRITICAL), self_test=True, lineage=seen.lineage)
    await Incidents(tx).insert("node-1", [graver], START)
    assert (await Incidents(tx).get(graver.id)).status is IncidentStatus.IGNORED


async def test_but_what_joins_it_and_is_no_test_opens_it(tx: Transaction) -> None:
    await enrolled(tx)
    seen = structs.replace(observation(), self_test=True)
    await Incidents(tx).insert("node-1", [seen], START)
    real = structs.replace(observation(2, severity=Severity.LOW), lineage=seen.lineage)
    await Incidents(tx).insert("node-1", [real], START)

    assert (await Incidents(tx).get(seen.id)).status is IncidentStatus.OPEN

    again = structs.replace(observation(3), self_test=True, lineage=seen.lineage)
    await Incidents(tx).insert("node-1", [again], START)
    assert (await Incidents(tx).get(seen.id)).status is IncidentStatus.OPEN


async def test_what_is_sent_twice_is_stored_and_counted_once(tx: Transaction) -> None:
    await enrolled(tx)
    incidents = Incidents(tx)
    first, second = observation(1), observation(2)
    assert await incidents.insert("node-1", [first, first], START) == [first.id]
    assert await incidents.insert("node-1", [first, second], START) == [second.id]
    assert await incidents.insert("node-1", [], START) == []
    assert await found(tx, ALL) == sorted([first.id, second.id], reverse=True)


async def test_a_batch_larger_than_one_statement_is_taken_in(tx: Transaction) -> None:
    await enrolled(tx)
    many = [observation(number) for number in range(1300)]
    assert len(await Incidents(tx).insert("node-1", many, START)) == 1300
    assert await Incidents(tx).insert("node-1", many, START) == []
    assert (await Incidents(tx).page(ALL, PageRequest(1))).total == 1300


async def test_odd_texts_and_times_do_not_stop_a_batch(tx: Transaction) -> None:
    await enrolled(tx)
    seen = observation(1, at=datetime(2026, 3, 1, 12), rule="r" * 500)  # noqa: DTZ001 - an agent may send that
    odd = type(seen)(
        **{name: getattr(seen, name) for name in seen.__struct_fields__}
        | {"container": ContainerRef("c" * 400, "\0'\"")}
    )
    assert await Incidents(tx).insert("node-1", [odd], START) == [odd.id]
    incident = await Incidents(tx).get(odd.id)
    assert (incident.at, len(incident.container.id), len(incident.rule)) == (START, 255, 128)


async def test_nodes_that_are_not_known_report_nothing(tx: Transaction) -> None:
    with pytest.raises(NotFound):
        await Incidents(tx).insert("nobody", [observation()], START)


async def test_newest_come_first_across_pages(tx: Transaction) -> None:
    await enrolled(tx)
    seen = [observation(number, at=START + timedelta(seconds=number // 3)) for number in range(20)]
    await Incidents(tx).insert("node-1", seen, START)
    expected = [each.id for each in sorted(seen, key=lambda each: (each.at, each.id), reverse=True)]
    walked: list[str] = []
    cursor = None
    while True:
        page = await Incidents(tx).page(ALL, PageRequest(7, cursor))
        walked += [incident.id for incident in page.items]
        assert page.total == 20
        cursor = page.cursor
        if cursor is None:
            break
    assert walked == expected


async def test_lists_filter_alone_and_together(tx: Transaction) -> None:
    await enrolled(tx, "a")
    await enrolled(tx, "b")
    seen = {
        "low": observation(1, severity=Severity.LOW, at=START),
        "high": observation(2, severity=Severity.HIGH, at=START + timedelta(hours=1), rule="file.read-sensitive"),
        "critical": observation(3, severity=Severity.CRITICAL, at=START + timedelta(hours=2), image=OTHER_IMAGE),
        "bare": observation(4, severity=Severity.LOW, at=START + timedelta(hours=3), image=None, on="f" * 64),
    }
    await Incidents(tx).insert("a", [seen["low"], seen["high"]], START)
    await Incidents(tx).insert("b", [seen["critical"], seen["bare"]], START)
    await Incidents(tx).handle(seen["low"].id, IncidentStatus.IGNORED, "", "user:a")
    open_ones, severe = frozenset({IncidentStatus.OPEN}), frozenset({Severity.HIGH, Severity.CRITICAL})
    for wanted, names in (
        (ALL, "bare critical high low"),
        (IncidentFilter(status=open_ones), "bare critical high"),
        (IncidentFilter(status=frozenset(IncidentStatus)), "bare critical high low"),
        (IncidentFilter(severity=frozenset({Severity.LOW})), "bare low"),
        (IncidentFilter(severity=severe), "critical high"),
        (IncidentFilter(severity=frozenset({Severity.LOW}), status=open_ones), "bare"),
        (IncidentFilter(rule="file.read-sensitive"), "high"),
        (IncidentFilter(rule="file.read-sensitive", severity=severe, status=open_ones), "high"),
        (IncidentFilter(node="a"), "high low"),
        (IncidentFilter(node="a", status=open_ones), "high"),
        (IncidentFilter(container="f" * 64), "bare"),
        (IncidentFilter(container="f" * 64, node="a"), ""),
        (IncidentFilter(image=OTHER_IMAGE), "critical"),
        (IncidentFilter(image=IMAGE, since=START + timedelta(minutes=1)), "high"),
        (IncidentFilter(since=START + timedelta(hours=1), until=START + timedelta(hours=3)), "critical high"),
        (IncidentFilter(rule="nothing"), ""),
    ):
        assert await found(tx, wanted) == [seen[name].id for name in names.split()], wanted
    assert await found(tx, ALL, PageRequest(q="SENSITIVE")) == [seen["high"].id]
    assert await found(tx, IncidentFilter(status=open_ones), PageRequest(q="terminal")) == [
        seen["bare"].id,
        seen["critical"].id,
    ]


@pytest.mark.parametrize(
    "steps",
    [
        [IncidentStatus.IGNORED, IncidentStatus.OPEN],
        [IncidentStatus.IGNORED, IncidentStatus.RESOLVED, IncidentStatus.OPEN, IncidentStatus.RESOLVED],
    ],
)
async def test_an_incident_is_handled_and_the_counts_follow(tx: Transaction, steps: list[IncidentStatus]) -> None:
    await enrolled(tx)
    (incident,) = await Incidents(tx).insert("node-1", [observation()], START)
    for step in steps:
        before = await Incidents(tx).get(incident)
        assert step in before.allowed
        after = await Incidents(tx).handle(incident, step, f"now {step}", "user:alice")
        assert (after.status, after.note, after.handled_by) == (step, f"now {step}", "user:alice")
        assert after.handled_at == tx.now
        for status in IncidentStatus:
            assert await found(tx, IncidentFilter(status=frozenset({status}))) == [incident] * (status is step)


@pytest.mark.parametrize("status", [IncidentStatus.OPEN, IncidentStatus.RESOLVED, IncidentStatus.IGNORED])
async def test_a_step_that_is_not_allowed_changes_nothing(tx: Transaction, status: IncidentStatus) -> None:
    await enrolled(tx)
    (incident,) = await Incidents(tx).insert("node-1", [observation()], START)
    if status is not IncidentStatus.OPEN:
        await Incidents(tx).handle(incident, IncidentStatus.RESOLVED, "", "user:a")
    with pytest.raises(Conflict) as refused:
        await Incidents(tx).handle(incident, status, "", "user:b")
    assert refused.value.code == "incident.transition"
    assert (await Incidents(tx).get(incident)).handled_by != "user:b"


async def test_open_incidents_show_at_their_container(tx: Transaction) -> None:
    await enrolled(tx)
    await Containers(tx).replace("node-1", [container(1), container(2)])
    ids = await Incidents(tx).insert("node-1", [observation(1), observation(2)], START)
    await Incidents(tx).handle(ids[0], IncidentStatus.RESOLVED, "", "user:a")
    assert (await Containers(tx).get(container(1).id)).open_incidents == 1
    assert (await Containers(tx).get(container(2).id)).open_incidents == 0


async def test_a_scope_of_clusters_sees_its_own(tx: Transaction) -> None:
    await enrolled(tx, "a", cluster="blue")
    await enrolled(tx, "b", cluster="green")
    (blue,) = await Incidents(tx).insert("a", [observation(1)], START)
    (green,) = await Incidents(tx).insert("b", [observation(2)], START)
    narrow = tx.within(Scope("default", frozenset({"green"})))
    assert await found(narrow, ALL) == [green]
    with pytest.raises(NotFound):
        await Incidents(narrow).handle(blue, IncidentStatus.RESOLVED, "", "user:a")
    assert await found(tx.within(Scope("default", frozenset())), ALL) == []
