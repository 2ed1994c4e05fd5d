"""What a node's policies become for an agent that is older than some of them, and what that leaves out.

An agent takes policies as a whole, by their hash. So one that does not understand a part is sent the rest, under the
rest's own hash, and what it confirms of that counts for the whole: what is missing is said as a reason of the node,
with the advice to update the agent, and not as a drift that would never end.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from hullguard.model.node import Heartbeat, Reason
from hullguard.model.policy import AppliedPolicies, NodePolicies, policies_hash
from hullguard.wire import capabilities

_LONGEST = 500


class Fit(Struct, frozen=True):
    """How the policies that one agent is sent are not all that its node should run."""

    sent: str
    """The hash of what it is sent."""
    wanted: AppliedPolicies
    """All of them, as the agent would confirm them if it understood them."""
    reasons: tuple[Reason, ...] = ()
    """What was left out."""

    def told(self, heartbeat: Heartbeat) -> Heartbeat:
        """The agent's word, with what it cannot know of itself."""
        if not self.reasons:
            return heartbeat
        applied = heartbeat.applied
        if applied is not None and applied.hash == self.sent:
            applied = self.wanted
        return msgspec.structs.replace(heartbeat, applied=applied, reasons=heartbeat.reasons + self.reasons)


def fit(wanted: NodePolicies, understood: frozenset[str]) -> tuple[NodePolicies, Fit]:
    """The policies without what an agent with these capabilities does not understand, and what to make of its word."""
    policies, reasons = wanted, []
    for capability, leave_out in _PARTS.items():
        if capability not in understood:
            policies, reason = leave_out(policies)
            reasons += [] if reason is None else [reason]
    return policies, Fit(policies.hash, AppliedPolicies(wanted.revision, wanted.hash), tuple(reasons))


def _without_profiles(policies: NodePolicies) -> tuple[NodePolicies, Reason | None]:
    if not policies.profiles:
        return policies, None
    names = ", ".join(sorted(profile.repository for profile in policies.profiles))[:_LONGEST]
    bare = NodePolicies(policies.revision, policies_hash(policies.policies), policies.policies)
    text = f"The agent is too old for profiles, so none is learned or in force here: {names}. Update it."
    return bare, Reason("policy.profiles-unsupported", text, {"profiles": names})


_PARTS: Final[dict[str, Callable[[NodePolicies], tuple[NodePolicies, Reason | None]]]] = {
    capabilities.PROFILES: _without_profiles,
}
