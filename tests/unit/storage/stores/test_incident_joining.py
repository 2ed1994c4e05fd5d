"""Observations become incidents in the database: once, whole, and however they arrive."""

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from tests.support.attack import CHAIN, attack, seen
from tests.support.database import SCOPE, START
from tests.support.records import (
    IMAGE,
    PACKAGES,
    enrolled,
    inventory,
    matched,
    report,
    response,
    suppressed,
    vulnerability,
)

from hullguard.model.errors import NotFound
from hullguard.model.identity import Scope
from hullguard.model.incident import Incident, IncidentStatus, Loaded, Observation, PolicyRef
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import CommandFilter, Commands, Images, IncidentFilter, Incidents, overview
from hullguard.storage.stories import WINDOW

ALL, REQUEST = IncidentFilter(), PageRequest()


async def listed(tx: Transaction, wanted: IncidentFilter = ALL) -> list[Incident]:
    page = await Incidents(tx).page(wanted, REQUEST)
    assert page.total == len(page.items)
    return page.items


async def only(tx: Transaction) -> Incident:
    (one,) = await listed(tx)
    return await Incidents(tx).get(one.id)


async def test_an_attack_is_one_incident_with_its_story(tx: Transaction) -> None:
    await enrolled(tx)
    (made,) = await Incidents(tx).insert("node-1", attack(), START)
    incident = await only(tx)
    assert incident.id == made
    assert incident.story is not None
    assert [step.rule for step in incident.story.steps] == [rule for rule, *_ in CHAIN]
    assert set(incident.rules) == {rule for rule, *_ in CHAIN}
    assert (incident.observations, incident.began, incident.at) == (5, START, START + timedelta(seconds=4))
    assert (incident.severity, [each.why for each in incident.raised]) == (Severity.CRITICAL, ["tactics"])
    assert (await listed(tx))[0].story is None


async def test_the_same_story_comes_of_every_way_to_arrive(storage: Storage) -> None:
    """Message by message, backwards, twice, each in a transaction of its own."""
    stories = []
    for number, batches in enumerate(
        (
            [attack()],
            [[each] for each in attack()],
            [[each] for each in reversed(attack())],
            [attack()[3:], attack()[:2], attack(), attack()[2:4]],
        )
    ):
        scope = Scope(f"tenant-{number}")
        async with storage.transaction(scope) as tx:
            await enrolled(tx, f"node-{number}", protection=False)
        for batch in batches:
            async with storage.transaction(scope) as tx:
                await Incidents(tx).insert(f"node-{number}", batch, START)
        async with storage.transaction(scope) as tx:
            one = await only(tx)
            stories.append((one.story, one.severity, one.observations, one.rule, one.began, one.at, one.tactics))
    assert [each for each in stories if each != stories[0]] == []


async def test_two_that_turn_out_to_be_one_become_one(tx: Transaction) -> None:
    await enrolled(tx)
    store = Incidents(tx)
    first, between, last = (seen(number, at=START + number * WINDOW) for number in range(3))
    (one,) = await store.insert("node-1", [first], START)
    (other,) = await store.insert("node-1", [last], START)
    await store.handle(other, IncidentStatus.RESOLVED, "", "user:a")
    await Commands(tx).keep(msgspec.structs.replace(response(), incident=other))
    assert await store.insert("node-1", [between], START) == [one]
    incident = await only(tx)
    assert (incident.id, incident.observations, incident.status) == (one, 3, IncidentStatus.OPEN)
    for known in (first, between, last):
        assert (await store.get(known.id)).id == one, "every observation's id still leads to it"
    commands = await Commands(tx).page(CommandFilter(incident=one), REQUEST)
    assert [each.incident for each in commands.items] == [other]
    assert sum((await overview(tx)).incidents_open.values()) == 1


