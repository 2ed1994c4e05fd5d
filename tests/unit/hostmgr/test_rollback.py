"""What a node's word that containers fail does to a policy, and how little it can be misused for."""

from datetime import timedelta

import msgspec
import pytest
from tests.support.database import SCOPE, clock, storage, tx
from tests.support.records import enrolled, observation

from hullguard.detect import PROFILE_ROLLED_BACK, ROLLED_BACK
from hullguard.hostmgr.intake import Speaker, take_in
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.policy import Action, Binding, DetectorSettings, Policy, PolicySpec
from hullguard.model.profile import LearningTerms, ProfileState, ProfileSummary
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import Audit, AuditFilter, IncidentFilter, Incidents, Policies, Profiles
from hullguard.wire import messages as say

__all__ = ["clock", "storage", "tx"]

SPEAKER = Speaker("node-1", "default", "default", "stream-1")
DETAILS = {"exits": "7", "before": "1", "minutes": "30", "containers": "till"}


def spec(
    rollout: Rollout | None = None, *, action: Action = Action.KILL, nodes: tuple[str, ...] = ("*",)
) -> PolicySpec:
    detectors = {"container.drop-and-execute": DetectorSettings(action=action)}
    return PolicySpec("strict", "", True, detectors, Binding(list(nodes)), rollout or Rollout())


async def made(tx: Transaction, given: PolicySpec | None = None) -> Policy:
    await enrolled(tx)
    return await Policies(tx).create(given or spec(), "user:a")


def failed(policy: Policy, number: int = 1, *, version: int | None = None) -> Observation:
    told = observation(number, rule=ROLLED_BACK)
    ref = PolicyRef(policy.id, version or policy.version)
    return msgspec.structs.replace(told, policy=ref, details=DETAILS)


async def says(tx: Transaction, *told: Observation, sequence: int = 1) -> list[tuple[str, str]]:
    (outcome,) = await take_in(tx, SPEAKER, [(say.Incidents(told), sequence)])
    return list(outcome.events)


async def rolled_back(tx: Transaction, policy: Policy) -> bool:
    return (await Policies(tx).get(policy.id)).spec.rollout.mode is Mode.SIMULATE


async def test_it_is_simulated_from_then_on_with_the_reason_and_an_audit_record(tx):
    policy = await made(tx)
    events = await says(tx, failed(policy))
    now = await Policies(tx).get(policy.id)
    assert (now.version, now.spec.rollout, now.changed_by) == (2, Rollout(Mode.SIMULATE), "node:node-1")
    assert now.comment == "Simulated again: 7 failing exits in 30 minutes, 1 before (till)."
    assert now.spec.detectors == policy.spec.detectors
    assert ("policy", policy.id) in events
    (record,) = (await Audit(tx).page(AuditFilter(), PageRequest())).items
    (incident,) = (await Incidents(tx).page(IncidentFilter(), PageRequest())).items
    assert (record.actor, record.action, record.subject) == ("node:node-1", "policy.roll-back", f"policy:{policy.id}")
    assert record.details == {**DETAILS, "version": "2", "incident": incident.id}


async def test_it_happens_once_however_many_nodes_say_so(tx):
    policy = await made(tx)
    await says(tx, failed(policy), failed(policy, 2))
    await says(tx, failed(policy), sequence=2)
    assert (await Policies(tx).get(policy.id)).version == 2
    assert (await Audit(tx).page(AuditFilter(), PageRequest())).total == 1


@pytest.mark.parametrize(
    "given",
    [
        spec(Rollout(Mode.SIMULATE)),
        spec(Rollout(automatic=False)),
        spec(Rollout(Mode.CANARY, canary_nodes=["node-2"])),
        spec(action=Action.ALERT),
        spec(nodes=("node-2",)),
    ],
    ids=["simulated", "not automatic", "no canary", "only alerts", "another's policy"],
)
async def test_a_node_has_no_say_in_what_is_not_on_trial_there(tx, given):
    policy = await made(tx, given)
    await says(tx, failed(policy))
    assert (await Policies(tx).get(policy.id)) == policy
    assert (await Incidents(tx).page(IncidentFilter(), PageRequest())).total == 1, "the incident is kept all the same"


