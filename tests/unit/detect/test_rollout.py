"""Where a policy's actions are in force, and what is said where they are not."""

import msgspec
import pytest
from tests.support.events import event, policies, policy
from tests.support.rules import with_condition

from hullguard.detect import Engine, acts, denies, enforced, in_force, plan, simulated
from hullguard.model.event import EventKind
from hullguard.model.policy import Action, DetectorSettings, RuleSettings, RulesSpec, RuleText
from hullguard.model.rollout import Mode, Rollout

DROP, READ, SHELL = "container.drop-and-execute", "file.read-sensitive", "container.terminal-shell"
STRICT = {
    DROP: DetectorSettings(action=Action.KILL),
    READ: DetectorSettings(action=Action.DENY),
    SHELL: DetectorSettings(),
}
DROPPED = event(path="/tmp/x", new_file=True)
NODES = [f"node-{number}" for number in range(2000)]


def strict(mode: Mode, **more: object):
    return policy("strict", nodes=("*",), detectors=STRICT, rollout=Rollout(mode, **more))


@pytest.mark.parametrize(("mode", "wanted"), [(Mode.SIMULATE, False), (Mode.ENFORCE, True)])
def test_a_mode_is_for_every_node(mode, wanted):
    assert {enforced(strict(mode), node) for node in NODES} == {wanted}


def test_a_canary_is_the_named_nodes_and_a_share_that_only_grows():
    named = strict(Mode.CANARY, canary_nodes=["node-7"])
    assert [node for node in NODES if enforced(named, node)] == ["node-7"]
    shares = [
        {node for node in NODES if enforced(strict(Mode.CANARY, canary_percent=percent), node)}
        for percent in (5, 20, 60)
    ]
    assert shares[0] < shares[1] < shares[2]
    assert [round(100 * len(share) / len(NODES)) for share in shares] == pytest.approx([5, 20, 60], abs=3)
    other = msgspec.structs.replace(strict(Mode.CANARY, canary_percent=20), id="other")
    assert {node for node in NODES if enforced(other, node)} != shares[1], "no node is the first of every policy"


def test_the_share_is_the_same_on_every_machine_and_release():
    share = strict(Mode.CANARY, canary_percent=20)
    assert [node for node in NODES[:20] if enforced(share, node)] == ["node-2"], "worked out with sha256sum"


def test_what_is_simulated_does_nothing_to_anybody():
    given = policies(strict(Mode.SIMULATE))
    tamed = in_force(given, simulated(given, "n1", {}))
    assert not denies(tamed)
    assert not any(slot.kill_new for slot in plan(tamed).slots)
    assert plan(tamed).kinds == plan(given).kinds, "it watches as much"
    assert denies(in_force(given, frozenset()))


def test_what_is_simulated_says_what_it_would_have_done():
    engine = Engine("n1", "boot")
    engine.load(policies(strict(Mode.SIMULATE)))
    (found,) = engine.judge(DROPPED)
    assert (found.action, found.would, found.stopped) == (Action.ALERT, Action.KILL, False)
    assert not engine.plan().slots[2].kill_new
    engine.load(policies(strict(Mode.ENFORCE)))
    (found,) = engine.judge(DROPPED)
    assert (found.action, found.would) == (Action.KILL, None)
    assert engine.plan().slots[2].kill_new


def test_what_only_alerts_would_have_done_nothing_more():
    engine = Engine("n1", "boot")
    engine.load(
        policies(policy("p", nodes=("*",), detectors={DROP: DetectorSettings()}, rollout=Rollout(Mode.SIMULATE)))
    )
    assert engine.judge(DROPPED)[0].would is None


def test_denial_is_simulated_of_writing_too():
    writing = event(EventKind.FILE_OPEN, path="/etc/shadow", writes=True)
    engine = Engine("n1", "boot")
    engine.load(policies(strict(Mode.SIMULATE)))
    assert [found.would for found in engine.judge(writing)] == [Action.DENY]
    engine.load(policies(policy("p", nodes=("*",), detectors={READ: DetectorSettings()})))
    assert engine.judge(writing) == []


def test_a_version_that_a_node_took_back_is_simulated_there_until_there_is_another():
    given = strict(Mode.ENFORCE)
    engine = Engine("n1", "boot")
    engine.load(policies(given), {"strict": 1})
    assert engine.judge(DROPPED)[0].would is Action.KILL
    engine.load(policies(msgspec.structs.replace(given, version=2)), {"strict": 1})
    assert engine.judge(DROPPED)[0].action is Action.KILL


def test_whether_a_policy_does_more_than_report():
    assert acts(strict(Mode.SIMULATE))
    assert not acts(policy("p", detectors={DROP: DetectorSettings()}))
    assert not acts(policy("p", detectors={DROP: DetectorSettings(enabled=False, action=Action.KILL)}))
    assert not acts(policy("p", detectors=STRICT, enabled=False))


def test_what_follows_a_rule_is_simulated_too():
    settings = {"Netcat runs": RuleSettings(action=Action.KILL)}
    file = RuleText("own.yaml", with_condition("evt.type = execve").replace("rule: r", "rule: Netcat runs"))
    spec = RulesSpec(pack=False, files=[file], settings=settings)
    given_policies = policies(policy("p", nodes=("*",), rules=spec, rollout=Rollout(mode=Mode.SIMULATE)))
    engine = Engine("n1", "boot")
    engine.load(given_policies)

    (found,) = engine.judge(event())
    assert (found.action, found.would) == (Action.ALERT, Action.KILL)
    assert acts(given_policies.policies[0])
