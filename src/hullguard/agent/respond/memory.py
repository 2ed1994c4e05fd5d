"""What this agent did to containers and has not undone, on disk: the next process can undo it, and keeps it up."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
import structlog

from hullguard.agent.identity import now
from hullguard.agent.state import StateDir, read_json, write_json
from hullguard.model.errors import Invalid
from hullguard.model.policy import Action

_MOST = 1000
_log = structlog.get_logger()


class Deed(msgspec.Struct, frozen=True):
    """One thing that was done. For an isolation: in which namespace, past which devices, and the rules' fingerprint."""

    at: datetime
    namespace: tuple[int, int] | None = None
    devices: tuple[str, ...] = ()
    fingerprint: str = ""


class Memory:
    """Written before the deed, so that a crash leaves nothing that nobody remembers."""

    def __init__(self, state: StateDir) -> None:
        self._path = state.responses
        try:
            self._deeds = read_json(self._path, dict[str, dict[Action, Deed]]) or {}
        except Invalid as damaged:
            # Not starting would mean no protection; what was done before must then be undone by hand.
            _log.warning("responses are forgotten", why=str(damaged))
            self._deeds = {}

    def held(self, container: str) -> tuple[Action, ...]:
        """What was done to it and can be undone."""
        return tuple(self._deeds.get(container, ()))

    def get(self, container: str, action: Action) -> Deed | None:
        return self._deeds.get(container, {}).get(action)

    def containers(self, action: Action) -> list[str]:
        """To which this was done."""
        return [container for container, deeds in self._deeds.items() if action in deeds]

    def write(self, container: str, action: Action, deed: Deed | None = None) -> None:
        """Durable when this returns; the containers longest untouched are forgotten beyond a thousand."""
        deeds = {**self._deeds.pop(container, {}), action: deed or Deed(now())}
        self._deeds[container] = deeds
        for oldest in list(self._deeds)[:-_MOST]:
            del self._deeds[oldest]
        write_json(self._path, self._deeds)

    def forget(self, container: str, action: Action) -> None:
        """It is undone."""
        deeds = {kept: deed for kept, deed in self._deeds.get(container, {}).items() if kept is not action}
        if deeds:
            self._deeds[container] = deeds
        else:
            self._deeds.pop(container, None)
        write_json(self._path, self._deeds)

    def keep_only(self, containers: Iterable[str]) -> None:
        """Containers that are no more need no memory."""
        there = set(containers)
        gone = [container for container in self._deeds if container not in there]
        for container in gone:
            del self._deeds[container]
        if gone:
            write_json(self._path, self._deeds)
