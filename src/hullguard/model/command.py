"""What a person asks of an agent: written as a row, carried by hostmgr, ended by exactly one outcome."""

import enum
from datetime import datetime

from msgspec import Struct

from hullguard.model.policy import Parameter


class CommandKind(enum.StrEnum):
    """The commands that an agent understands."""

    SCAN_NOW = "scan_now"
    DETECT_NOW = "detect_now"
    UPDATE_POLICY = "update_policy"
    UPDATE_AGENT = "update_agent"


class CommandState(enum.StrEnum):
    """From left to right; the last four are final and exactly one of them is reached."""

    QUEUED = "queued"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """No other state follows."""
        return self in _FINAL


_FINAL = frozenset({CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELLED})


class Command(Struct, frozen=True, kw_only=True):
    """One command to one node. ``result`` explains the outcome: a code, a sentence and figures."""

    id: str
    node: str
    kind: CommandKind
    parameters: dict[str, Parameter] = {}
    state: CommandState = CommandState.QUEUED
    created: datetime
    created_by: str
    deadline: datetime
    attempts: int = 0
    progress: int = 0
    """Per cent."""
    message: str = ""
    result: dict[str, str | int] = {}
    finished: datetime | None = None
