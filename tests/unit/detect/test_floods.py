"""A rule that objects too often in one container is held back, counted, and told when its minute is over."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from tests.support.clock import Clock, clock

from hullguard.detect.engine import LIMITED, Engine
from hullguard.detect.floods import MOST, SECONDS, Floods
from hullguard.model.event import ContainerRef, EventKind, ImageRef
from hullguard.model.incident import Deed, Observation
from hullguard.model.policy import Action
from hullguard.model.severity import Severity

__all__ = ["clock"]

MORNING = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture
def floods(clock: Clock) -> Floods:
    return Floods(clock)


def objection(number: int = 0, rule: str = "a.rule", container: str = "c1", **changes: object) -> Observation:
    made = Observation(
        id=f"{rule}-{container}-{number}",
        at=MORNING + timedelta(milliseconds=number),
        rule=rule,
        severity=Severity.HIGH,
        technique="T1059",
        action=Action.ALERT,
        stopped=False,
        container=ContainerRef(container, "web"),
        image=ImageRef("sha256:" + "a" * 64, "nginx:1.25"),
        lineage=(),
        details={},
    )
    return msgspec.structs.replace(made, **changes)


def fill(floods: Floods, **changes: str) -> None:
    for number in range(MOST):
        assert not floods.hold_back(objection(number, **changes))


def test_the_first_are_told_and_the_others_counted(floods, clock):
    fill(floods)
    for number in range(MOST, MOST + 7):
        assert floods.hold_back(objection(number))
    floods.look()
    assert floods.over == [], "the minute is not over"
    clock.now += SECONDS
    floods.look()

    (flood,) = floods.over
    assert (flood.rule, flood.container.id, flood.count, flood.severity) == ("a.rule", "c1", 7, Severity.HIGH)
    assert flood.since == MORNING + timedelta(milliseconds=MOST)
    assert flood.until == MORNING + timedelta(milliseconds=MOST + 6)


def test_a_flood_holds_back_neither_other_rules_nor_other_containers(floods):
    fill(floods)
    assert floods.hold_back(objection(MOST))
    assert not floods.hold_back(objection(rule="another.rule"))
    assert not floods.hold_back(objection(container="c2"))


@pytest.mark.parametrize("kind", [EventKind.CONNECT, EventKind.SEND])
def test_refused_connections_are_held_back_since_nothing_is_left_to_answer(floods, kind):
    refused = {"stopped": True, "action": Action.DENY, "deed": Deed(kind)}
    for number in range(MOST):
        assert not floods.hold_back(objection(number, **refused))
    assert floods.hold_back(objection(MOST, **refused))


def test_what_was_stopped_or_is_to_be_answered_is_never_held_back(floods):
    fill(floods)
    assert not floods.hold_back(objection(stopped=True))
    assert not any(floods.hold_back(objection(action=action)) for action in Action if action is not Action.ALERT)
    assert floods.hold_back(objection())


def test_each_minute_counts_anew(floods, clock):
    for _ in range(3):
        fill(floods)
        assert floods.hold_back(objection(MOST))
        clock.now += SECONDS
    floods.look()
    assert [flood.count for flood in floods.over] == [1, 1, 1]
    clock.now += SECONDS
    floods.look()
    assert len(floods.over) == 3


def test_few_are_no_flood(floods, clock):
    fill(floods)
    clock.now += SECONDS
    floods.look()
    floods.end()
    assert floods.over == []


def test_at_the_end_nothing_is_kept_silent(floods):
    fill(floods)
    floods.hold_back(objection(MOST))
    floods.end()
    assert [flood.count for flood in floods.over] == [1]


def test_many_rules_and_containers_are_counted_in_bounded_room(floods):
    fill(floods)
    floods.hold_back(objection(MOST))
    for number in range(5000):
        floods.hold_back(objection(container=f"other-{number}"))
    assert len(floods._windows) <= 4096
    assert [flood.count for flood in floods.over] == [1], "what has to go is told"


def test_a_flood_is_an_incident_of_its_container(floods):
    fill(floods)
    for number in range(MOST, MOST + 3):
        floods.hold_back(objection(number))
    floods.end()
    found = Engine("node", "boot").held_back(floods.over[0])

    assert (found.rule, found.severity, found.container.id) == (LIMITED, Severity.HIGH, "c1")
    assert found.details["rule"] == "a.rule"
    assert found.details["count"] == "3"
    assert found.details["since"] < found.details["until"]
    assert found.id == Engine("node", "boot").held_back(floods.over[0]).id
