"""How often one rule may object in one container: who floods it must not drown what others say, nor fill the disk.

What is held back is counted and told when its minute is over. It is kept in memory: if the agent is killed, the count
of that minute is lost with it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from hullguard.model.event import ContainerRef, EventKind, ImageRef
from hullguard.model.incident import Observation
from hullguard.model.policy import Action
from hullguard.model.severity import Severity

MOST = 600
"""Incidents of one rule in one container within a minute. Nobody reads more of them; each is a write to the disk."""
SECONDS = 60.0
_MOST_WINDOWS = 4096
_REFUSABLE = frozenset({EventKind.CONNECT, EventKind.SEND})


class Flood(Struct):
    """What was held back of one rule in one container, within a minute."""

    rule: str
    severity: Severity
    container: ContainerRef
    image: ImageRef | None
    since: datetime
    until: datetime
    count: int = 1


class _Window(Struct):
    began: float
    seen: int = 0
    held: Flood | None = None


class Floods:
    """Counts for each rule and container."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._windows: OrderedDict[tuple[str, str], _Window] = OrderedDict()
        """By when they began."""
        self.over: list[Flood] = []
        """Those whose minute is over, for the caller to tell and take out."""

    def hold_back(self, observation: Observation) -> bool:
        """Whether this is one too many. What was stopped, or is to be answered, never is.

        But for connections that were refused: nothing is left to answer, and who is refused may try for ever.
        """
        refused = observation.stopped and observation.deed is not None and observation.deed.kind in _REFUSABLE
        if not refused and (observation.stopped or observation.action is not Action.ALERT):
            return False
        self.look()
        key = observation.rule, observation.container.id
        window = self._windows.get(key)
        if window is None:
            if len(self._windows) >= _MOST_WINDOWS:
                self._end(next(iter(self._windows)))
            window = self._windows[key] = _Window(self._clock())
        window.seen += 1
        if window.seen <= MOST:
            return False
        if window.held is None:
            window.held = Flood(
                observation.rule,
                observation.severity,
                observation.container,
                observation.image,
                since=observation.at,
                until=observation.at,
            )
        else:
            window.held.count += 1
            window.held.until = max(window.held.until, observation.at)
        return True

    def look(self) -> None:
        """Puts floods whose minute is over into ``over``."""
        now = self._clock()
        while self._windows:
            key, window = next(iter(self._windows.items()))
            if now - window.began < SECONDS:
                return
            self._end(key)

    def end(self) -> None:
        """Puts all of them there."""
        while self._windows:
            self._end(next(iter(self._windows)))

    def _end(self, key: tuple[str, str]) -> None:
        held = self._windows.pop(key).held
        if held is not None:
            self.over.append(held)
