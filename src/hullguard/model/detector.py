"""How a detector describes itself: what the policy editor shows and the policy check enforces."""

import enum

from msgspec import Struct

from hullguard.model.policy import Action, Parameter
from hullguard.model.severity import Severity


class ParameterKind(enum.StrEnum):
    """The type of a parameter's value."""

    FLAG = "flag"
    NUMBER = "number"
    TEXT = "text"
    PATHS = "paths"
    """Absolute paths; each may end in ``/*`` for everything below."""
    NAMES = "names"


class ParameterInfo(Struct, frozen=True):
    """One parameter of a detector, with its default and its bounds."""

    name: str
    kind: ParameterKind
    default: Parameter
    max_items: int = 100
    minimum: int | None = None
    maximum: int | None = None


class DetectorInfo(Struct, frozen=True):
    """One detector. Titles and advice are translated in the console by ``id``."""

    id: str
    title: str
    severity: Severity
    technique: str
    actions: tuple[Action, ...]
    parameters: tuple[ParameterInfo, ...] = ()
