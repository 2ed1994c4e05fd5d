from datetime import timedelta

import pytest
from tests.support.events import AT, event, raw_event

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent, decode
from hullguard.agent.sensor.starts import Starts
from hullguard.model.event import ContainerDetails, EventKind


def record(kind: int = abi.EXEC, **given) -> RawEvent:
    found = decode(raw_event(kind, **given))
    assert isinstance(found, RawEvent)
    return found


def test_a_program_that_the_runtime_started_in_a_new_cgroup_may_be_the_first():
    starts = Starts()
    assert starts.may_be(record(cgroup=5))
    starts.told(5)

    assert not starts.may_be(record(cgroup=5))
    assert starts.may_be(record(cgroup=6))


@pytest.mark.parametrize(
    "other", [record(abi.FILE, call="openat"), record(ancestry=((100, 1, b"sh", 0),)), record(ancestry=())]
)
def test_nothing_else_is(other):
    assert not Starts().may_be(other)


@pytest.mark.parametrize(("age", "is_start"), [(2, True), (-2, True), (120, False)])
def test_only_a_container_that_was_just_made_starts(age, is_start):
    details = ContainerDetails(engine="docker", started=AT - timedelta(seconds=age))
    start = Starts().start(event(container_details=details, call="execve"))

    assert (start is not None) == is_start
    if start is not None:
        assert (start.kind, start.call, start.container_details) == (EventKind.CONTAINER_START, "", details)


def test_where_nothing_is_known_of_the_container_no_start_is_made_up():
    assert Starts().start(event()) is None
    assert Starts().start(event(container_details=ContainerDetails(engine="docker"))) is None
