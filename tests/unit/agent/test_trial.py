"""When containers fail under a policy that came into force: what counts, against what, and what follows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.support.events import policies, policy

from hullguard.agent.policies import Wanted
from hullguard.agent.runtime.docker import Change
from hullguard.agent.state import StateDir
from hullguard.agent.trial import Trial, Tried
from hullguard.detect import DEPARTURE, PROFILE_ROLLED_BACK, ROLLED_BACK
from hullguard.model.policy import Action, DetectorSettings, Policy
from hullguard.model.profile import Profile, ProfileState
from hullguard.model.rollout import Mode, Rollout

DROP = {"container.drop-and-execute": DetectorSettings(action=Action.KILL)}
ROLLOUT = Rollout(watch_minutes=10, tolerated_exits=2)


def strict(rollout: Rollout = ROLLOUT, **more: object) -> Policy:
    return policy("strict", detectors=DROP, images=("shop:*",), rollout=rollout, **more)


class Node:
    """A trial, with a clock that is set by hand."""

    def __init__(self, directory: Path) -> None:
        self.state = StateDir(directory)
        self.at = datetime(2026, 1, 1, tzinfo=UTC)
        self.trial = self.again()

    def again(self) -> Trial:
        self.trial = Trial(self.state, "node-1", lambda: self.at)
        return self.trial

    def take(self, *given: Policy, protection: bool = True) -> None:
        self.trial.take(self.trial.carried(Wanted(protection, policies(*given))))

    def fail(self, times: int = 1, *, image: str = "shop:1", code: int = 126, container: str = "c1"):
        """The last word of that many failures, five seconds apart."""
        found = None
        for _ in range(times):
            self.at += timedelta(seconds=5)
            found = self.trial.happened(Change("container", "die", container, image, "till", code))
        return found


@pytest.fixture
def node(tmp_path: Path) -> Node:
    return Node(tmp_path)


def test_more_failures_than_are_tolerated_take_the_policy_back(node):
    node.take(strict())
    assert node.fail(2) is None
    found = node.fail()
    assert found is not None
    taken, incident = found
    assert taken == Tried("strict", 1, "strict", ROLLOUT, profile=False)
    assert (incident.rule, incident.policy.id, incident.policy.version) == (ROLLED_BACK, "strict", 1)
    assert (incident.container.id, incident.container.name) == ("c1", "till")
    told = incident.details
    assert (told["exits"], told["before"], told["tolerated"], told["minutes"]) == ("3", "0", "2", "10")
    assert (told["containers"], told["code"]) == ("till", "126")


def test_it_is_measured_by_the_level_before(node):
    node.fail(4)
    node.take(strict())
    assert node.fail(6) is None
    assert node.fail() is not None


def test_what_was_longer_ago_than_the_trial_lasts_is_no_level(node):
    node.fail(4)
    node.at += timedelta(minutes=11)
    node.take(strict())
    assert node.fail(3) is not None


def test_after_the_trial_nothing_is_taken_back(node):
    node.take(strict())
    node.at += timedelta(minutes=11)
    assert node.fail(50) is None


@pytest.mark.parametrize(
    "given",
    [
        strict(msgspec.structs.replace(ROLLOUT, mode=Mode.SIMULATE)),
        strict(msgspec.structs.replace(ROLLOUT, mode=Mode.CANARY, canary_nodes=["node-2"])),
        strict(msgspec.structs.replace(ROLLOUT, automatic=False)),
        policy(
            "strict", detectors={"container.terminal-shell": DetectorSettings()}, images=("shop:*",), rollout=ROLLOUT
        ),
        strict(enabled=False),
    ],
    ids=["simulated", "no canary", "not automatic", "only alerts", "disabled"],
)
def test_what_is_not_on_trial_is_not_taken_back(node, given):
    node.take(given)
    assert node.fail(50) is None


def test_a_node_without_protection_tries_nothing(node):
    node.take(strict(), protection=False)
    assert node.fail(50) is None


def test_other_containers_do_not_count(node):
    node.take(strict())
    assert node.fail(50, image="blog:2") is None
    assert node.fail(2) is None


def test_ending_well_or_by_somebodys_wish_is_no_failure(node):
    node.take(strict())
    assert node.fail(50, code=0) is None
    for number in range(50):
        node.trial.happened(Change("container", "kill", f"c{number}", "shop:1", "till", 15))
        assert node.fail(container=f"c{number}", code=143) is None
    node.trial.happened(Change("container", "kill", "c1", "shop:1", "till", 1))
    assert node.fail(2) is None
    assert node.fail() is not None, "a signal that ends nothing excuses nothing"


def test_a_wish_excuses_one_end(node):
    node.take(strict())
    node.trial.happened(Change("container", "kill", "c1", "shop:1", "till", 9))
    node.fail(code=137)
    assert node.fail(2) is None
    assert node.fail() is not None


def test_another_version_begins_anew_and_the_same_one_does_not(node):
    node.take(strict())
    node.fail(2)
    node.take(strict())
    assert node.fail() is not None
    node.at += timedelta(minutes=1)
    node.take(msgspec.structs.replace(strict(), version=2))
    assert node.fail(5) is None, "the three of version 1 are the level before"
    assert node.fail() is not None


def test_what_was_taken_back_stays_so_until_there_is_another_version(node):
    node.take(strict())
    taken, _ = node.fail(3)
    wanted = node.trial.without(taken)
    assert wanted.rolled_back == {"strict": 1}
    node.trial.take(wanted)
    assert [reason.code for reason in node.trial.reasons()] == ["policy.rolled-back"]
    assert "strict" in node.trial.reasons()[0].message
    assert node.fail(50) is None, "once is enough"
    other = policy("other", nodes=("*",))
    assert node.trial.carried(Wanted(True, policies(strict(), other))).rolled_back == {"strict": 1}
    node.take(msgspec.structs.replace(strict(), version=2), other)
    assert node.trial.reasons() == []
    assert node.trial.without(taken) is None


def test_an_agent_that_is_started_again_goes_on_counting(node):
    node.take(strict())
    node.fail(2)
    node.trial._write()
    node.again()
    node.take(strict())
    assert node.fail() is not None


def test_the_same_trial_ends_in_the_same_incident(node):
    node.take(strict())
    _, first = node.fail(3)
    _, again = node.fail()
    assert first.id == again.id
    node.take(msgspec.structs.replace(strict(), version=2))
    _, other = node.fail(7)
    assert other.id != first.id


@pytest.mark.parametrize("damage", [b"", b"\xff", b'{"begun": 3}', b"[" * 5000])
def test_a_damaged_file_begins_anew(node, damage):
    node.state.trial.write_bytes(damage)
    node.again()
    node.take(strict())
    assert node.fail(3) is not None


def test_a_storm_is_bounded(node):
    node.take(strict(msgspec.structs.replace(ROLLOUT, automatic=False)))
    for number in range(5000):
        node.trial.happened(Change("container", "kill", f"k{number}", "shop:1", "", 9))
        node.trial.happened(Change("container", "die", "c1", "shop:1", "", 1))
    assert len(node.trial._failures) == 2000
    assert len(node.trial._asked) == 4096


LISTED = policy("all", nodes=("*",), detectors={DEPARTURE: DetectorSettings(action=Action.DENY)}, rollout=ROLLOUT)
SHOP = Profile("p1", "shop", ProfileState.PROTECT, 1, 9, version=4, rollout=ROLLOUT)


def put(node: Node, profile: Profile, given: Policy = LISTED) -> None:
    wanted = Wanted(True, msgspec.structs.replace(policies(given), profiles=(profile,)))
    node.trial.take(node.trial.carried(wanted))


def test_a_profile_that_begins_to_protect_is_tried_as_a_policy_is(node):
    put(node, msgspec.structs.replace(SHOP, state=ProfileState.MONITOR, version=3))
    node.at += timedelta(minutes=11)
    put(node, SHOP)
    assert node.fail(5, image="blog:1") is None, "another image's, and the policy's trial is over"
    assert node.fail(2) is None
    taken, incident = node.fail()
    assert taken == Tried("p1", 4, "shop", ROLLOUT, profile=True)
    assert (incident.rule, incident.policy) == (PROFILE_ROLLED_BACK, None)
    told = {name: incident.details[name] for name in ("profile", "profile_id", "version", "exits")}
    assert told == {"profile": "shop", "profile_id": "p1", "version": "4", "exits": "3"}
    node.trial.take(node.trial.without(taken))
    assert [reason.code for reason in node.trial.reasons()] == [PROFILE_ROLLED_BACK]
    assert node.trial._wanted.rolled_back == {"p1": 4}
    assert node.fail(50) is None, "once is enough"
    put(node, msgspec.structs.replace(SHOP, version=5))
    assert node.trial.reasons() == []


@pytest.mark.parametrize(
    ("profile", "given"),
    [
        (msgspec.structs.replace(SHOP, state=ProfileState.MONITOR), LISTED),
        (msgspec.structs.replace(SHOP, rollout=Rollout(Mode.CANARY, ["node-2"])), LISTED),
        (msgspec.structs.replace(SHOP, rollout=Rollout(automatic=False)), LISTED),
        (SHOP, policy("all", nodes=("*",))),
    ],
    ids=["monitors", "no canary", "not automatic", "nothing follows"],
)
def test_a_profile_that_is_not_on_trial_is_not_taken_back(node, profile, given):
    put(node, SHOP, policy("all", nodes=("*",)))
    put(
        node,
        profile,
        msgspec.structs.replace(given, spec=msgspec.structs.replace(given.spec, rollout=Rollout(automatic=False))),
    )
    assert node.fail(50) is None
