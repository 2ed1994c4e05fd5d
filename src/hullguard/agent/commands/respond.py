"""Act on one container, and take it back: pause, stop, isolate, end a process."""

from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.model.command import RESPONSES, Command, CommandKind


class Respond:
    """Parameters: ``container``, its whole id; ``grace_seconds`` of a stop; ``pid`` and ``started`` of a process."""

    def __init__(self, kind: CommandKind) -> None:
        self.kind = kind

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result:  # noqa: ARG002 - it is quick
        """The result names the container and says what there was to do."""
        return await parts.responses.carry_out(command.kind, command.parameters)


EVERY_RESPONSE = tuple(Respond(kind) for kind in sorted(RESPONSES))
