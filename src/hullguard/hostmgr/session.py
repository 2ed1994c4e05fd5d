"""One agent's session, from its hello to its end.

Three tasks share it: one reads, one writes, and the replica's writer (``ingest``) settles what was read. Reading stops
while the writer has no room or a download is being sent, so nothing piles up in memory for an agent that does not
listen.
"""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from hullguard.hostmgr import askers, bounds, dispatch
from hullguard.hostmgr.fitting import Fit, fit
from hullguard.hostmgr.fleet import Gateway
from hullguard.hostmgr.ingest import Work
from hullguard.hostmgr.intake import Item, Outcome, Seen, Speaker, StoredInventory
from hullguard.hostmgr.requests import answer
from hullguard.model.identity import Scope
from hullguard.model.ids import new_id
from hullguard.model.inventory import Inventory, unread
from hullguard.model.node import Heartbeat
from hullguard.model.policy import AppliedPolicies
from hullguard.storage.stores import Commands, Nodes, Progress
from hullguard.storage.stores.certificates import NodeIdentity
from hullguard.wire import capabilities, limits
from hullguard.wire import messages as say
from hullguard.wire.inventory import Assembly, weighed
from hullguard.wire.session import Received, ServerSession, encoded
from hullguard.wire.violation import Code, Violation

MISSED_BEATS = 4
"""Heartbeat periods of silence after which a session is over, though its TCP connection may still stand."""
BEATS_AT_ONCE = 20
"""Heartbeats need no credit; this many may come at once, and one a second in the long run."""


