"""What containers of an image do: learned from them, reviewed by a person, and then what others are measured by."""

import enum
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from hullguard.model.rollout import Rollout

What = Annotated[str, Meta(min_length=1, max_length=240)]
"""EXEC and WRITE: a path pattern as in policies. CONNECT: ``tcp 10.0.3.0/24 5432``, ``udp ::/0 *``, ``unix /run/x``."""


class ProfileState(enum.StrEnum):
    """How far a profile is."""

    LEARNING = "learning"
    REVIEW = "review"
    """Learning is over, and nobody has accepted the list yet: agents do nothing."""
    MONITOR = "monitor"
    """What departs from the list raises an incident."""
    PROTECT = "protect"
    """What departs is also answered by the action of the container's policy."""


FOLLOWING: dict[ProfileState, tuple[ProfileState, ...]] = {
    ProfileState.LEARNING: (ProfileState.REVIEW,),
    ProfileState.REVIEW: (ProfileState.MONITOR, ProfileState.LEARNING),
    ProfileState.MONITOR: (ProfileState.PROTECT, ProfileState.REVIEW, ProfileState.LEARNING),
    ProfileState.PROTECT: (ProfileState.PROTECT, ProfileState.MONITOR, ProfileState.REVIEW, ProfileState.LEARNING),
}
"""The states that a person may choose next; from protecting to protecting how it comes into force is changed."""


class Behaviour(enum.StrEnum):
    """What is learned."""

    EXEC = "exec"
    WRITE = "write"
    """A file is opened for writing, or made."""
    CONNECT = "connect"


class Entry(Struct, frozen=True):
    """One line of a profile as agents are given it."""

    deed: Behaviour
    what: str
    seen: int
    """In so many containers."""
    accepted: bool = True


class Profile(Struct, frozen=True):
    """What an agent needs of a profile; ``entries`` is empty while it is being learned."""

    id: str
    repository: str
    """An image's name without tag and digest: every build of an image shares its profile."""
    state: ProfileState
    generation: int
    """Grows whenever learning begins anew; what was learned for another one counts no more."""
    containers: int = 0
    """From so many it was learned."""
    entries: tuple[Entry, ...] = ()
    version: int = 1
    """Grows with each change of its list, its state or its rollout: a trial is of one version."""
    rollout: Rollout = Rollout()
    """PROTECT: where it does; elsewhere it only monitors."""


class Tally(Struct, frozen=True):
    """How often one thing happened on one node since that node last told of it."""

    deed: Behaviour
    what: What
    times: Annotated[int, Meta(ge=1, le=1 << 40)]
    containers: Annotated[int, Meta(ge=0, le=4096)]
    """In so many containers for the first time."""
    first: datetime
    last: datetime


class LearningTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """When learning ends by itself: after ``minutes``, or once nothing new came for ``stable_minutes``.

    The second needs ``stable_containers`` to have been seen. With neither it goes on until a person ends it.
    """

    minutes: Annotated[int, Meta(ge=1, le=129_600)] | None = 10_080
    stable_minutes: Annotated[int, Meta(ge=1, le=43_200)] | None = 1440
    stable_containers: Annotated[int, Meta(ge=1, le=10_000)] = 2


class ProfileSummary(Struct, frozen=True):
    """A profile as the console shows it."""

    id: str
    repository: str
    state: ProfileState
    generation: int
    terms: LearningTerms
    started: datetime
    """When it began to be learned."""
    last_new: datetime | None
    """When something new was seen last."""
    containers: int
    entries: int
    refused: int
    """Of the entries, those that a person removed."""
    dropped: int
    """Things that were seen and are not in the list, since it holds only so many."""
    version: int
    rollout: Rollout
    """Where it protects, once it does."""
    judged_since: datetime | None
    """Since when containers are judged by the list that it has now; None while they are not."""
    changed_at: datetime
    changed_by: str
    allowed: tuple[ProfileState, ...]


class ProfileEntry(Struct, frozen=True):
    """One line of a profile as the console shows it."""

    deed: Behaviour
    what: str
    seen: int
    """In so many containers."""
    times: int
    first: datetime | None
    """None where a person wrote it and nobody ever saw it."""
    last: datetime | None
    accepted: bool
    decided_by: str | None
    """Who added, removed or put it back; None where it was learned."""
