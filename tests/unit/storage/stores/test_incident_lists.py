"""The list of incidents against a plain model of it: every filter, alone and with others."""

from datetime import datetime, timedelta, timezone
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from tests.support.database import SCOPE, START, walked
from tests.support.records import IMAGE, OTHER_IMAGE, enrolled, observation

from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.identity import Scope
from hullguard.model.incident import Incident, IncidentStatus, Observation
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import IncidentFilter, Incidents, overview

MICROSECOND = timedelta(microseconds=1)
NODES = ("a", "b", "")
RULES = ("container.terminal-shell", "file.read-sensitive", "100%_sure\\")
TIMES = [START + step * unit for step in (-1, 0, 1) for unit in (MICROSECOND, timedelta(hours=1), timedelta(days=3))]
FRESH = count()

observations = st.builds(
    lambda at, rule, severity, on, image, name: (at, rule, severity, on, image, name),
    st.sampled_from(TIMES),
    st.sampled_from(RULES),
    st.sampled_from(Severity),
    st.sampled_from(["c1", "c2"]),
    st.sampled_from([IMAGE, OTHER_IMAGE, None]),
    st.sampled_from(["nginx:1.25", "库/网页:1", "50%_off", "NGINX"]),
)
filters = st.builds(
    IncidentFilter,
    status=st.frozensets(st.sampled_from(IncidentStatus)),
    severity=st.frozensets(st.sampled_from(Severity), max_size=3),
    rule=st.sampled_from([None, None, *RULES, ""]),
    node=st.sampled_from([None, None, *NODES]),
    container=st.sampled_from([None, None, "c1", ""]),
    image=st.sampled_from([None, None, IMAGE, ""]),
    since=st.sampled_from([None, None, *TIMES]),
    until=st.sampled_from([None, None, *TIMES]),
)
questions = st.sampled_from([None, None, "%", "_", "\\", "网页", "nGiNx", "b", "terminal", " "])
narrow = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def admits(wanted: IncidentFilter, each: Incident, q: str | None) -> bool:
    """What the filters mean, said once more and plainly."""
    image = None if each.image is None else each.image.id
    texts = (each.rule, each.node_name, each.container.name, each.container.id, each.image.name if each.image else "")
    return (
        (not wanted.status or each.status in wanted.status)
        and (not wanted.severity or each.severity in wanted.severity)
        and wanted.rule in {None, each.rule}
        and wanted.node in {None, each.node}
        and wanted.container in {None, each.container.id}
        and (wanted.image is None or wanted.image == image)
        and (wanted.since is None or each.at >= wanted.since)
        and (wanted.until is None or each.at < wanted.until)
        and (not (q or "").strip() or any((q or "").strip().lower() in text.lower() for text in texts))
    )


async def tenant_with(tx: Transaction, drawn: list[tuple[str, IncidentStatus, Observation]]) -> Transaction:
    """A tenant of its own that knows these incidents."""
    own = tx.within(Scope(f"tenant-{next(FRESH)}"))
    for node in ("a", "b"):
        await enrolled(own, f"{own.scope.tenant}-{node}", name=node, protection=False)
    for node, status, seen in drawn:
        await Incidents(own).insert(f"{own.scope.tenant}-{node}", [seen], START)
        if status is not IncidentStatus.OPEN:
            await Incidents(own).handle(seen.id, status, "", "user:a")
    return own


def seen_as(number: int, drawn: tuple[datetime, str, Severity, str, str | None, str]) -> Observation:
    at, rule, severity, on, image, name = drawn
    made = observation(number, at=at, severity=severity, rule=rule, on=on, image=image)
    return structs.replace(made, image=None if image is None else ImageRef(image, name))


@narrow
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(IncidentStatus), observations), max_size=7),
    st.lists(st.tuples(filters, questions), min_size=1, max_size=6),
    st.sampled_from(["at", "-at"]),
    st.integers(1, 4),
)
async def test_every_filter_means_what_a_plain_loop_says(
    tx: Transaction,
    drawn: list[tuple[str, IncidentStatus, tuple[datetime, str, Severity, str, str | None, str]]],
    asked: list[tuple[IncidentFilter, str | None]],
    sort: str,
    limit: int,
) -> None:
    own = await tenant_with(
        tx, [(node, status, seen_as(number, each)) for number, (node, status, each) in enumerate(drawn)]
    )
    store = Incidents(own)
    everything = [await store.get(seen_as(number, each).id) for number, (_, _, each) in enumerate(drawn)]
    for drawn_filter, q in asked:
        node = drawn_filter.node and f"{own.scope.tenant}-{drawn_filter.node}"
        wanted = structs.replace(drawn_filter, node=node)
        expected = sorted(
            (each for each in everything if admits(wanted, each, q)),
            key=lambda each: (each.at, each.id),
            reverse=sort == "-at",
        )
        found = await walked(lambda step, wanted=wanted: store.page(wanted, step), limit, sort=sort, q=q)
        assert [each.id for each in found] == [each.id for each in expected]
    figures = await overview(own)
    opened = [each for each in everything if each.status is IncidentStatus.OPEN]
    assert figures.incidents_open == {
        severity: sum(each.severity is severity for each in opened) for severity in Severity
    }
    assert dict(figures.incidents_per_day) == {
        day: sum(each.at.date().isoformat() == day and each.status is not IncidentStatus.IGNORED for each in everything)
        for day, _ in figures.incidents_per_day
    }


