"""What state a node is in, and why: the one place that decides it. Pure.

The ``Nodes`` store filters by the same rules in SQL (``stores/nodes.py``); a test compares the two over every
combination.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from hullguard.model.node import NodeState, Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies

ONLINE = timedelta(seconds=90)
"""Three missed heartbeats: a node not heard of for longer is offline."""


class Signs(Struct, frozen=True):
    """Everything that the state depends on."""

    protection: bool
    last_seen: datetime | None
    sensor: SensorHealth | None
    runtime_reachable: bool | None
    reasons: tuple[Reason, ...]
    spool_dropped: int
    wanted: AppliedPolicies | None
    applied: AppliedPolicies | None


def online(last_seen: datetime | None, now: datetime) -> bool:
    """Whether the agent was heard of lately."""
    return last_seen is not None and now - last_seen <= ONLINE


def drifts(signs: Signs) -> bool:
    """Whether the agent fails to confirm what it should run.

    A node without protection should run nothing, so silence confirms that; a policy still applied there does not.
    """
    if signs.applied is None:
        return signs.protection
    return signs.wanted is not None and signs.applied.hash != signs.wanted.hash


def health_reasons(signs: Signs) -> tuple[Reason, ...]:
    """What is wrong by the agent's own word; empty when it is sound."""
    found = list(signs.reasons)
    if signs.sensor is None:
        found.append(Reason("agent.starting", "the agent has not reported its state yet"))
    elif signs.sensor.state is not SensorState.ACTIVE:
        found.extend(signs.sensor.reasons)
        if not signs.sensor.reasons:
            found.append(Reason(f"sensor.{signs.sensor.state}", f"the kernel sensor is {signs.sensor.state}"))
    if signs.runtime_reachable is False:
        found.append(Reason("runtime.unreachable", "the agent cannot reach the container runtime"))
    if signs.spool_dropped:
        found.append(
            Reason(
                "spool.dropping",
                f"the agent dropped {signs.spool_dropped} records because its spool is full",
                {"records": signs.spool_dropped},
            )
        )
    return tuple(found)


def judge(signs: Signs, now: datetime) -> tuple[NodeState, tuple[Reason, ...]]:
    """The state and the reasons for it; a protected node has none."""
    if not online(signs.last_seen, now):
        return NodeState.OFFLINE, (_offline(signs.last_seen, now),)
    if not signs.protection:
        return NodeState.UNPROTECTED, (Reason("protection.off", "protection is switched off for this node"),)
    reasons = health_reasons(signs)
    if drifts(signs):
        reasons += (Reason("policy.drift", "the agent does not confirm the policies that it should run"),)
    return (NodeState.DEGRADED, reasons) if reasons else (NodeState.PROTECTED, ())


def _offline(last_seen: datetime | None, now: datetime) -> Reason:
    if last_seen is None:
        return Reason("node.never-seen", "the agent enrolled, but has never reported its state")
    seconds = int((now - last_seen).total_seconds())
    return Reason("node.silent", f"the agent was last heard of {seconds} seconds ago", {"seconds": seconds})
