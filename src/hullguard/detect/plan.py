"""What the kernel's filters must know, compiled from a node's policies.

The kernel holds numbered slots and one number per container. Slot 0 is for containers that the agent has not met yet;
it wants what any policy wants, and kills only where every policy that may turn out to hold would kill: a process can be
reported too much, but not be brought back to life. Slot 1 wants nothing: containers that no policy covers.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
from msgspec import Struct

from hullguard.detect.choice import choose
from hullguard.detect.denial import protects
from hullguard.detect.detectors.catalog import BY_ID
from hullguard.detect.detectors.departure import DEPARTURE
from hullguard.detect.detectors.departure import WANTS as PROFILED
from hullguard.detect.detectors.interface import Wants, merged, refuses
from hullguard.detect.profiles import profile_of
from hullguard.detect.rulebook import rulebook
from hullguard.model.event import EventKind, ImageRef
from hullguard.model.policy import NodePolicies, Policy
from hullguard.model.profile import Profile

T = TypeVar("T")

UNKNOWN, NOTHING = 0, 1
MOST_SLOTS = 255
"""Policies beyond are filtered as if their containers were unknown; the engine still tells them apart."""
MOST_WANTS = 64
"""Of one slot; a bit each in the kernel. What is beyond becomes one want that asks for all that they ask for."""


class SlotPlan(Struct, frozen=True):
    """What the kernel does for the containers of one slot."""

    wants: tuple[Wants, ...] = ()
    """Without their say on killing: that is the whole slot's."""
    exempt: tuple[str, ...] = ()
    kill_new: bool = False

    @property
    def kinds(self) -> frozenset[EventKind]:
        return frozenset(kind for want in self.wants for kind in want.kinds)

    @property
    def opens(self) -> frozenset[str]:
        """Patterns of files whose opens are worth an event."""
        return frozenset(path for want in self.wants if EventKind.FILE_OPEN in want.kinds for path in want.paths)


class KernelPlan(Struct, frozen=True):
    """All slots, and how to find a container's."""

    policies: tuple[Policy, ...]
    slots: tuple[SlotPlan, ...]
    node: str | None = None
    host: SlotPlan | None = None
    """What is wanted of the host's own processes, if anything."""
    profiles: tuple[Profile, ...] = ()
    """Containers of their images have slots of their own, behind those of the policies and in the same order."""

    @property
    def fences(self) -> dict[int, Profile]:
        """Profiles by number whose containers' other connections are refused."""
        return {
            number: profile
            for number, profile in enumerate(self.profiles, 1)
            if any(protects(policy, profile) for policy in self.policies)
        }

    def fence(self, image: ImageRef | None) -> int:
        """The number of the profile by which connections of a container with this image are refused; 0 for none."""
        policy = choose(self.policies, image, self.node)
        profile = profile_of(self.profiles, image.name if image else None)
        if policy is None or profile is None or not protects(policy, profile):
            return 0
        return self.profiles.index(profile) + 1

    @property
    def fencing(self) -> bool:
        """Whether connections of some containers are to be refused, by a profile or by a rule."""
        return bool(self.fences) or any(map(refuses, self.wants))

    @property
    def wants(self) -> tuple[Wants, ...]:
        """Everything that some slot wants."""
        return tuple(want for slot in (*self.slots, self.host or SlotPlan()) for want in slot.wants)

    @property
    def kinds(self) -> frozenset[EventKind]:
        """Every kind that some detector wants; hooks for others need not be attached."""
        return frozenset(kind for want in self.wants for kind in want.kinds)

    @property
    def environment(self) -> frozenset[str]:
        """Every variable that some rule asks for."""
        return frozenset(name for want in self.wants for name in want.environment)

    def slot(self, image: ImageRef | None) -> int:
        """The slot of a container with this image; an unknown image leaves it where unknown containers are."""
        if image is None:
            return UNKNOWN
        policy = choose(self.policies, image, self.node)
        if policy is None:
            return NOTHING
        profiled = profile_of(self.profiles, image.name) is not None
        number = self.policies.index(policy) + 2 + (len(self.policies) if profiled else 0)
        return number if number < len(self.slots) else UNKNOWN


def plan(policies: NodePolicies, node: str | None = None) -> KernelPlan:
    """Compiles a node's policies."""
    compiled = [_slot(policy) for policy in policies.policies]
    profiled = [_profiled(policy, slot) for policy, slot in zip(policies.policies, compiled, strict=True)]
    profiled = profiled if policies.profiles else []
    return KernelPlan(
        policies=policies.policies,
        slots=(
            # A container that nobody has met may be of an image with a profile.
            _unknown(policies.policies, profiled or compiled, node),
            SlotPlan(),
            *[*compiled, *profiled][: MOST_SLOTS - 2],
        ),
        node=node,
        host=_host(policies.policies, compiled, node),
        profiles=policies.profiles,
    )