async def test_a_canary_can_take_it_back(tx):
    policy = await made(tx, spec(Rollout(Mode.CANARY, canary_nodes=["node-1"])))
    await says(tx, failed(policy))
    assert await rolled_back(tx, policy)


async def test_not_for_an_older_version_nor_without_a_policy_nor_for_one_that_is_gone(tx):
    policy = await made(tx)
    second = await Policies(tx).update(policy.id, policy.spec, "user:a", expected_version=1)
    nameless = msgspec.structs.replace(failed(policy, 2), policy=None)
    gone = msgspec.structs.replace(failed(policy, 3), policy=PolicyRef("none", 1))
    await says(tx, failed(policy), nameless, gone)
    assert await Policies(tx).get(policy.id) == second


async def test_when_the_trial_is_over_a_node_has_no_say(storage: Storage, clock):
    async with storage.transaction(SCOPE) as tx:
        policy = await made(tx)
    clock.now += timedelta(minutes=41)
    async with storage.transaction(SCOPE) as tx:
        await says(tx, failed(policy))
        assert not await rolled_back(tx, policy)
    clock.now -= timedelta(minutes=2)
    async with storage.transaction(SCOPE) as tx:
        await says(tx, failed(policy, 2), sequence=2)
        assert await rolled_back(tx, policy)


async def protecting(tx: Transaction, rollout: Rollout | None = None) -> ProfileSummary:
    await enrolled(tx)
    profile = await Profiles(tx).create("shop/till", LearningTerms(), "user:a")
    for state in (ProfileState.REVIEW, ProfileState.MONITOR):
        await Profiles(tx).move(profile.id, state, "user:a")
    return await Profiles(tx).move(profile.id, ProfileState.PROTECT, "user:a", rollout=rollout)


def departed(profile: ProfileSummary, number: int = 1, *, version: int | None = None) -> Observation:
    told = observation(number, rule=PROFILE_ROLLED_BACK)
    which = {"profile": profile.repository, "profile_id": profile.id, "version": str(version or profile.version)}
    return msgspec.structs.replace(told, details={**DETAILS, **which})


async def state_of(tx: Transaction, profile: ProfileSummary) -> ProfileState:
    return (await Profiles(tx).get(profile.id)).state


async def test_a_profile_only_monitors_from_then_on_with_an_audit_record(tx):
    profile = await protecting(tx)
    events = await says(tx, departed(profile), departed(profile, 2))
    now = await Profiles(tx).get(profile.id)
    assert (now.state, now.version, now.changed_by) == (ProfileState.MONITOR, profile.version + 1, "node:node-1")
    assert ("profile", profile.id) in events
    (record,) = (await Audit(tx).page(AuditFilter(), PageRequest())).items
    assert (record.action, record.subject) == ("profile.roll-back", f"profile:{profile.id}")
    assert record.details["repository"] == "shop/till"
    assert record.reason == "Simulated again: 7 failing exits in 30 minutes, 1 before (till)."


@pytest.mark.parametrize(
    "rollout",
    [Rollout(automatic=False), Rollout(Mode.CANARY, canary_nodes=["node-2"])],
    ids=["not automatic", "no canary"],
)
async def test_a_node_has_no_say_in_a_profile_that_is_not_on_trial_there(tx, rollout):
    profile = await protecting(tx, rollout)
    await says(tx, departed(profile))
    assert await state_of(tx, profile) is ProfileState.PROTECT


async def test_nor_in_another_version_or_in_one_that_is_gone(tx):
    profile = await protecting(tx)
    gone = msgspec.structs.replace(departed(profile, 2), details=DETAILS)
    await says(tx, departed(profile, version=profile.version - 1), gone)
    assert await state_of(tx, profile) is ProfileState.PROTECT


async def test_nor_in_a_profile_whose_trial_is_over(storage: Storage, clock):
    async with storage.transaction(SCOPE) as tx:
        profile = await protecting(tx, Rollout(Mode.CANARY, canary_nodes=["node-1"]))
    clock.now += timedelta(minutes=41)
    async with storage.transaction(SCOPE) as tx:
        await says(tx, departed(profile))
        assert await state_of(tx, profile) is ProfileState.PROTECT
    clock.now -= timedelta(minutes=2)
    async with storage.transaction(SCOPE) as tx:
        await says(tx, departed(profile, 2), sequence=2)
        assert await state_of(tx, profile) is ProfileState.MONITOR
