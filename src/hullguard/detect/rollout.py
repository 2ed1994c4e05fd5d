"""Where a policy's or a profile's actions are in force, and what it comes to where they are only simulated."""

import hashlib
from collections.abc import Mapping

import msgspec

from hullguard.detect.detectors.departure import DEPARTURE
from hullguard.model.policy import Action, NodePolicies, Policy
from hullguard.model.profile import Profile, ProfileState
from hullguard.model.rollout import Mode, Rollout

ROLLED_BACK, PROFILE_ROLLED_BACK = "policy.rolled-back", "profile.rolled-back"
"""Rules of the incidents by which an agent says that it only simulates a policy, or a profile: containers failed."""


def enforced(policy: Policy, node: str) -> bool:
    """Whether its actions are to be in force on this node."""
    return reaches(policy.spec.rollout, policy.id, node)


def reaches(rollout: Rollout, of: str, node: str) -> bool:
    """Whether the policy or profile with this id is in force on a node; a share's nodes are the same everywhere."""
    match rollout.mode:
        case Mode.SIMULATE:
            return False
        case Mode.CANARY:
            return node in rollout.canary_nodes or _place(of, node) < rollout.canary_percent
        case Mode.ENFORCE:
            return True


def acts(policy: Policy) -> bool:
    """Whether it does more than report, where it is in force."""
    spec = policy.spec
    actions = [one.action for one in spec.detectors.values() if one.enabled]
    actions += [one.action for one in spec.rules.settings.values() if one.enabled is not False]
    return spec.enabled and any(action is not Action.ALERT for action in actions)


def answers(policy: Policy) -> bool:
    """Whether it does more than report of what departs from an image's profile."""
    settings = policy.spec.detectors.get(DEPARTURE)
    return policy.spec.enabled and settings is not None and settings.enabled and settings.action is not Action.ALERT


def simulated(policies: NodePolicies, node: str, rolled_back: Mapping[str, int]) -> frozenset[str]:
    """Ids of those that only say what they would do, policies and profiles.

    ``rolled_back`` are versions by id that this node took back itself. A profile that monitors is simulated everywhere.
    """
    these = {each.id for each in policies.policies if not enforced(each, node)}
    these |= {each.id for each in policies.profiles if not _protects(each, node)}
    every: list[Policy | Profile] = [*policies.policies, *policies.profiles]
    return frozenset(these | {each.id for each in every if rolled_back.get(each.id) == each.version})


def _protects(profile: Profile, node: str) -> bool:
    """Whether departures from it are to be answered on this node."""
    return profile.state is ProfileState.PROTECT and reaches(profile.rollout, profile.id, node)


def in_force(policies: NodePolicies, only_simulated: frozenset[str]) -> NodePolicies:
    """The same for whoever acts: those that are simulated do no more than alert."""
    return msgspec.structs.replace(
        policies,
        policies=tuple(_tamed(each) if each.id in only_simulated else each for each in policies.policies),
        profiles=tuple(_monitoring(each) if each.id in only_simulated else each for each in policies.profiles),
    )


def _monitoring(profile: Profile) -> Profile:
    if profile.state is not ProfileState.PROTECT:
        return profile
    return msgspec.structs.replace(profile, state=ProfileState.MONITOR)


def _tamed(policy: Policy) -> Policy:
    alert = msgspec.structs.replace
    detectors = {name: alert(settings, action=Action.ALERT) for name, settings in policy.spec.detectors.items()}
    settings = {name: alert(one, action=Action.ALERT) for name, one in policy.spec.rules.settings.items()}
    rules = alert(policy.spec.rules, settings=settings)
    return alert(policy, spec=alert(policy.spec, detectors=detectors, rules=rules))


def _place(policy: str, node: str) -> int:
    """From 0 to 99, evenly; another order of the nodes for each policy, so that no node is always the first."""
    return int.from_bytes(hashlib.sha256(f"{policy}\0{node}".encode()).digest()[:8]) % 100
