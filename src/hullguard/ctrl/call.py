"""What a handler gets: who calls, with what, and how to read and change things in that person's scope."""

import contextlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import msgspec
from litestar import Request
from msgspec import Struct

from hullguard import audit
from hullguard.access.iam.identify import SignedIn
from hullguard.cache import Cache
from hullguard.ctrl.decoding import decode_query
from hullguard.ctrl.guards import source
from hullguard.ctrl.services import Services
from hullguard.model.errors import Unavailable
from hullguard.model.identity import Actor
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import NodeFilter, Nodes


@dataclass(frozen=True)
class Visit:
    """A request of somebody who need not be known."""

    services: Services
    request: Request[Any, Any, Any]

    @property
    def source(self) -> str:
        """The caller's address."""
        return source(self.request)


@dataclass(frozen=True)
class Call(Visit):
    """A request of somebody who is known and allowed to make it."""

    caller: SignedIn

    @property
    def actor(self) -> Actor:
        """Whom the audit will name."""
        return self.caller.actor

    def reading(self) -> AbstractAsyncContextManager[Transaction]:
        """A consistent view of what this actor may see."""
        return self.services.storage.reading(self.actor.scope)

    def changing(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction; what it changes and its audit record are kept together or not at all."""
        return self.services.storage.transaction(self.actor.scope)

    async def record(
        self, tx: Transaction, action: str, subject: str, *, reason: str = "", details: dict[str, str] | None = None
    ) -> None:
        """Write the audit record of a change into its own transaction."""
        await audit.record(tx, self.actor, action, subject, reason=reason, details=details or {})

    def announce(self, tx: Transaction, kind: str, thing: str) -> None:
        """Tell open consoles, once the change is kept."""
        announce(tx, self.services.cache, kind, thing)

    def wake(self, tx: Transaction, node: str, what: bytes) -> None:
        """Wake the hostmgr replica that holds the node's session, once the change is kept."""
        cache = self.services.cache
        tx.after_commit(lambda: cache.publish(f"node:{node}", what))

    def wake_all(self, tx: Transaction, what: bytes) -> None:
        """Wake them for every node: which ones a policy binds is their matter."""
        tx.after_commit(lambda: self._wake_every_node(what))

    def wake_workers(self, tx: Transaction) -> None:
        """Have the workers look for a job, once the change is kept."""
        cache = self.services.cache
        tx.after_commit(lambda: cache.publish("jobs", b""))

    async def _wake_every_node(self, what: bytes) -> None:
        # The change is kept by now: a wake-up that fails must not look as if it were not. hostmgr's poll finds it.
        with contextlib.suppress(Unavailable):
            cursor: str | None = None
            while True:
                async with self.reading() as tx:
                    found = await Nodes(tx).page(NodeFilter(protection=True), PageRequest(500, cursor))
                for node in found.items:
                    await self.services.cache.publish(f"node:{node.id}", what)
                cursor = found.cursor
                if cursor is None:
                    return


def announce(tx: Transaction, cache: Cache, kind: str, thing: str) -> None:
    """Publish ``{"kind", "id"}`` on the tenant's stream after the commit."""
    channel, message = f"stream:{tx.scope.tenant}", msgspec.msgpack.encode({"kind": kind, "id": thing})
    tx.after_commit(lambda: cache.publish(channel, message))


def provide_visit(request: Request[Any, Any, Any]) -> Visit:
    """The dependency ``visit``."""
    return Visit(request.app.state.services, request)


def provide_call(request: Request[Any, Any, Any]) -> Call:
    """The dependency ``call``; the gate has put the caller there."""
    return Call(request.app.state.services, request, request.scope["state"]["caller"])


def provide_filters(request: Request[Any, Any, Any]) -> Struct:
    """The dependency ``filters``: the query as the struct that the handler asks for."""
    kind = request.route_handler.parsed_fn_signature.parameters["filters"].annotation
    return decode_query(request.query_params, kind)
