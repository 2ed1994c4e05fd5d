"""What a command is to the agent, and what it may use."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from hullguard.agent.images import Images
from hullguard.agent.protection import Protection
from hullguard.agent.respond.responses import Responses
from hullguard.agent.runtime.engines import Engines
from hullguard.agent.runtime.watch import RuntimeWatch, Seen
from hullguard.agent.state import StateDir
from hullguard.agent.uplink import Uplink
from hullguard.model.command import Command, CommandKind

Result = Mapping[str, str | int]
Progress = Callable[[int, str], None]
"""Per cent, and what is being done."""


class Parts(NamedTuple):
    """The parts of the agent that commands work with."""

    state: StateDir
    uplink: Uplink
    runtime: RuntimeWatch
    engines: Engines
    images: Images
    protection: Protection
    responses: Responses
    restart: Callable[[], None]
    """End this process so that its launcher makes the switch that was staged."""

    async def looked(self) -> Seen | None:
        """Has every engine looked at anew; what Docker has, None where only others are here.

        Raises Unavailable where Docker is here, or nothing else, and does not answer.
        """
        await self.engines.look()
        return await self.runtime.refreshed() if self.runtime.here or not self.engines.versions else None


class Handler(Protocol):
    """One kind of command.

    ``run`` returns the result, or None when the outcome is decided elsewhere later; it raises ``HullguardError`` when
    it failed, and it may be cancelled anywhere.
    """

    kind: CommandKind

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result | None:
        """Do it."""
        ...
