"""The one writer of a replica: takes what all sessions have queued, stores it in one transaction, then answers.

It never waits for more: a lone message is committed at once, and while a commit runs the next batch gathers by itself.
So the latency under no load is one commit, and the number of commits does not grow with the number of agents.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec
import structlog

from hullguard.cache import Cache
from hullguard.hostmgr.intake import Item, Outcome, Speaker, take_in
from hullguard.hostmgr.metrics import Metrics
from hullguard.model.errors import HullguardError, NotFound, Unavailable
from hullguard.model.identity import Scope
from hullguard.storage import Storage, Transaction
from hullguard.wire.violation import Code, Violation

BATCH = 256
BATCH_BYTES = 16 << 20
QUEUE_BYTES = 128 << 20
"""In all, for all agents; beyond it, reading from them stops."""
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class Source(Protocol):
    """The session that a message came from, as far as the writer needs it."""

    speaker: Speaker

    @property
    def over(self) -> bool:
        """It was refused: what it sent after that is for its next session."""

    def settled(self, work: "Work", outcome: Outcome) -> None:
        """The message is in the database, or is refused."""


class Work(NamedTuple):
    """One message waiting to be stored.

    ``size`` is its share of the session's credit; ``held`` is what it takes in memory if that is more.
    """

    source: Source
    item: Item
    sequence: int | None = None
    size: int = 0
    arrived: float = 0.0
    held: int = 0

    @property
    def weight(self) -> int:
        return max(self.size, self.held)


class Ingest:
    """A bounded queue and its writer."""

    def __init__(self, storage: Storage, cache: Cache, metrics: Metrics) -> None:
        self._storage, self._cache, self._metrics = storage, cache, metrics
        self._queue: deque[Work] = deque()
        self._bytes = 0
        self._filled = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    async def submit(self, work: Work) -> None:
        """Queue one message; waits while the queue is full, and with it the agent."""
        while not self._room.is_set():  # whoever was woken first may have filled it again
            await self._room.wait()
        self._queue.append(work._replace(arrived=time.monotonic()))
        self._account(work.weight)
        self._filled.set()

    async def run(self) -> None:
        """Store what comes, for ever."""
        while True:
            await self._filled.wait()
            while self._queue:
                await self._store(self._take())
            self._filled.clear()

    def _take(self) -> list[Work]:
        """The oldest messages, as long as they are of one tenant: a transaction has one scope."""
        batch: list[Work] = []
        size = 0
        tenant = self._queue[0].source.speaker.tenant
        while self._queue and len(batch) < BATCH and size < BATCH_BYTES:
            if self._queue[0].source.speaker.tenant != tenant:
                break
            batch.append(self._queue.popleft())
            size += batch[-1].weight
        self._account(-size)
        return batch

    def _account(self, size: int) -> None:
        self._bytes += size
        self._metrics.queued_bytes.set(self._bytes)
        if self._bytes >= QUEUE_BYTES:
            self._room.clear()
        else:
            self._room.set()

    async def _store(self, batch: list[Work]) -> None:
        """Commit a batch; if something in it breaks, each message for itself, so that only its own sender suffers.

        Nothing of a session is stored after the message that it was refused for: a record's number says that all before
        it are stored, so the one that was not would never be sent again.
        """
        batch = [work for work in batch if not work.source.over]
        if not batch:
            return
        try:
            outcomes = await self._commit(batch)
        except NotFound as cause:
            await self._break_up(batch, Violation(Code.NODE_REMOVED, f"{cause}; the node was removed"))
        except HullguardError as cause:
            await self._break_up(batch, Violation(Code.REQUEST_INVALID, str(cause)))
        except Exception:
            self._metrics.store_errors.inc()
            log.exception("a batch could not be stored", messages=len(batch))
            await self._break_up(batch, Violation(Code.SERVER_ERROR, "the message could not be stored"))
        else:
            await self._settle(batch, outcomes)

    async def _commit(self, batch: Sequence[Work]) -> list[Outcome]:
        scope = Scope(batch[0].source.speaker.tenant)
        while True:
            try:
                async with self._storage.transaction(scope) as tx:
                    outcomes = await self._take_in(tx, batch)
            except Unavailable as cause:
                # Nothing is lost by waiting: the agents' credit runs out and their spools keep the rest.
                self._metrics.database_failures.inc()
                log.warning("the database is unavailable; the batch is tried again", error=str(cause))
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return outcomes

    async def _take_in(self, tx: Transaction, batch: Sequence[Work]) -> list[Outcome]:
        """Session by session: within one, order matters; between them, it does not."""
        by_session: dict[Source, list[int]] = {}
        for position, work in enumerate(batch):
            by_session.setdefault(work.source, []).append(position)
        outcomes = [Outcome() for _ in batch]
        for source, positions in by_session.items():
            said = [(batch[position].item, batch[position].sequence) for position in positions]
            for position, outcome in zip(positions, await take_in(tx, source.speaker, said), strict=True):
                outcomes[position] = outcome
        return outcomes

    async def _break_up(self, batch: list[Work], refusal: Violation) -> None:
        if len(batch) == 1:
            await self._settle(batch, [Outcome(refused=refusal)])
            return
        for work in batch:
            await self._store([work])

    async def _settle(self, batch: list[Work], outcomes: list[Outcome]) -> None:
        now = time.monotonic()
        self._metrics.batches.observe(len(batch))
        for work, outcome in zip(batch, outcomes, strict=True):
            self._metrics.ingest_seconds.observe(now - work.arrived)
            if outcome.duplicate:
                self._metrics.duplicates.inc()
            work.source.settled(work, outcome)
        channel = f"stream:{batch[0].source.speaker.tenant}"
        for kind, thing in dict.fromkeys(event for outcome in outcomes for event in outcome.events):
            await self._cache.publish(channel, msgspec.msgpack.encode({"kind": kind, "id": thing}))
        if any(outcome.jobs for outcome in outcomes):
            await self._cache.publish("jobs", b"match")
