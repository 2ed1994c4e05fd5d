"""What a node must do: one versioned object with parameters per detector."""

import enum
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

Parameter = bool | int | str | list[str]

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w][\w .()-]*$(?!\n)")]
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


class Binding(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy applies to.

    ``nodes`` are node ids, or ``*`` for every node. ``images`` are shell patterns on the image name (``nginx:*``); for
    a container, a policy bound to its image wins over one bound to its node by id, and that over ``*``. Among equals
    the younger policy wins.
    """

    nodes: Annotated[list[str], Meta(max_length=10_000)] = []
    images: Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=256)] = []


class PolicySpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The part of a policy that people edit."""

    name: Name
    description: Text = ""
    enabled: bool = True
    detectors: Annotated[dict[str, DetectorSettings], Meta(max_length=256)] = {}
    binding: Binding = Binding()


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


class NodePolicies(Struct, frozen=True):
    """All policies that can matter on one node, in the order in which they win.

    ``hash`` is the SHA-256 of the canonical msgpack of ``policies``; the agent computes it itself and reports it.
    """

    revision: int
    hash: str
    policies: tuple[Policy, ...]


class AppliedPolicies(Struct, frozen=True):
    """What an agent says that it runs."""

    revision: int
    hash: str


def policies_hash(policies: Sequence[Policy]) -> str:
    """The SHA-256 that ``NodePolicies.hash`` holds: equal policies in equal order give equal bytes everywhere."""
    return hashlib.sha256(msgspec.msgpack.encode(tuple(policies), order="deterministic")).hexdigest()
