from datetime import UTC, datetime, timedelta

import msgspec
from tests.support.events import RUNTIME, event, policies, policy, process

from hullguard.detect import Engine, default_policy
from hullguard.detect.engine import MISSED
from hullguard.model.event import ContainerRef, EventKind, Gap, ImageRef
from hullguard.model.incident import PolicyRef
from hullguard.model.policy import Action, DetectorSettings
from hullguard.model.severity import Severity

DROP = "container.drop-and-execute"
SHELL = "container.terminal-shell"
READ = "file.read-sensitive"
DEPARTURE = "profile.departure"
NGINX = ImageRef("sha256:1", "nginx:1.25")
DROPPED = event(path="/tmp/x", new_file=True)


def test_before_any_policy_the_default_alerts():
    (found,) = Engine("n1", "boot").judge(DROPPED)

    assert (found.rule, found.action, found.severity) == (DROP, Action.ALERT, Severity.CRITICAL)
    assert found.technique == "T1105"
    assert found.policy == PolicyRef("default", 0)
    assert (found.container, found.image, found.lineage) == (DROPPED.container, DROPPED.image, DROPPED.lineage)


def test_a_loaded_empty_list_means_that_nothing_holds():
    engine = Engine("n1", "boot")
    engine.load(policies())

    assert engine.judge(DROPPED) == []


def test_one_event_may_break_several_rules():
    shell = event(path="/tmp/sh", new_file=True, lineage=(RUNTIME, process(tty=True)))

    assert {found.rule for found in Engine("n1", "boot").judge(shell)} == {DROP, SHELL}


def test_ids_come_from_node_boot_event_and_rule():
    same = Engine("n1", "boot").judge(DROPPED)[0].id

    assert Engine("n1", "boot").judge(DROPPED)[0].id == same
    assert Engine("n2", "boot").judge(DROPPED)[0].id != same
    assert Engine("n1", "later").judge(DROPPED)[0].id != same
    assert Engine("n1", "boot").judge(msgspec.structs.replace(DROPPED, sequence=8))[0].id != same


def test_what_was_lost_is_an_incident_of_its_container():
    since = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    gap = Gap(ContainerRef("c1", "web"), NGINX, "file", "full", 1204, since, since + timedelta(seconds=3))
    engine = Engine("n1", "boot")
    found = engine.miss(gap)

    assert (found.rule, found.container, found.image, found.at) == (MISSED, gap.container, NGINX, gap.until)
    assert found.details == {
        "events": "file",
        "count": "1204",
        "since": "2024-05-06T07:08:09.000+00:00",
        "until": "2024-05-06T07:08:12.000+00:00",
        "why": "full",
    }
    assert engine.miss(gap).id == found.id != engine.miss(msgspec.structs.replace(gap, what="exec")).id


def test_the_containers_policy_decides():
    engine = Engine("n1", "boot")
    engine.load(
        policies(
            policy("quiet", detectors={DROP: DetectorSettings(enabled=False)}, images=("nginx:*",)),
            policy("loud", detectors={DROP: DetectorSettings(action=Action.KILL)}, nodes=("*",)),
        )
    )
    other = msgspec.structs.replace(DROPPED, image=ImageRef("sha256:2", "redis:7"))
    unknown = msgspec.structs.replace(DROPPED, image=None)

    assert engine.judge(DROPPED) == []
    assert engine.judge(other)[0].policy == PolicyRef("loud", 1)
    assert engine.judge(other)[0].action is Action.KILL
    assert engine.judge(unknown)[0].policy == PolicyRef("loud", 1)


def test_stopped_is_what_the_kernel_did_not_what_the_policy_says():
    engine = Engine("n1", "boot")
    engine.load(policies(policy("p", detectors={DROP: DetectorSettings(action=Action.KILL)}, nodes=("*",))))

    assert not engine.judge(DROPPED)[0].stopped
    assert engine.judge(msgspec.structs.replace(DROPPED, stopped=True))[0].stopped


def test_a_detector_of_a_younger_server_is_left_out():
    engine = Engine("n1", "boot")
    engine.load(policies(policy("p", detectors={"future.rule": DetectorSettings()}, nodes=("*",))))

    assert engine.judge(DROPPED) == []


def test_loading_forgets_earlier_choices():
    engine = Engine("n1", "boot")
    assert engine.judge(DROPPED)
    engine.load(policies(policy("p", nodes=("*",))))

    assert engine.judge(DROPPED) == []


def test_wrong_types_from_another_version_fall_back_to_the_defaults():
    engine = Engine("n1", "boot")
    odd = DetectorSettings(parameters={"paths": "not a list", "exempt_programs": 3})
    engine.load(policies(policy("p", detectors={READ: odd}, nodes=("*",))))

    (found,) = engine.judge(event(EventKind.FILE_OPEN, path="/etc/shadow", reads=True))
    assert found.rule == READ


def test_the_engines_plan_is_that_of_its_node():
    engine = Engine("n1", "boot")
    engine.load(policies(policy("mine", nodes=("n1",)), policy("theirs", nodes=("n2",))))

    assert engine.plan().slot(ImageRef("i", "x:1")) == 2


def test_the_default_policy_has_every_detector_alerting_everywhere():
    spec = default_policy()

    assert spec.name == "default"
    assert set(spec.detectors) == {DROP, SHELL, READ, DEPARTURE}
    assert {settings.action for settings in spec.detectors.values()} == {Action.ALERT}
    assert spec.binding.nodes == ["*"]