@pytest.mark.parametrize("name", ["rule", "node", "container", "image"])
async def test_an_empty_text_is_a_filter_that_nothing_passes(tx: Transaction, name: str) -> None:
    await enrolled(tx)
    await Incidents(tx).insert("node-1", [observation()], START)
    page = await Incidents(tx).page(IncidentFilter(**{name: ""}), PageRequest())
    assert (page.items, page.total) == ([], 0)


async def test_time_bounds_hold_to_the_microsecond(tx: Transaction) -> None:
    await enrolled(tx)
    seen = [observation(number, at=START + number * MICROSECOND) for number in range(3)]
    await Incidents(tx).insert("node-1", seen, START)
    for since, until, numbers in ((0, 3, [2, 1, 0]), (1, 2, [1]), (1, 1, []), (2, 1, []), (0, 1, [0])):
        wanted = IncidentFilter(since=START + since * MICROSECOND, until=START + until * MICROSECOND)
        page = await Incidents(tx).page(wanted, PageRequest())
        assert ([each.id for each in page.items], page.total) == ([seen[number].id for number in numbers], len(numbers))


async def test_a_bound_in_another_zone_is_the_same_instant(tx: Transaction) -> None:
    await enrolled(tx)
    await Incidents(tx).insert("node-1", [observation(1, at=START)], START)
    shanghai = START.astimezone(timezone(timedelta(hours=8)))
    assert (await Incidents(tx).page(IncidentFilter(since=shanghai), PageRequest())).total == 1
    assert (await Incidents(tx).page(IncidentFilter(until=shanghai), PageRequest())).total == 0


async def test_incidents_that_come_between_pages_neither_repeat_nor_hide_one(tx: Transaction) -> None:
    await enrolled(tx)
    store = Incidents(tx)
    early = [observation(number, at=START + timedelta(seconds=number // 2)) for number in range(8)]
    await store.insert("node-1", early, START)
    shown, cursor, late = [], None, 100
    while True:
        page = await store.page(IncidentFilter(), PageRequest(3, cursor))
        shown += [each.id for each in page.items]
        if page.cursor is None:
            break
        cursor = page.cursor
        await store.insert("node-1", [observation(late, at=START + timedelta(hours=1))], START)
        late += 1
    assert sorted(shown) == sorted(each.id for each in early)
    assert page.total == len(early) + late - 100


async def test_a_filter_may_change_under_a_cursor_without_an_error(tx: Transaction) -> None:
    await enrolled(tx)
    await Incidents(tx).insert("node-1", [observation(number) for number in range(4)], START)
    first = await Incidents(tx).page(IncidentFilter(), PageRequest(2))
    narrowed = IncidentFilter(status=frozenset({IncidentStatus.RESOLVED}))
    second = await Incidents(tx).page(narrowed, PageRequest(2, first.cursor))
    assert (second.items, second.total, second.cursor) == ([], 0, None)


async def test_handling_one_twice_from_two_screens_counts_once(tx: Transaction) -> None:
    await enrolled(tx)
    one, two = observation(1), observation(2)
    await Incidents(tx).insert("node-1", [one, two, one], START)
    await Incidents(tx).handle(one.id, IncidentStatus.IGNORED, "备注 '; --", "user:a")
    for status, total in ((IncidentStatus.OPEN, 1), (IncidentStatus.IGNORED, 1), (IncidentStatus.RESOLVED, 0)):
        page = await Incidents(tx).page(IncidentFilter(status=frozenset({status})), PageRequest())
        assert (page.total, len(page.items)) == (total, total)
    assert (await Incidents(tx).get(one.id)).note == "备注 '; --"


async def test_the_same_id_from_another_node_is_known_already(tx: Transaction) -> None:
    await enrolled(tx, "a", cluster="blue")
    await enrolled(tx, "b", cluster="green")
    seen = structs.replace(observation(1), container=ContainerRef("c", "web"))
    assert await Incidents(tx).insert("a", [seen], START) == [seen.id]
    green = tx.within(Scope(SCOPE.tenant, frozenset({"green"})))
    assert await Incidents(green).insert("b", [seen], START) == []
    assert (await Incidents(tx).get(seen.id)).node == "a"
    assert (await Incidents(tx).page(IncidentFilter(), PageRequest())).total == 1
