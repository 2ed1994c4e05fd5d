"""What a node must do: one versioned object with parameters per detector."""

import enum
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from hullguard.model.profile import Profile
from hullguard.model.rollout import Rollout

Parameter = bool | int | str | list[str]

NAME: Final = {"shown": "name"}
LINE: Final = {"shown": "line"}
"""Marks of what people tell things apart by, and of what they read: nothing in it may be hidden (``ctrl/names.py``)."""
Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w][\w .()-]*$(?!\n)", extra=NAME)]
Text = Annotated[str, Meta(max_length=2000)]


class Action(enum.StrEnum):
    """What follows a detection. Which detector can have which, its ``DetectorInfo`` says."""

    ALERT = "alert"
    KILL = "kill"
    """End the process: in the kernel before its first instruction where it can be, else as soon as it was seen."""
    DENY = "deny"
    """Refuse the deed itself: the file is not opened, the program does not start; whoever tried it lives on."""
    PAUSE = "pause"
    """Freeze the container: nothing in it runs, and nothing of it is lost."""
    STOP = "stop"
    """Stop the container."""
    ISOLATE = "isolate"
    """Cut the container off from every network."""


class DetectorSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """How one detector behaves; parameters that are not named keep the detector's defaults."""

    enabled: bool = True
    action: Action = Action.ALERT
    parameters: dict[str, Parameter] = {}


class RuleSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy says of one rule."""

    enabled: bool | None = None
    """None leaves it as its file has it."""
    action: Action = Action.ALERT


class RuleText(Struct, frozen=True, forbid_unknown_fields=True):
    """A file in Falco's rule language."""

    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w][\w.-]*$(?!\n)", extra=NAME)]
    content: Annotated[str, Meta(max_length=262_144)]


class RulesSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The rules of a policy: those that come with the product, then the files in their order, then single rules."""

    pack: bool = True
    """Whether the rules that come with the product are among them."""
    files: Annotated[list[RuleText], Meta(max_length=16)] = []
    settings: Annotated[dict[str, RuleSettings], Meta(max_length=2048)] = {}
    """By the rule's name."""
    host: bool = False
    """Whether they hold for the host's own processes, too, where the policy is the one for what has no image."""


class Binding(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy applies to.

    ``nodes`` are node ids, or ``*`` for every node. ``images`` are shell patterns on the image name (``nginx:*``); for
    a container, a policy bound to its image wins over one bound to its node by id, and that over ``*``. Among equals
    the younger policy wins.
    """

    nodes: Annotated[list[str], Meta(max_length=10_000)] = []
    images: Annotated[list[Annotated[str, Meta(min_length=1, max_length=256, extra=NAME)]], Meta(max_length=256)] = []


class PolicySpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a policy that people edit."""

    name: Name
    description: Text = ""
    enabled: bool = True
    detectors: Annotated[dict[str, DetectorSettings], Meta(max_length=256)] = {}
    binding: Binding = Binding()
    rollout: Rollout = Rollout()
    rules: RulesSpec = RulesSpec()


class Policy(Struct, frozen=True):
    """A policy at one version. ``revision`` grows with every change of any policy of the tenant."""

    id: str
    version: int
    revision: int
    spec: PolicySpec
    changed_at: datetime
    changed_by: str
    comment: str = ""
    built_in: bool = False


class SimulatedDeed(Struct, frozen=True):
    """What a policy would have done about one rule in one container, and how often."""

    container: str
    container_name: str
    image_name: str
    node: str
    node_name: str
    rule: str
    would: Action
    deeds: int
    first: datetime
    last: datetime


class Simulation(Struct, frozen=True):
    """What a policy would have stopped since it was given the detectors and the binding that it has now.

    Or a profile, since its list is what it is now: then ``policy`` is its id.
    """

    policy: str
    since_version: int
    since: datetime
    containers: int
    deeds: int
    groups: tuple[SimulatedDeed, ...]
    """The most frequent first; at most a hundred."""


class NodePolicies(Struct, frozen=True):
    """All policies that can matter on one node, in the order in which they win.

    ``hash`` is the SHA-256 of the canonical msgpack of ``policies``, and of ``profiles`` if there are any; the agent
    computes it itself and reports it.
    """

    revision: int
    hash: str
    policies: tuple[Policy, ...]
    profiles: tuple[Profile, ...] = ()
    """Of images: those that are being learned, and those that are in force."""


class AppliedPolicies(Struct, frozen=True):
    """What an agent says that it runs."""

    revision: int
    hash: str


def policies_hash(policies: Sequence[Policy], profiles: Sequence[Profile] = ()) -> str:
    """The SHA-256 that ``NodePolicies.hash`` holds: equal policies in equal order give equal bytes everywhere."""
    # Agents that do not know profiles go on as long as there are none.
    whole: object = (tuple(policies), tuple(profiles)) if profiles else tuple(policies)
    return hashlib.sha256(msgspec.msgpack.encode(whole, order="deterministic")).hexdigest()
