"""Which commands this agent has met, on disk: a command that comes twice is done once, whatever happens between."""

from datetime import datetime

import msgspec

from hullguard.agent.identity import now
from hullguard.agent.state import StateDir, read_json, write_json
from hullguard.model.command import Command, CommandKind
from hullguard.model.errors import Invalid

_MOST = 500


class Entry(msgspec.Struct, frozen=True):
    """One command. ``state`` is ``acknowledged``, ``done``, ``failed`` or ``cancelled``."""

    kind: CommandKind
    state: str
    at: datetime
    result: dict[str, str | int] = {}
    own: Command | None = None
    """The command itself, where the agent gave it to itself: nobody else knows it before it has its outcome."""

    @property
    def open(self) -> bool:
        """It has no outcome yet."""
        return self.state == "acknowledged"


class Ledger:
    """Written before a command is acknowledged and after its outcome is in the spool."""

    def __init__(self, state: StateDir) -> None:
        self._path = state.commands
        try:
            self._entries = read_json(self._path, dict[str, Entry]) or {}
        except Invalid:
            # Losing it means at worst that a command runs again; not starting means no protection.
            self._entries = {}

    def get(self, identity: str) -> Entry | None:
        """What is known of a command."""
        return self._entries.get(identity)

    def write(
        self,
        identity: str,
        kind: CommandKind,
        state: str,
        result: dict[str, str | int] | None = None,
        own: Command | None = None,
    ) -> None:
        """Durable when this returns; the oldest finished commands are forgotten."""
        self._entries[identity] = Entry(kind, state, now(), result or {}, own)
        finished = [key for key, entry in self._entries.items() if not entry.open]
        for key in finished[: max(0, len(self._entries) - _MOST)]:
            del self._entries[key]
        write_json(self._path, self._entries)

    def forget(self, identity: str) -> None:
        """What could not be written is not known: after a crash nobody would remember it."""
        self._entries.pop(identity, None)

    def unfinished(self) -> list[tuple[str, Entry]]:
        """Commands that an earlier process took on and never finished."""
        return [(identity, entry) for identity, entry in self._entries.items() if entry.open]