def _slot(policy: Policy) -> SlotPlan:
    wants = list(_wants(policy)) if policy.spec.enabled else []
    return SlotPlan(
        wants=_bounded(wants),
        exempt=tuple(sorted({path for want in wants if want.kill_new for path in want.exempt})),
        kill_new=any(want.kill_new for want in wants),
    )


def _profiled(policy: Policy, slot: SlotPlan) -> SlotPlan:
    """The same where the image has a profile, unless the policy has its detector switched off."""
    settings = policy.spec.detectors.get(DEPARTURE)
    if not policy.spec.enabled or (settings is not None and not settings.enabled):
        return slot
    return msgspec.structs.replace(slot, wants=_bounded((*slot.wants, PROFILED)))


def _host(policies: Sequence[Policy], compiled: Sequence[SlotPlan], node: str | None) -> SlotPlan | None:
    """The policy for what has no image is the host's; only rules that ask for the host look at it."""
    fallback = choose(policies, None, node)
    for policy, slot in zip(policies, compiled, strict=True):
        wants = tuple(want for want in slot.wants if want.host)
        if policy is fallback and wants:
            return SlotPlan(wants=wants)
    return None


def _wants(policy: Policy) -> Iterable[Wants]:
    for name, settings in policy.spec.detectors.items():
        detector = BY_ID.get(name)
        # A server may be younger than its agent and know detectors that this one has not.
        if settings.enabled and detector is not None:
            wants = detector.wants(settings)
            if wants.kinds:
                yield wants
    yield from rulebook(policy.spec.rules).wants()


def _unknown(policies: Sequence[Policy], compiled: Sequence[SlotPlan], node: str | None) -> SlotPlan:
    fallback = choose(policies, None, node)
    possible = [
        slot
        for policy, slot in zip(policies, compiled, strict=True)
        if policy.spec.enabled and (policy is fallback or policy.spec.binding.images)
    ]
    return SlotPlan(
        # Nobody is refused by a policy that may not be his; what that wants to see is asked for without it.
        wants=_bounded(want for slot in possible for want in slot.wants if not refuses(want)),
        exempt=tuple(sorted({path for slot in possible for path in slot.exempt})),
        # Without a fallback some containers have no policy at all, and this may be one.
        kill_new=fallback is not None and all(slot.kill_new for slot in possible),
    )


def _bounded(wants: Iterable[Wants]) -> tuple[Wants, ...]:
    """As few as say the same, and not more than there are bits."""
    different = merged(msgspec.structs.replace(want, kill_new=False, exempt=()) for want in wants)
    # What refuses must not become broader.
    exact = [want for want in different if refuses(want)]
    different = [want for want in different if not refuses(want)]
    room = MOST_WANTS - len(exact)
    if len(different) > room:
        # Rules that differ in two lists do not become one. Of these that of programs spares least.
        different = merged(msgspec.structs.replace(want, programs=frozenset()) for want in different)
    if len(different) <= room:
        return (*exact, *different)
    kept, rest = different[: room - 1], different[room - 1 :]
    return (*exact, *kept, _broadest(rest))


def _broadest(wants: Sequence[Wants]) -> Wants:
    """One want that asks for all that any of these asks for, and for more."""
    execs = [want for want in wants if EventKind.EXEC in want.kinds]
    return Wants(
        kinds=frozenset(kind for want in wants for kind in want.kinds),
        # A want without paths may be one that asks for every Unix socket, also for those without a path.
        paths=_all(want.paths for want in wants) or ("*",),
        access=frozenset(access for want in wants for access in want.access),
        climbs=all(want.climbs for want in wants),
        ports=frozenset(_all(want.ports for want in wants)),
        networks=() if any("!" in net for want in wants for net in want.networks) else _all(w.networks for w in wants),
        programs=frozenset(_all(want.programs for want in wants)),
        execs=frozenset(_all(want.execs for want in execs)),
        executables=_all(want.executables for want in execs),
        parents=_all(want.parents for want in execs),
        directories=_all(want.directories for want in execs),
        texts=frozenset(_all(want.texts for want in execs)),
        variables=frozenset(_all(want.variables for want in execs)),
        environment=frozenset(name for want in wants for name in want.environment),
        host=any(want.host for want in wants),
    )


def _all(lists: Iterable[Iterable[T]]) -> tuple[T, ...]:
    """Everything of all lists, unless one is empty: that one asks for anything."""
    given = [tuple(items) for items in lists]
    return tuple(dict.fromkeys(item for items in given for item in items)) if all(given) else ()