class NodeSession:
    """The server's side of one connection."""

    def __init__(self, connection: ServerConnection, identity: NodeIdentity, gateway: Gateway) -> None:
        self.id = new_id()
        self.speaker = Speaker(identity.node, identity.tenant, identity.cluster, "")
        self._connection, self._identity, self._gateway = connection, identity, gateway
        self._wire = ServerSession()
        self._assembly = Assembly()
        self._desk = dispatch.Desk(gateway.config.resend_seconds)
        self._applied: AppliedPolicies | None = None
        self._understood: frozenset[str] = frozenset()
        self._fit: Fit | None = None
        """None until it was looked up what the node should run."""
        self._said: Heartbeat | None = None
        self._kept: Heartbeat | None = None
        self._beats, self._beats_at = float(BEATS_AT_ONCE), time.monotonic()
        self._work = asyncio.Event()
        self._look = True
        self._lacking: tuple[say.ImageList, Outcome] | None = None
        self._list_again: tuple[float, say.ImageList] | None = None
        self._again: set[str] = set()
        """The images that the node is reading again."""
        self._listed: frozenset[str] = frozenset()
        """The images that the node has, as it said last."""
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # The future's exception is always looked at, but maybe after its loop is gone.
        self._ended.add_done_callback(lambda ended: ended.exception())

    async def run(self, first: bytes) -> None:
        """From the first frame until either side ends it. Raises ``Violation`` if it is to end with a refusal."""
        hello = self._hello(first)
        self.speaker = msgspec.structs.replace(self.speaker, stream=hello.stream)
        fleet, wakes = self._gateway.fleet, self._gateway.wakes
        fleet.enter(self)
        wakes.join(self.speaker.node, self._woken)
        try:
            # The replica that holds this node's former session hears its name, and that the newest one is another.
            await self._gateway.cache.publish(f"node:{self.speaker.node}", b"session:" + self.id.encode())
            await self._welcome(hello)
            await self._until_over(self._read(), self._write())
        finally:
            wakes.leave(self.speaker.node, self._woken)
            fleet.leave(self)
            await self._absent()

    async def _absent(self) -> None:
        key = f"presence:{self.speaker.node}"
        # A newer session, here or on another replica, may have said already that the node is there.
        if await self._gateway.cache.get(key) == self.id.encode():
            await self._gateway.cache.delete(key)

    # --- what others call ---

    def look(self) -> None:
        """Look again for what this node should do."""
        self._look = True
        self._work.set()

    @property
    def over(self) -> bool:
        """Refused, though the connection may still stand."""
        return self._ended.done()

    def end(self, violation: Violation) -> None:
        """Refuse, and close."""
        if not self._ended.done():
            self._ended.set_exception(violation)

    def settled(self, work: Work, outcome: Outcome) -> None:
        """The writer is done with a message."""
        if outcome.refused is not None:
            self.end(outcome.refused)
            return
        if work.sequence is not None:
            self._wire.acknowledge(work.sequence)
        self._wire.release(work.size)
        if isinstance(work.item, say.ImageList) and (outcome.missing or outcome.outdated):
            self._lacking = (work.item, outcome)
        if isinstance(work.item, StoredInventory):
            self._answered(work.item.image_id)
        self._work.set()

    def _answered(self, image: str) -> None:
        """With the next heartbeat the next few are asked for."""
        if image in self._again:
            self._again.remove(image)
            if not self._again and self._list_again is not None:
                self._list_again = (time.monotonic(), self._list_again[1])

    def _woken(self, message: bytes) -> None:
        if not message.startswith(b"session:"):
            self.look()
        elif message != b"session:" + self.id.encode():
            self.end(Violation(Code.SESSION_REPLACED, "a newer session of this node was opened"))

    # --- opening ---

    def _hello(self, first: bytes) -> say.Hello:
        received = self._wire.receive(first)
        if received is None or not isinstance(received.message, say.Hello):
            raise Violation(Code.HELLO_EXPECTED, "the first message must be a hello")
        hello = received.message
        if hello.node != self._identity.node:
            raise Violation(Code.NODE_FOREIGN, f"this certificate is not that of node {hello.node}")
        self._applied = hello.applied
        self._understood = capabilities.understood(hello.capabilities)
        return hello

    async def _welcome(self, hello: say.Hello) -> None:
        async with self._gateway.storage.reading(Scope(self.speaker.tenant)) as tx:
            stored = await Progress(tx).last(self.speaker.node, hello.stream)
        frame = self._wire.welcome(self.id, stored, self._gateway.config.heartbeat_seconds)
        await self._connection.send(frame)

    async def _until_over(self, *parts: Coroutine[Any, Any, None]) -> None:
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            await asyncio.wait([*tasks, self._ended], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        if self._ended.done():
            self._ended.result()
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                raise result

    # --- reading ---

    async def _read(self) -> None:
        while True:
            received = self._wire.receive(await self._next())
            if received is None:
                self._gateway.metrics.duplicates.inc()
                self._work.set()
                continue
            self._gateway.metrics.messages.labels(type(received.message).__name__).inc()
            bounds.check(received.message)
            await self._take(received)

    async def _next(self) -> bytes:
        """The next frame. A peer can answer pings and be dead all the same: without heartbeats the session is over."""
        patience = MISSED_BEATS * self._gateway.config.heartbeat_seconds
        try:
            async with asyncio.timeout(patience):
                return _binary(await self._connection.recv())
        except TimeoutError as cause:
            raise Violation(Code.SILENT, f"no heartbeat came for {patience} seconds") from cause

    async def _take(self, received: Received) -> None:
        message = received.message
        match message:
            case say.Beat(heartbeat=heartbeat):
                await self._beat(heartbeat)
            case say.BundleRequest() | say.RenewalRequest():
                await self._connection.send(encoded(await answer(message, self.speaker, self._gateway)))
                self._done(received)
            case say.InventoryPart():
                await self._slice(message, received)
            case say.ImageList(images=images):
                self._listed = frozenset(image.id for image in images)
                await self._submit(message, received.sequence, received.size)
            case (
                say.Incidents()
                | say.CommandUpdate()
                | say.OwnCommand()
                | say.Learned()
                | say.Facts()
                | say.Containers()
                | say.Used()
            ):
                await self._submit(message, received.sequence, received.size)
            case say.Hello():
                raise AssertionError("the wire session lets one hello through, and it was taken before")

    async def _submit(self, item: Item, sequence: int | None = None, size: int = 0, held: int = 0) -> None:
        await self._gateway.ingest.submit(Work(self, item, sequence, size, held=held))

    async def _slice(self, part: say.InventoryPart, received: Received) -> None:
        whole = self._assembly.add(part)
        if whole is None:
            self._done(received)
            return
        try:
            inventory, held = await self._believed(part.image_id, whole)
        except Violation as cause:
            # One image that cannot be reported must not cost the node its session.
            refusal = say.RequestRefused("inventory", part.image_id, cause.code, str(cause)[:500])
            await self._connection.send(encoded(refusal))
            if part.image_id not in self._listed:
                self._done(received)
                return
            inventory, held = unread(part.image_id, f"what a node told of it was refused: {str(cause)[:500]}"), 0
        if inventory.is_unread and part.image_id in self._again:
            await askers.could_not_read(self._gateway.cache, self.speaker.tenant, self.speaker.node, part.image_id)
        await self._submit(StoredInventory(part.image_id, inventory), None, received.size, held)

    async def _believed(self, image_id: str, whole: bytes) -> tuple[Inventory, int]:
        """The inventory and its unpacked size, if the node has the image and it is that image's: others rely on it."""
        if image_id not in self._listed:
            raise Violation(Code.REQUEST_INVALID, "the node said nothing of having this image")
        inventory, size = await asyncio.to_thread(weighed, whole)
        target = inventory.target
        # Docker on containerd's store names an image by its manifest, and its configuration has another digest.
        if image_id not in (target.image_id, target.digest) and not target.ref.endswith(image_id):
            raise Violation(Code.REQUEST_INVALID, f"the inventory is that of image {target.image_id}")
        return inventory, size

    async def _beat(self, heartbeat: Heartbeat) -> None:
        self._pace()
        if self._list_again is not None and time.monotonic() >= self._list_again[0]:
            listed, self._list_again = self._list_again[1], None
            await self._submit(listed)
        period = self._gateway.config.heartbeat_seconds
        await self._gateway.cache.set(f"presence:{self.speaker.node}", self.id.encode(), 3 * period)
        if self._applied != heartbeat.applied:
            self._applied = heartbeat.applied
            self.look()
        self._said = heartbeat
        await self._keep(heartbeat)

    async def _keep(self, heartbeat: Heartbeat) -> None:
        """Before it is known what this agent can run, a heartbeat waits: else it would be said to drift."""
        if self._fit is None:
            return
        told = self._fit.told(heartbeat)
        # How full the spool is changes all the time and decides nothing.
        lasting = msgspec.structs.replace(told, spool_records=0)
        if lasting == self._kept:
            self._gateway.fleet.seen(self.speaker)
        else:
            self._kept = lasting
            await self._submit(Seen(told, datetime.now(UTC)))

    def _pace(self) -> None:
        now = time.monotonic()
        self._beats = min(BEATS_AT_ONCE, self._beats + now - self._beats_at) - 1
        self._beats_at = now
        if self._beats < 0:
            raise Violation(Code.TOO_FAST, "heartbeats come faster than one a second")

    def _done(self, received: Received) -> None:
        self._wire.release(received.size)
        self._work.set()

    # --- writing ---

    async def _write(self) -> None:
        while True:
            self._work.clear()
            for frame in self._wire.outgoing():
                await self._connection.send(frame)
            if self._lacking is not None:
                (listed, lacking), self._lacking = self._lacking, None
                await self._ask(listed, lacking)
            if self._look:
                self._look = False
                await self._dispatch()
            await self._work.wait()

    async def _ask(self, listed: say.ImageList, lacking: Outcome) -> None:
        """For what is missing first: an agent reads in the order in which it is asked."""
        cache, tenant, node = self._gateway.cache, self.speaker.tenant, self.speaker.node
        chosen = await askers.choose(cache, tenant, node, lacking.missing)
        again = await askers.choose_again(cache, tenant, node, lacking.outdated)
        self._again = set(again)
        later = len(chosen) < len(lacking.missing) or bool(lacking.outdated)
        self._list_again = (time.monotonic() + askers.SECONDS, listed) if later else None
        if chosen or again:
            await self._connection.send(encoded(say.InventoryRequest((chosen + again)[: limits.IMAGES])))

    async def _dispatch(self) -> None:
        scope = Scope(self.speaker.tenant)
        async with self._gateway.storage.reading(scope) as tx:
            if await Nodes(tx).by_certificate(self._identity.fingerprint) is None:
                raise Violation(Code.NODE_REMOVED, "this node was removed; enrol it again to bring it back")
            found = await dispatch.due(tx, self.speaker.node)
        policies, fitted = fit(found.policies, self._understood)
        changed, self._fit = fitted != self._fit, fitted
        if changed and self._said is not None:
            await self._keep(self._said)
        found = msgspec.structs.replace(found, policies=policies)
        messages = self._desk.pick(found, self._applied, time.monotonic())
        orders = [message.command.id for message in messages if isinstance(message, say.CommandOrder)]
        if orders:
            # Marked first: an answer must never be older than the mark.
            async with self._gateway.storage.transaction(scope) as tx:
                for order in orders:
                    await Commands(tx).sent(order)
        for message in messages:
            await self._connection.send(encoded(message))


def _binary(data: str | bytes) -> bytes:
    if isinstance(data, str):
        raise Violation(Code.MESSAGE_MALFORMED, "a text message came; the protocol is binary")
    return data
