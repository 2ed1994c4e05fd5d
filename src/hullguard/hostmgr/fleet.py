"""The sessions of this replica, and what they share."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from hullguard.cache import Cache
from hullguard.hostmgr.authority import Authority
from hullguard.hostmgr.config import HostmgrConfig
from hullguard.hostmgr.ingest import Ingest
from hullguard.hostmgr.intake import Speaker
from hullguard.hostmgr.metrics import Metrics
from hullguard.hostmgr.wakes import Wakes
from hullguard.storage import Storage
from hullguard.wire.violation import Code, Violation


class Live(Protocol):
    """A session as others see it."""

    speaker: Speaker

    def look(self) -> None:
        """Look again for what this node should do."""

    def end(self, violation: Violation) -> None:
        """Refuse, and close."""


class Fleet:
    """Which nodes are connected here; one session each, and the newest wins."""

    def __init__(self) -> None:
        self._live: dict[str, Live] = {}
        self._seen: dict[str, dict[str, None]] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[Live]:
        return iter(list(self._live.values()))

    def enter(self, session: Live) -> None:
        """The node's session is this one now."""
        former = self._live.get(session.speaker.node)
        self._live[session.speaker.node] = session
        if former is not None:
            former.end(Violation(Code.SESSION_REPLACED, "a newer session of this node was opened"))

    def leave(self, session: Live) -> None:
        """Over; unless a newer session has taken its place."""
        if self._live.get(session.speaker.node) is session:
            del self._live[session.speaker.node]

    def get(self, node: str) -> Live | None:
        """The node's session, if it is here."""
        return self._live.get(node)

    def seen(self, speaker: Speaker) -> None:
        """The node gave a sign of life that changes nothing; written with all others by the next round."""
        self._seen.setdefault(speaker.tenant, {})[speaker.node] = None

    def take_seen(self) -> dict[str, list[str]]:
        """The nodes seen since the last call, per tenant."""
        seen, self._seen = self._seen, {}
        return {tenant: list(nodes) for tenant, nodes in seen.items()}

    @property
    def tenants(self) -> set[str]:
        """Whose nodes are connected."""
        return {session.speaker.tenant for session in self._live.values()}


class Gateway(NamedTuple):
    """What every session of a replica works with."""

    config: HostmgrConfig
    storage: Storage
    cache: Cache
    authority: Authority
    metrics: Metrics
    ingest: Ingest
    fleet: Fleet
    wakes: Wakes
