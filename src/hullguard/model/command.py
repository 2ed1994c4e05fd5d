"""What a person asks of an agent: written as a row, carried by hostmgr, ended by exactly one outcome."""

import enum
from datetime import datetime

from msgspec import Struct

from hullguard.model.node import Container
from hullguard.model.policy import Action, Parameter


class CommandKind(enum.StrEnum):
    """The commands that an agent understands."""

    SCAN_NOW = "scan_now"
    DETECT_NOW = "detect_now"
    UPDATE_POLICY = "update_policy"
    UPDATE_AGENT = "update_agent"
    PAUSE_CONTAINER = "pause_container"
    UNPAUSE_CONTAINER = "unpause_container"
    STOP_CONTAINER = "stop_container"
    START_CONTAINER = "start_container"
    ISOLATE_CONTAINER = "isolate_container"
    RECONNECT_CONTAINER = "reconnect_container"
    KILL_PROCESS = "kill_process"


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


RESPONSES = frozenset(
    {
        CommandKind.PAUSE_CONTAINER,
        CommandKind.UNPAUSE_CONTAINER,
        CommandKind.STOP_CONTAINER,
        CommandKind.START_CONTAINER,
        CommandKind.ISOLATE_CONTAINER,
        CommandKind.RECONNECT_CONTAINER,
        CommandKind.KILL_PROCESS,
    }
)
"""What is done to one container."""

ANSWER: dict[Action, CommandKind] = {
    Action.KILL: CommandKind.KILL_PROCESS,
    Action.PAUSE: CommandKind.PAUSE_CONTAINER,
    Action.STOP: CommandKind.STOP_CONTAINER,
    Action.ISOLATE: CommandKind.ISOLATE_CONTAINER,
}
"""The command that an agent gives itself where a policy asks for an action that the kernel does not do."""


def allowed(container: Container) -> tuple[CommandKind, ...]:
    """What may be done to a container as it is now: an undo only of what Hullguard did, or of a pause."""
    if container.engine != "docker":
        return ()
    network: tuple[CommandKind, ...] = ()
    if Action.ISOLATE in container.held:
        network = (CommandKind.RECONNECT_CONTAINER,)
    elif container.state in {"running", "paused"} and not container.host_network:
        network = (CommandKind.ISOLATE_CONTAINER,)
    match container.state:
        case "running":
            return (CommandKind.PAUSE_CONTAINER, CommandKind.STOP_CONTAINER, *network)
        case "paused":
            return (CommandKind.UNPAUSE_CONTAINER, CommandKind.STOP_CONTAINER, *network)
        case "exited" if Action.STOP in container.held:
            return (CommandKind.START_CONTAINER, *network)
        case _:
            return network


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
    container: str | None = None
    """The container that it is about."""
    incident: str | None = None
    """The incident that made a person or a policy do it."""
    reason: str = ""
    """Why, in the words of whoever asked."""
