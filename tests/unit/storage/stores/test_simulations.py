"""What a policy would have stopped, counted from incidents."""

from datetime import timedelta

import msgspec
import pytest
from tests.support.database import START
from tests.support.records import enrolled, observation

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.event import ImageRef
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.policy import (
    Action,
    Binding,
    DetectorSettings,
    Policy,
    PolicySpec,
    RuleSettings,
    RulesSpec,
)
from hullguard.model.profile import Behaviour, LearningTerms, ProfileState
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import IncidentFilter, Incidents, Policies, Profiles, Simulations

DROP, DEPARTURE = "container.drop-and-execute", "profile.departure"


def spec(mode: Mode = Mode.SIMULATE, *, action: Action = Action.KILL, images: tuple[str, ...] = ()) -> PolicySpec:
    detectors = {DROP: DetectorSettings(action=action)}
    return PolicySpec("strict", "", True, detectors, Binding(["*"], list(images)), Rollout(mode, ["node-1"]))


def would(number: int, policy: Policy, **more: object) -> Observation:
    found = observation(number, at=START + timedelta(minutes=number), rule=DROP, **more)
    return msgspec.structs.replace(found, policy=PolicyRef(policy.id, policy.version), would=Action.KILL)


@pytest.fixture
async def policy(tx: Transaction) -> Policy:
    await enrolled(tx)
    return await Policies(tx).create(spec(), "user:a")


async def test_nothing_yet(tx: Transaction, policy: Policy) -> None:
    found = await Simulations(tx).of(policy.id)
    assert (found.policy, found.since_version, found.since) == (policy.id, 1, policy.changed_at)
    assert (found.containers, found.deeds, found.groups) == (0, 0, ())
    with pytest.raises(NotFound):
        await Simulations(tx).of("none")


async def test_containers_and_deeds_are_counted_the_most_frequent_first(tx: Transaction, policy: Policy) -> None:
    many = [would(number, policy, on="b" * 64) for number in range(3)]
    real = msgspec.structs.replace(observation(9), policy=PolicyRef(policy.id, 1))
    other = msgspec.structs.replace(would(10, policy), policy=PolicyRef("another", 1))
    await Incidents(tx).insert("node-1", [would(7, policy, on="a" * 64), *many, real, other], tx.now)
    found = await Simulations(tx).of(policy.id)
    assert (found.containers, found.deeds) == (2, 4)
    first, second = found.groups
    assert (first.container, first.deeds, first.rule, first.would) == ("b" * 64, 3, DROP, Action.KILL)
    assert (first.first, first.last) == (START, START + timedelta(minutes=2))
    assert (first.container_name, first.image_name, first.node, first.node_name) == (
        *("web-1", "nginx:1.25"),
        *("node-1", first.node_name),
    )
    assert (second.container, second.deeds) == ("a" * 64, 1)


async def test_they_are_the_list_of_incidents_that_it_links_to(tx: Transaction, policy: Policy) -> None:
    await Incidents(tx).insert("node-1", [would(1, policy), observation(2)], tx.now)
    page = await Incidents(tx).page(IncidentFilter(simulated_by=policy.id), PageRequest())
    assert [(each.would, each.policy) for each in page.items] == [(Action.KILL, PolicyRef(policy.id, 1))]
    assert page.total == 1
    assert (await Incidents(tx).page(IncidentFilter(), PageRequest())).total == 2


async def test_a_change_of_how_far_it_is_rolled_out_goes_on_counting(tx: Transaction, policy: Policy) -> None:
    second = await Policies(tx).update(policy.id, spec(Mode.CANARY), "user:a", expected_version=1)
    await Incidents(tx).insert("node-1", [would(1, policy), would(2, second)], tx.now)
    found = await Simulations(tx).of(policy.id)
    assert (found.since_version, found.deeds) == (1, 2)


@pytest.mark.parametrize("changed", [spec(action=Action.DENY), spec(images=("nginx:*",))])
async def test_a_change_of_what_it_does_begins_anew(tx: Transaction, policy: Policy, changed: PolicySpec) -> None:
    second = await Policies(tx).update(policy.id, changed, "user:a", expected_version=1)
    await Incidents(tx).insert("node-1", [would(1, policy), would(2, second)], tx.now)
    found = await Simulations(tx).of(policy.id)
    assert (found.since_version, found.deeds) == (2, 1)