async def test_one_that_goes_on_is_open_again_and_one_that_is_ignored_only_if_it_becomes_graver(
    tx: Transaction,
) -> None:
    await enrolled(tx)
    store = Incidents(tx)

    async def goes_on(number: int, severity: Severity = Severity.MEDIUM) -> IncidentStatus:
        (one,) = await store.insert("node-1", [seen(number, severity=severity)], START)
        return (await store.get(one)).status

    assert await goes_on(1) is IncidentStatus.OPEN
    await store.handle(seen(1).id, IncidentStatus.RESOLVED, "a drill", "user:a")
    assert await goes_on(2) is IncidentStatus.OPEN
    await store.handle(seen(1).id, IncidentStatus.IGNORED, "", "user:a")
    assert await goes_on(3) is IncidentStatus.IGNORED
    assert await goes_on(4, Severity.HIGH) is IncidentStatus.OPEN
    assert (await only(tx)).observations == 4
    figures = await overview(tx)
    assert {severity: count for severity, count in figures.incidents_open.items() if count} == {Severity.HIGH: 1}


async def test_what_was_simulated_is_the_incidents_whatever_is_gravest(tx: Transaction) -> None:
    await enrolled(tx)
    grave = seen(1, severity=Severity.CRITICAL)
    for number in (2, 3):
        would = msgspec.structs.replace(seen(number), policy=PolicyRef("p1", 7), would=Action.DENY)
        await Incidents(tx).insert("node-1", [grave, would], START)
        (found,) = await listed(tx, IncidentFilter(simulated_by="p1"))
        assert (found.would, found.policy, found.observations) == (Action.DENY, None, number)


async def test_a_rule_finds_every_incident_that_it_had_a_part_in(tx: Transaction) -> None:
    await enrolled(tx)
    await Incidents(tx).insert("node-1", [*attack(), seen(9, root=77, rule="another")], START)
    for rule, *_ in CHAIN:
        assert [each.observations for each in await listed(tx, IncidentFilter(rule=rule))] == [5]
    assert await listed(tx, IncidentFilter(rule="another", severity=frozenset({Severity.CRITICAL}))) == []


async def test_a_burst_is_one_incident_and_nothing_of_it_is_lost(tx: Transaction) -> None:
    await enrolled(tx)
    many = [seen(number, at=START + timedelta(seconds=number)) for number in range(1200)]
    for start in range(0, 1200, 300):
        await Incidents(tx).insert("node-1", many[start : start + 350], START)
    incident = await only(tx)
    assert incident.observations == 1200
    assert incident.story is not None
    assert [step.count for step in incident.story.steps] == [1200]


@pytest.mark.parametrize("scanned_first", [True, False])
async def test_what_is_at_stake_is_what_the_image_is_known_to_have(tx: Transaction, scanned_first: bool) -> None:
    await enrolled(tx)
    if scanned_first:
        await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
        await Images(tx).store_inventory(IMAGE, inventory())
        found = vulnerability("CVE-2024-0002", Severity.HIGH, of=PACKAGES[2], fixed="1.26")
        await matched(tx, IMAGE, report((found,)))
    await Incidents(tx).insert("node-1", attack()[:2], START)
    incident = await only(tx)
    assert incident.story is not None
    codes = {each.code for each in incident.story.unknowns}
    if not scanned_first:
        assert (incident.severity, incident.story.at_stake) == (Severity.MEDIUM, ())
        assert "image-unread" in codes
        return
    (stake,) = incident.story.at_stake
    assert (stake.vulnerability, stake.package, stake.program, stake.by) == (
        "CVE-2024-0002",
        "nginx",
        "/usr/sbin/nginx",
        "name",
    )
    assert [(each.why, each.count) for each in incident.raised] == [("vulnerable", 1)]
    assert incident.severity is Severity.HIGH
    assert "libraries" in codes


