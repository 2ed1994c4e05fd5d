"""What one agent may not store."""

import msgspec
import pytest
from tests.support.database import START
from tests.support.events import event
from tests.support.records import IMAGE, container, facts, heartbeat, observation, response, tally

from hullguard.detect import Engine
from hullguard.detect.floods import Flood
from hullguard.hostmgr import bounds
from hullguard.model.command import CommandKind, CommandState
from hullguard.model.event import ContainerRef, Gap
from hullguard.model.node import Reason, SensorHealth, SensorState
from hullguard.model.severity import Severity
from hullguard.wire import messages as say
from hullguard.wire.violation import Code, Violation

replace = msgspec.structs.replace
LOST = Engine("node-1", "boot-1").miss(Gap(ContainerRef("c" * 64), None, "exec", "full", 7, START, START))
"""Nobody saw which process did what was lost."""
HELD_BACK = Engine("node-1", "boot-1").held_back(
    Flood("a.rule", Severity.HIGH, ContainerRef("c" * 64), None, START, START, 3)
)
DEEP = {f"k{n}": "v" * 1000 for n in range(70)}


@pytest.mark.parametrize(
    "message",
    [
        say.Incidents((observation(1), observation(2))),
        say.Incidents((LOST,)),
        say.Incidents((HELD_BACK,)),
        say.Incidents((observation(1),), (say.RecordedEvent(observation(1).id, event()),)),
        say.Containers((container(1),)),
        say.Facts(facts("node-1.example.org")),
        say.Beat(heartbeat(dropped={"low": 3})),
        say.CommandUpdate("c1", "done", result={"n": 1}),
        say.OwnCommand(response()),
        say.Learned("p1", 1, 1, 0, (tally("/bin/sh"),)),
        say.ImageList(()),
        say.Used(IMAGE, START, 1, whole=True, files=("/usr/lib/libssl.so.3", "/opt/日志.jar")),
    ],
    ids=lambda message: type(message).__name__,
)
def test_honest_messages_pass(message):
    bounds.check(message)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (say.Incidents((observation(1), replace(observation(2), details=DEEP))), Code.MESSAGE_TOO_LARGE),
        (say.Incidents((replace(observation(1), id="../../x"),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((replace(observation(1), id=""),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((replace(observation(1), rule="a\nb"),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((replace(observation(1), rule="r" * 129),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((replace(observation(1), container=ContainerRef("<b>")),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((replace(observation(1), lineage=()),)), Code.MESSAGE_MALFORMED),
        (say.Incidents((observation(1),), (say.RecordedEvent("another", event()),)), Code.MESSAGE_MALFORMED),
        (
            say.Incidents((observation(1),), (say.RecordedEvent(observation(1).id, replace(event(), lineage=())),)),
            Code.MESSAGE_MALFORMED,
        ),
        (
            say.Incidents((observation(1),), (say.RecordedEvent(observation(1).id, event(path="p" * 40_000)),)),
            Code.MESSAGE_TOO_LARGE,
        ),
        (say.Containers((container(1, name="n" * 5000),)), Code.MESSAGE_TOO_LARGE),
        (say.Containers((container(1, image="sha256:x y"),)), Code.MESSAGE_MALFORMED),
        (say.Facts(facts("-node")), Code.REQUEST_INVALID),
        (say.Facts(facts("node\n")), Code.REQUEST_INVALID),
        (say.Facts(replace(facts(), os="o" * 20_000)), Code.MESSAGE_TOO_LARGE),
        (say.Beat(heartbeat(dropped={"low": -1})), Code.MESSAGE_MALFORMED),
        (say.Beat(heartbeat(spool=-5)), Code.MESSAGE_MALFORMED),
        (say.Beat(heartbeat(sensor=SensorHealth(SensorState.OFF, lost={"exec": 1 << 63}))), Code.MESSAGE_MALFORMED),
        (say.Beat(replace(heartbeat(), reasons=(Reason("x", "m" * 40_000),))), Code.MESSAGE_TOO_LARGE),
        (say.CommandUpdate("c1", "done", result={f"k{n}": "v" * 1000 for n in range(20)}), Code.MESSAGE_TOO_LARGE),
        (say.OwnCommand(replace(response(), result={"k": "v" * 20_000})), Code.MESSAGE_TOO_LARGE),
        (say.OwnCommand(replace(response(), incident=None)), Code.MESSAGE_MALFORMED),
        (say.OwnCommand(replace(response(), kind=CommandKind.UPDATE_AGENT)), Code.MESSAGE_MALFORMED),
        (say.OwnCommand(replace(response(), state=CommandState.RUNNING)), Code.MESSAGE_MALFORMED),
        (say.OwnCommand(replace(response(), created_by="user:alice")), Code.MESSAGE_MALFORMED),
        (say.Learned("p1", 1, tallies=(tally("/bin/sh\u202e"),)), Code.MESSAGE_MALFORMED),
        (say.Learned("p1", 1, tallies=(tally("/bin/" + "x" * 1000),) * 200), Code.MESSAGE_TOO_LARGE),
        (say.Used(IMAGE, START, 1, whole=True, files=("/bin/sh\u202e",)), Code.MESSAGE_MALFORMED),
        (say.Used(IMAGE, START, 1, whole=True, files=("/" + "x" * 511,) * 600), Code.MESSAGE_TOO_LARGE),
    ],
)
def test_what_no_honest_agent_says_is_refused(message, code):
    with pytest.raises(Violation) as refused:
        bounds.check(message)
    assert refused.value.code == code
