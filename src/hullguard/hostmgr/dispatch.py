"""What people want from a node, as messages: policies it does not confirm, commands it has not acknowledged."""

from msgspec import Struct

from hullguard.model.command import Command, CommandState
from hullguard.model.policy import AppliedPolicies, NodePolicies
from hullguard.storage import Transaction
from hullguard.storage.stores import Commands, Nodes, Policies
from hullguard.wire.messages import CommandOrder, PolicySet

UNDER_WAY = 32
"""Commands that one agent holds unacknowledged; the others wait in the database."""


class Due(Struct, frozen=True):
    """What the database wants the node to run and do now."""

    policies: NodePolicies
    protection: bool
    commands: tuple[Command, ...]


async def due(tx: Transaction, node: str) -> Due:
    """Read it. Commands past their deadline are no longer sent; the next round expires them."""
    waiting = (
        command
        for command in await Commands(tx).for_node(node)
        if command.state in (CommandState.QUEUED, CommandState.SENT) and command.deadline > tx.now
    )
    protection = await Nodes(tx).protected(node)
    return Due(await Policies(tx).for_node(node), protection, tuple(waiting)[:UNDER_WAY])


class Desk:
    """Remembers what this session has been sent, so that it is repeated only after a while without an answer."""

    def __init__(self, resend_seconds: float) -> None:
        self._resend_seconds = resend_seconds
        self._policies: tuple[str, bool, float] | None = None
        self._commands: dict[str, float] = {}

    def pick(self, found: Due, applied: AppliedPolicies | None, now: float) -> list[PolicySet | CommandOrder]:
        """The messages to send now; ``now`` is a monotonic clock's."""
        messages: list[PolicySet | CommandOrder] = []
        if self._wants_policies(found, applied, now):
            self._policies = (found.policies.hash, found.protection, now)
            messages.append(PolicySet(found.policies, found.protection))
        kept = {command.id: self._commands[command.id] for command in found.commands if command.id in self._commands}
        self._commands = kept
        for command in found.commands:
            if command.id not in kept or now - kept[command.id] >= self._resend_seconds:
                kept[command.id] = now
                messages.append(CommandOrder(command))
        return messages

    def _wants_policies(self, found: Due, applied: AppliedPolicies | None, now: float) -> bool:
        confirmed = applied is not None and applied.hash == found.policies.hash
        if self._policies is None:
            # An empty set looks alike with and without protection: only sending it says which it is.
            return not confirmed or not found.policies.policies
        sent, protection, at = self._policies
        if (sent, protection) != (found.policies.hash, found.protection):
            return not confirmed or protection != found.protection
        return not confirmed and now - at >= self._resend_seconds
