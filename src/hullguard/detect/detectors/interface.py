"""What a detector is: it declares which events it wants and judges them one by one, without any I/O or memory."""

import enum
from typing import Protocol

from msgspec import Struct

from hullguard.model.detector import DetectorInfo
from hullguard.model.event import Event, EventKind
from hullguard.model.policy import Action, DetectorSettings

Details = dict[str, str]

RESPONSES = (Action.PAUSE, Action.STOP, Action.ISOLATE)
"""What can follow any detection in a container: the agent does it once the incident is kept."""


class ExecTrait(enum.StrEnum):
    """What the kernel can tell of an exec; asking for it spares the agent all other execs."""

    NEW_FILE = "new_file"
    ENTRY_WITH_TERMINAL = "entry_with_terminal"
    """The runtime itself started it, with a terminal."""


class Wants(Struct, frozen=True):
    """What the kernel must send, and may do, for one detector under one policy's settings."""

    kinds: frozenset[EventKind]
    paths: tuple[str, ...] = ()
    """FILE_OPEN: patterns of files worth an event."""
    execs: frozenset[ExecTrait] = frozenset()
    """EXEC: only those with one of these traits; empty means every one."""
    kill_new: bool = False
    """EXEC: kill what is not in the image, before its first instruction."""
    exempt: tuple[str, ...] = ()
    """EXEC: patterns of executables that ``kill_new`` must spare."""
    deny: bool = False
    """FILE_OPEN: refuse to open ``paths``. EXEC: refuse to start what is not in the image, ``exempt`` spared."""
    exempt_programs: tuple[str, ...] = ()
    """FILE_OPEN: patterns of programs of the image's own that ``deny`` must let."""


class Detector(Protocol):
    """One rule."""

    info: DetectorInfo

    def wants(self, settings: DetectorSettings) -> Wants:
        """What must reach ``judge``; more may."""
        ...

    def judge(self, event: Event, settings: DetectorSettings) -> Details | None:
        """Facts that fill the rule's sentence, or None where nothing is wrong."""
        ...
