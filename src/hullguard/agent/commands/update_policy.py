"""Put the policies in force now, and say which they are."""

from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.model.command import Command, CommandKind
from hullguard.model.errors import Unavailable


class UpdatePolicy:
    """No parameters. The server sends the policies before the order, on the same connection."""

    kind = CommandKind.UPDATE_POLICY

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result:  # noqa: ARG002 - it has none
        """The result names the revision and the hash that are in force."""
        health = await parts.protection.check()
        parts.uplink.beat_now()
        applied = parts.protection.applied
        if applied is None:
            raise Unavailable("The server has not sent any policies yet.", "policy.none")
        return {"revision": applied.revision, "hash": applied.hash, "sensor": str(health.state)}
