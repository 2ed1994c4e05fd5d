"""How what stops things comes into force: simulated, on some nodes, on all; and when it is taken back by itself."""

import enum
from typing import Annotated

from msgspec import Meta, Struct


class Mode(enum.StrEnum):
    """How far the actions of a policy, or of a profile, are in force; what is watched is the same in each of them."""

    SIMULATE = "simulate"
    """Nothing is stopped; each incident says what would have been done."""
    CANARY = "canary"
    """In force on the chosen nodes, simulated on the others."""
    ENFORCE = "enforce"


class Rollout(Struct, frozen=True, forbid_unknown_fields=True):
    """How the actions of a policy or a profile come into force, and what takes them back by itself.

    ``automatic``: in the first ``watch_minutes`` after a version came into force on a node, its agent counts containers
    under it that end by themselves with a code other than 0. More than ``tolerated_exits`` above those of as
    many minutes before, and it is only simulated from then on.
    """

    mode: Mode = Mode.ENFORCE
    canary_nodes: Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=1000)] = []
    canary_percent: Annotated[int, Meta(ge=0, le=99)] = 0
    """Of all nodes, beside those named: always the same ones, and with more per cent more of them."""
    automatic: bool = True
    watch_minutes: Annotated[int, Meta(ge=1, le=1440)] = 30
    tolerated_exits: Annotated[int, Meta(ge=0, le=1000)] = 3
