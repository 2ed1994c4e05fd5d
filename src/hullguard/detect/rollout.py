"""Where a policy's actions are in force, and what it comes to where they are only simulated."""

import hashlib
from collections.abc import Mapping

import msgspec

from hullguard.model.policy import Action, Mode, NodePolicies, Policy

ROLLED_BACK = "policy.rolled-back"
"""The rule of the incident by which an agent says that it only simulates a policy, since containers failed."""


def enforced(policy: Policy, node: str) -> bool:
    """Whether its actions are to be in force on this node. The nodes of a share are the same on every machine."""
    rollout = policy.spec.rollout
    match rollout.mode:
        case Mode.SIMULATE:
            return False
        case Mode.CANARY:
            return node in rollout.canary_nodes or _place(policy.id, node) < rollout.canary_percent
        case Mode.ENFORCE:
            return True


def acts(policy: Policy) -> bool:
    """Whether it does more than report, where it is in force."""
    spec = policy.spec
    actions = [one.action for one in spec.detectors.values() if one.enabled]
    actions += [one.action for one in spec.rules.settings.values() if one.enabled is not False]
    return spec.enabled and any(action is not Action.ALERT for action in actions)


def simulated(policies: NodePolicies, node: str, rolled_back: Mapping[str, int]) -> frozenset[str]:
    """Those that only say what they would do; ``rolled_back`` are versions by id that this node took back itself."""
    return frozenset(
        policy.id
        for policy in policies.policies
        if not enforced(policy, node) or rolled_back.get(policy.id) == policy.version
    )


def in_force(policies: NodePolicies, only_simulated: frozenset[str]) -> NodePolicies:
    """The same for whoever acts: those that are simulated do no more than alert."""
    return msgspec.structs.replace(
        policies,
        policies=tuple(_tamed(each) if each.id in only_simulated else each for each in policies.policies),
    )


def _tamed(policy: Policy) -> Policy:
    alert = msgspec.structs.replace
    detectors = {name: alert(settings, action=Action.ALERT) for name, settings in policy.spec.detectors.items()}
    settings = {name: alert(one, action=Action.ALERT) for name, one in policy.spec.rules.settings.items()}
    rules = alert(policy.spec.rules, settings=settings)
    return alert(policy, spec=alert(policy.spec, detectors=detectors, rules=rules))


def _place(policy: str, node: str) -> int:
    """From 0 to 99, evenly; another order of the nodes for each policy, so that no node is always the first."""
    return int.from_bytes(hashlib.sha256(f"{policy}\0{node}".encode()).digest()[:8]) % 100
