"""What the kernel's filters must know, compiled from a node's policies.

The kernel holds numbered slots and one number per container. Slot 0 is for containers that the agent has not met yet;
it wants what any policy wants, and kills only where every policy that may turn out to hold would kill: a process can be
reported too much, but not be brought back to life. Slot 1 wants nothing: containers that no policy covers.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from hullguard.detect.choice import choose
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.interface import Wants
from hullguard.model.event import EventKind, ImageRef
from hullguard.model.policy import NodePolicies, Policy

UNKNOWN, NOTHING = 0, 1
MOST_SLOTS = 256
"""Policies beyond are filtered as if their containers were unknown; the engine still tells them apart."""


class SlotPlan(Struct, frozen=True):
    """What the kernel does for the containers of one slot."""

    sensitive: tuple[str, ...] = ()
    exempt: tuple[str, ...] = ()
    kill_new: bool = False
    kinds: frozenset[EventKind] = frozenset()
    every_exec: bool = False
    """Some rule judges execs without any trait that the kernel could tell."""


class KernelPlan(Struct, frozen=True):
    """All slots, and how to find a container's."""

    policies: tuple[Policy, ...]
    slots: tuple[SlotPlan, ...]
    node: str | None = None

    @property
    def kinds(self) -> frozenset[EventKind]:
        """Every kind that some detector wants; hooks for others need not be attached."""
        return frozenset(kind for slot in self.slots for kind in slot.kinds)

    @property
    def every_exec(self) -> bool:
        """Whether execs without any trait must be judged too."""
        return any(slot.every_exec for slot in self.slots)

    def slot(self, image: ImageRef | None) -> int:
        """The slot of a container with this image; an unknown image leaves it where unknown containers are."""
        if image is None:
            return UNKNOWN
        policy = choose(self.policies, image, self.node)
        if policy is None:
            return NOTHING
        number = self.policies.index(policy) + 2
        return number if number < len(self.slots) else UNKNOWN


def plan(policies: NodePolicies, node: str | None = None) -> KernelPlan:
    """Compiles a node's policies."""
    compiled = [_slot(policy) for policy in policies.policies]
    return KernelPlan(
        policies=policies.policies,
        slots=(_unknown(policies.policies, compiled, node), SlotPlan(), *compiled[: MOST_SLOTS - 2]),
        node=node,
    )


def _slot(policy: Policy) -> SlotPlan:
    wants = list(_wants(policy)) if policy.spec.enabled else []
    return SlotPlan(
        sensitive=_union(want.paths for want in wants),
        exempt=_union(want.exempt for want in wants if want.kill_new),
        kill_new=any(want.kill_new for want in wants),
        kinds=frozenset(kind for want in wants for kind in want.kinds),
        every_exec=any(EventKind.EXEC in want.kinds and not want.execs for want in wants),
    )


def _wants(policy: Policy) -> Iterable[Wants]:
    for name, settings in policy.spec.detectors.items():
        detector = BY_ID.get(name)
        # A server may be younger than its agent and know detectors that this one has not.
        if settings.enabled and detector is not None:
            yield detector.wants(settings)


def _unknown(policies: Sequence[Policy], compiled: Sequence[SlotPlan], node: str | None) -> SlotPlan:
    fallback = choose(policies, None, node)
    possible = [
        slot
        for policy, slot in zip(policies, compiled, strict=True)
        if policy.spec.enabled and (policy is fallback or policy.spec.binding.images)
    ]
    return SlotPlan(
        sensitive=_union(slot.sensitive for slot in possible),
        exempt=_union(slot.exempt for slot in possible),
        # Without a fallback some containers have no policy at all, and this may be one.
        kill_new=fallback is not None and all(slot.kill_new for slot in possible),
        kinds=frozenset(kind for slot in possible for kind in slot.kinds),
        every_exec=any(slot.every_exec for slot in possible),
    )


def _union(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(sorted({item for items in lists for item in items}))