async def test_a_library_that_is_loaded_later_is_at_stake_then(tx: Transaction) -> None:
    await enrolled(tx)
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    taken = msgspec.structs.replace(inventory(), loadable={PACKAGES[0].name: ("usr/lib/libx.so.1",)})
    await Images(tx).store_inventory(IMAGE, taken)
    await matched(tx, IMAGE, report((vulnerability("CVE-2024-0009", Severity.HIGH, of=PACKAGES[0]),)))
    first, second = seen(1), msgspec.structs.replace(seen(2), loaded=Loaded(("/usr/lib/libx.so.1",), whole=True))
    for each, stake in ((first, []), (second, [("CVE-2024-0009", "/usr/lib/libx.so.1", "file", True)])):
        await Incidents(tx).insert("node-1", [each], START)
        incident = await only(tx)
        assert incident.story is not None
        found = incident.story.at_stake
        assert [(one.vulnerability, one.program, one.by, one.library) for one in found] == stake
    assert (incident.severity, incident.raised, incident.loaded) == (Severity.MEDIUM, (), None)


async def test_an_image_that_is_read_later_tells_what_was_at_stake(tx: Transaction) -> None:
    await enrolled(tx)
    await Incidents(tx).insert("node-1", attack()[:2], START)
    await Incidents(tx).insert("node-1", [seen(9, root=77)], START)
    handled = seen(9, root=77).id
    await Incidents(tx).handle(handled, IncidentStatus.RESOLVED, "", "user:a")
    await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
    await Images(tx).store_inventory(IMAGE, inventory())
    found = vulnerability("CVE-2024-0002", Severity.HIGH, of=PACKAGES[2], fixed="1.26")
    await matched(tx, IMAGE, report((found,)))
    (graver,) = await Incidents(tx).weigh([IMAGE])
    incident = await Incidents(tx).get(graver)
    assert (incident.severity, [each.why for each in incident.raised]) == (Severity.HIGH, ["vulnerable"])
    assert incident.story is not None
    assert "image-unread" not in {each.code for each in incident.story.unknowns}
    assert {severity: count for severity, count in (await overview(tx)).incidents_open.items() if count} == {
        Severity.HIGH: 1
    }
    assert await Incidents(tx).weigh([IMAGE]) == []
    # Fixed meanwhile, or never so: it goes back.
    await matched(tx, IMAGE, report(()))
    assert await Incidents(tx).weigh([IMAGE]) == [graver]
    assert (await Incidents(tx).get(graver)).severity is Severity.MEDIUM
    assert (await Incidents(tx).get(handled)).severity is Severity.MEDIUM
    # So it does when somebody says that it does not count, and comes back with that.
    await matched(tx, IMAGE, report((found,)))
    assert await Incidents(tx).weigh([IMAGE]) == [graver]
    await matched(tx, IMAGE, suppressed(report((found,)), "e1"))
    assert await Incidents(tx).weigh([IMAGE]) == [graver]
    assert (await Incidents(tx).get(graver)).severity is Severity.MEDIUM


async def test_nothing_of_another_tenant_is_joined(tx: Transaction) -> None:
    await enrolled(tx)
    stranger = tx.within(Scope("stranger"))
    await enrolled(stranger, "node-x", protection=False)
    await Incidents(tx).insert("node-1", attack()[:3], START)
    theirs: list[Observation] = [msgspec.structs.replace(each, id=f"x{each.id}") for each in attack()[3:]]
    await Incidents(stranger).insert("node-x", theirs, START)
    assert [each.observations for each in await listed(tx)] == [3]
    with pytest.raises(NotFound):
        await Incidents(tx).get(theirs[0].id)


async def test_rows_from_before_there_were_stories_still_tell_one(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        (made,) = await Incidents(tx).insert("node-1", attack()[:1], START)
        await tx.run(sa.text("UPDATE incidents SET joined = NULL, story = NULL"))
        await tx.run(sa.text("DELETE FROM incident_keys"))
    async with storage.transaction(SCOPE) as tx:
        old = await Incidents(tx).get(made)
        assert old.rules == ("execution.web-server-shell",)
        assert old.story is not None
        assert [step.rule for step in old.story.steps] == ["execution.web-server-shell"]
        await Incidents(tx).insert("node-1", attack()[1:], START)
        assert sorted(each.observations for each in await listed(tx)) == [1, 4]
