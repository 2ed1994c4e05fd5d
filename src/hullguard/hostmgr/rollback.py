"""A node reports that containers fail under a policy: it is only simulated from then on, everywhere.

A node can be an attacker's. So its word counts for no more than it must: for a policy that is in force on this very
node, at the version that is the last one, while that version is on trial. Whatever else it says stays an incident.
"""

from datetime import timedelta

import msgspec
import structlog

from hullguard import audit
from hullguard.detect import acts, enforced
from hullguard.model.errors import NotFound
from hullguard.model.incident import Observation
from hullguard.model.policy import Mode, Policy
from hullguard.storage import Transaction
from hullguard.storage.stores import Policies, wanted

SLACK = timedelta(minutes=10)
"""From the change of a policy until it is in force on a node that is online, and its clock is off by no more."""

log = structlog.get_logger()


async def roll_back(tx: Transaction, node: str, observed: Observation) -> bool:
    """Whether the policy that the incident names was rolled back; if so the audit has it."""
    told = observed.policy
    if told is None:
        return False
    actor, subject = f"node:{node}", f"policy:{told.id}"
    details = {name: observed.details.get(name, "")[:200] for name in ("exits", "before", "minutes", "containers")}
    details["incident"] = observed.id
    try:
        policy = await Policies(tx).get(told.id)
    except NotFound:
        return False
    refusal = _refusal(policy, told.version, node, tx)
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


def _comment(details: dict[str, str]) -> str:
    return (
        f"Simulated again: {details['exits']} failing exits in {details['minutes']} minutes, {details['before']} before"
        f" ({details['containers']})."
    )


def _refusal(policy: Policy, version: int, node: str, tx: Transaction) -> str | None:
    """Why the policy stays as it is."""
    rollout = policy.spec.rollout
    if policy.version != version:
        return f"it is at version {policy.version} now, not {version}"
    if not rollout.automatic or rollout.mode is Mode.SIMULATE or not acts(policy):
        return "it is not on trial"
    if not wanted.for_node(node, [policy]) or not enforced(policy, node):
        return "it is not in force on this node"
    if tx.now > policy.changed_at + timedelta(minutes=rollout.watch_minutes) + SLACK:
        return f"its trial of {rollout.watch_minutes} minutes is over"
    return None
