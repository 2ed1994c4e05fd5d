"""A node reports that containers fail under a policy or a profile: it is only simulated from then on, everywhere.

A node can be an attacker's. So its word counts for no more than it must: for what is in force on this very
node, at the version that is the last one, while that version is on trial. Whatever else it says stays an incident.
"""

from datetime import datetime, timedelta

import msgspec
import structlog

from hullguard import audit
from hullguard.detect import acts, enforced, reaches
from hullguard.model.errors import NotFound
from hullguard.model.incident import Observation
from hullguard.model.policy import Policy
from hullguard.model.profile import ProfileState, ProfileSummary
from hullguard.model.rollout import Mode, Rollout
from hullguard.storage import Transaction
from hullguard.storage.stores import Policies, Profiles, wanted

SLACK = timedelta(minutes=10)
"""From the change of a policy until it is in force on a node that is online, and its clock is off by no more."""

log = structlog.get_logger()


async def roll_back(tx: Transaction, node: str, observed: Observation) -> bool:
    """Whether the policy that the incident names was rolled back; if so the audit has it."""
    told = observed.policy
    if told is None:
        return False
    actor, subject = f"node:{node}", f"policy:{told.id}"
    details = _told(observed)
    try:
        policy = await Policies(tx).get(told.id)
    except NotFound:
        return False
    refusal = _refusal(policy, told.version, node) or _is_over(policy.spec.rollout, policy.changed_at, tx)
    if refusal is not None:
        # No audit record: the incident is kept, and a node must not fill the audit with what it says.
        log.info("policy not rolled back", policy=policy.id, node=node, why=refusal)
        return False
    rollout = msgspec.structs.replace(policy.spec.rollout, mode=Mode.SIMULATE)
    spec = msgspec.structs.replace(policy.spec, rollout=rollout)
    made = await Policies(tx).update(policy.id, spec, actor, _comment(details), expected_version=policy.version)
    details["version"] = str(made.version)
    await audit.record(tx, actor, "policy.roll-back", subject, reason=_comment(details), details=details)
    return True


async def roll_back_profile(tx: Transaction, node: str, observed: Observation) -> str | None:
    """The id of the profile that the incident names, if it only monitors again from now on; the audit has it then."""
    actor, details = f"node:{node}", _told(observed)
    try:
        profile = await Profiles(tx).get(observed.details.get("profile_id", "")[:64])
    except NotFound:
        return None
    refusal = _profile_refusal(profile, observed.details.get("version", ""), node)
    refusal = refusal or _is_over(profile.rollout, profile.changed_at, tx)
    if refusal is not None:
        log.info("profile not rolled back", profile=profile.id, node=node, why=refusal)
        return None
    await Profiles(tx).move(profile.id, ProfileState.MONITOR, actor)
    details["repository"] = profile.repository
    subject = f"profile:{profile.id}"
    await audit.record(tx, actor, "profile.roll-back", subject, reason=_comment(details), details=details)
    return profile.id


def _told(observed: Observation) -> dict[str, str]:
    details = {name: observed.details.get(name, "")[:200] for name in ("exits", "before", "minutes", "containers")}
    return {**details, "incident": observed.id}


def _profile_refusal(profile: ProfileSummary, version: str, node: str) -> str | None:
    """Why the profile stays as it is."""
    if str(profile.version) != version:
        return f"it is at version {profile.version} now, not {version[:20]}"
    if profile.state is not ProfileState.PROTECT or not profile.rollout.automatic:
        return "it is not on trial"
    return None if reaches(profile.rollout, profile.id, node) else "it is not in force on this node"


def _is_over(rollout: Rollout, since: datetime, tx: Transaction) -> str | None:
    over = tx.now > since + timedelta(minutes=rollout.watch_minutes) + SLACK
    return f"its trial of {rollout.watch_minutes} minutes is over" if over else None


def _comment(details: dict[str, str]) -> str:
    return (
        f"Simulated again: {details['exits']} failing exits in {details['minutes']} minutes, {details['before']} before"
        f" ({details['containers']})."
    )


def _refusal(policy: Policy, version: int, node: str) -> str | None:
    """Why the policy stays as it is."""
    rollout = policy.spec.rollout
    if policy.version != version:
        return f"it is at version {policy.version} now, not {version}"
    if not rollout.automatic or rollout.mode is Mode.SIMULATE or not acts(policy):
        return "it is not on trial"
    if not wanted.for_node(node, [policy]) or not enforced(policy, node):
        return "it is not in force on this node"
    return None