async def test_the_groups_are_bounded_and_the_counts_are_not(tx: Transaction, policy: Policy) -> None:
    await Incidents(tx).insert("node-1", [would(number, policy, on=f"c{number}") for number in range(150)], tx.now)
    found = await Simulations(tx).of(policy.id)
    assert (len(found.groups), found.containers, found.deeds) == (100, 150, 150)


async def test_a_policy_is_rolled_back_to_the_version_before(tx: Transaction, policy: Policy) -> None:
    policies = Policies(tx)
    with pytest.raises(Conflict, match="first version"):
        await policies.roll_back(policy.id, "user:a", expected_version=1)
    await policies.update(policy.id, spec(Mode.ENFORCE), "user:a", expected_version=1)
    back = await policies.roll_back(policy.id, "user:b", "too early", expected_version=2)
    assert (back.version, back.spec, back.changed_by, back.comment) == (3, spec(), "user:b", "too early")


async def test_a_change_of_its_rules_begins_anew(tx: Transaction, policy: Policy) -> None:
    ruled = msgspec.structs.replace(spec(), rules=RulesSpec(settings={"Read a key": RuleSettings(action=Action.KILL)}))
    second = await Policies(tx).update(policy.id, ruled, "user:a", expected_version=1)
    await Incidents(tx).insert("node-1", [would(1, policy), would(2, second)], tx.now)
    assert (await Simulations(tx).of(policy.id)).since_version == 2


async def test_what_a_profile_that_monitors_would_have_stopped(tx: Transaction, policy: Policy) -> None:
    profiles = Profiles(tx)
    made = await profiles.create("nginx", LearningTerms(), "user:a")
    await profiles.move(made.id, ProfileState.REVIEW, "user:a")
    monitored = await profiles.move(made.id, ProfileState.MONITOR, "user:a")
    assert monitored.judged_since == tx.now

    def departed(number: int, **more: object) -> Observation:
        found = msgspec.structs.replace(would(number, policy), rule=DEPARTURE)
        return msgspec.structs.replace(found, **more)

    others = [ImageRef("sha256:9", name) for name in ("nginx-exporter:1", "shop/nginx:1", "ngin_:1")]
    real = (
        departed(1, image=ImageRef("sha256:8", "nginx@sha256:8")),
        departed(2),
        *(departed(3 + number, image=image) for number, image in enumerate(others)),
        departed(7, would=None),
        departed(8, at=START - timedelta(minutes=1)),
        would(9, policy),
    )
    await Incidents(tx).insert("node-1", real, tx.now)
    found = await Simulations(tx).of_profile(monitored, DEPARTURE)
    assert (found.policy, found.since_version, found.since) == (made.id, monitored.version, tx.now)
    assert (found.deeds, found.containers) == (2, 1)
    assert {(each.rule, each.would) for each in found.groups} == {(DEPARTURE, Action.KILL)}


async def test_a_profile_counts_anew_when_its_list_changes_and_not_when_it_protects(
    tx: Transaction,
) -> None:
    profiles = Profiles(tx)
    made = await profiles.create("nginx", LearningTerms(), "user:a")
    for state in (ProfileState.REVIEW, ProfileState.MONITOR):
        made = await profiles.move(made.id, state, "user:a")
    begun = made.judged_since
    tx.now += timedelta(hours=1)
    canary = Rollout(Mode.CANARY, ["node-1"])
    protects = await profiles.move(made.id, ProfileState.PROTECT, "user:a", rollout=canary)
    assert (protects.judged_since, protects.rollout, protects.version) == (begun, canary, made.version + 1)
    everywhere = await profiles.move(made.id, ProfileState.PROTECT, "user:a")
    assert (everywhere.rollout, everywhere.version) == (Rollout(), made.version + 2)
    await profiles.decide(made.id, Behaviour.EXEC, "/bin/new", "user:a", accepted=True)
    assert (await profiles.get(made.id)).judged_since == tx.now
    assert (await profiles.get(made.id)).version == made.version + 3
    assert (await profiles.move(made.id, ProfileState.REVIEW, "user:a")).judged_since is None
