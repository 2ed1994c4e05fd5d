"""The workers' queue: durable, taken by lease, retried with growing pauses.

A job is done at least once: a worker that dies keeps its lease until it runs out, then another one takes the job.
"""

import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.ids import new_id
from hullguard.storage.tables import jobs, schedules
from hullguard.storage.transaction import Row, Transaction

FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_WAIT = timedelta(days=1)
"""However long somebody outside asks to wait."""
DOUBLINGS_MAX = 16
"""Past the longest pause, and far from the longest time that Python can say."""

ATTEMPTS = 8

QUEUED, RUNNING, DONE, FAILED = "queued", "running", "done", "failed"


class Job(Struct, frozen=True):
    """A job that this worker holds; ``lease`` is its proof."""

    id: str
    kind: str
    key: str
    payload: bytes
    attempts: int
    lease: str
    leased_until: datetime


class Jobs:
    """The jobs of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def enqueue(
        self, kind: str, key: str = "", payload: bytes = b"", *, at: datetime | None = None, attempts: int = ATTEMPTS
    ) -> bool:
        """Add a job; False if one of this kind and key waits already, which will do for both.

        One that is running does not count: it may have read the old state.
        """
        tx = self._tx
        waiting = sa.select(jobs.c.id).where(tx.mine(jobs), jobs.c.kind == kind, jobs.c.waiting == key)
        if await tx.first(waiting) is not None:
            return False
        row = {"id": new_id(), "kind": kind, "key": key, "waiting": key, "payload": payload, "state": QUEUED}
        await tx.insert(jobs, {**row, "max_attempts": attempts, "ready": at or tx.now, "created": tx.now, "error": ""})
        return True

    async def hasten(self, kind: str, key: str) -> None:
        """Have the one of this kind and key that waits for another attempt taken at once."""
        waiting = sa.and_(self._tx.mine(jobs), jobs.c.kind == kind, jobs.c.waiting == key)
        await self._tx.run(sa.update(jobs).where(waiting, jobs.c.ready > self._tx.now).values(ready=self._tx.now))

    async def take(self, kinds: Collection[str], lease_seconds: float, *, alone: bool = False) -> Job | None:
        """The job that has waited longest, or whose holder has died; nobody else gets it while the lease lasts.

        ``alone``: not while one of the same kind and key is under way.
        """
        tx = self._tx
        row = await tx.first(self._open(kinds, alone=alone).where(jobs.c.ready <= tx.now).limit(1))
        if row is None:
            return None
        if row.attempts >= row.max_attempts:  # every holder died at it: do not let it take the next one down too
            await self._end(row.id, FAILED, "every worker that took this job died before it was done")
            return await self.take(kinds, lease_seconds, alone=alone)
        lease, until = secrets.token_hex(16), tx.now + timedelta(seconds=lease_seconds)
        values = {"state": RUNNING, "waiting": None, "lease": lease, "ready": until, "attempts": row.attempts + 1}
        await tx.run(sa.update(jobs).where(tx.mine(jobs), jobs.c.id == row.id).values(**values))
        return Job(row.id, row.kind, row.key, row.payload, row.attempts + 1, lease, until)

    async def extend(self, job: Job, lease_seconds: float) -> bool:
        """Keep the job for longer; False if the lease ran out and it is another's."""
        held = self._held(job)
        return bool(
            await self._tx.run(
                sa.update(jobs).where(held).values(ready=self._tx.now + timedelta(seconds=lease_seconds))
            )
        )

    async def done(self, job: Job) -> bool:
        """It is done; False if the lease ran out and it is another's."""
        if not await self._still(job):
            return False
        await self._end(job.id, DONE, "")
        return True

    async def release(self, job: Job) -> bool:
        """Give it back as it was taken, for whoever comes next; False if the lease ran out and it is another's."""
        tx = self._tx
        newer = sa.select(jobs.c.id).where(tx.mine(jobs), jobs.c.kind == job.kind, jobs.c.waiting == job.key)
        if await tx.first(newer) is not None:
            return await self.done(job)
        values = {"state": QUEUED, "waiting": job.key, "lease": "", "ready": tx.now, "attempts": job.attempts - 1}
        return bool(await tx.run(sa.update(jobs).where(self._held(job)).values(**values)))

    async def failed(self, job: Job, error: str, *, after: timedelta | None = None) -> bool:
        """It failed: it waits for a while, twice as long each time, or is given up; False if it is given up.

        ``after`` is how long it waits at least.
        """
        tx = self._tx
        row = await self._still(job)
        if row is None:
            return False
        newer = sa.select(jobs.c.id).where(tx.mine(jobs), jobs.c.kind == job.kind, jobs.c.waiting == job.key)
        if job.attempts >= row.max_attempts or await tx.first(newer) is not None:
            await self._end(job.id, FAILED, error)
            return False
        doubled = min(job.attempts - 1, DOUBLINGS_MAX)
        pause = max(min(FIRST_PAUSE * 2**doubled, LONGEST_PAUSE), min(after or FIRST_PAUSE, LONGEST_WAIT))
        values = {"state": QUEUED, "waiting": job.key, "lease": "", "ready": tx.now + pause, "error": error[:2000]}
        await tx.run(sa.update(jobs).where(self._held(job)).values(**values))
        return True

    async def schedule(self, kind: str, every_seconds: int) -> None:
        """Have a job of ``kind`` enqueued every so often; the first one at once, a changed rhythm from now on."""
        select = sa.select(schedules.c.every_seconds).where(self._tx.mine(schedules), schedules.c.kind == kind)
        if await self._tx.scalar(select) == every_seconds:
            return
        row = {"kind": kind, "every_seconds": every_seconds, "due": self._tx.now}
        await self._tx.upsert(schedules, row, update=["every_seconds", "due"])

    async def enqueue_due(self) -> list[str]:
        """Enqueue every scheduled kind whose time has come; those kinds. What was missed is made up for once."""
        tx = self._tx
        due = sa.and_(tx.mine(schedules), schedules.c.enabled, schedules.c.due <= tx.now)
        rows = await tx.all(sa.select(schedules).where(due))
        for row in rows:
            await self.enqueue(row.kind)
            following = tx.now + timedelta(seconds=row.every_seconds)
            this = sa.and_(tx.mine(schedules), schedules.c.kind == row.kind)
            await tx.run(sa.update(schedules).where(this).values(due=following))
        return [row.kind for row in rows]

    async def live(self, kind: str) -> set[str]:
        """The keys of the jobs of a kind that wait or are under way."""
        select = sa.select(jobs.c.key).where(
            self._tx.mine(jobs), jobs.c.kind == kind, jobs.c.state.in_((QUEUED, RUNNING))
        )
        return {row.key for row in await self._tx.all(select)}

    async def next_ready(self, kinds: Collection[str] | None = None, *, alone: bool = False) -> datetime | None:
        """When one of these may be taken next."""
        row = await self._tx.first(self._open(kinds, alone=alone).limit(1))
        return None if row is None else row.ready

    async def next_due(self) -> datetime | None:
        """When the next scheduled kind is due."""
        due = sa.select(sa.func.min(schedules.c.due)).where(self._tx.mine(schedules), schedules.c.enabled)
        at: datetime | None = await self._tx.scalar(due)
        return at

    def _open(self, kinds: Collection[str] | None, *, alone: bool) -> sa.Select[Any]:
        """Those of these kinds, or of all, that are not done, in the order in which they may be taken."""
        select = sa.select(jobs).where(self._tx.mine(jobs), jobs.c.ready.is_not(None)).order_by(jobs.c.ready, jobs.c.id)
        if kinds is not None:
            select = select.where(jobs.c.kind.in_(sorted(kinds)))
        if not alone:
            return select
        other = jobs.alias("other")
        held = sa.and_(self._tx.mine(other), other.c.state == RUNNING, other.c.ready > self._tx.now)
        same = sa.and_(other.c.kind == jobs.c.kind, other.c.key == jobs.c.key, other.c.id != jobs.c.id)
        return select.where(~sa.exists().where(held, same))

    def _held(self, job: Job) -> sa.ColumnElement[bool]:
        return sa.and_(self._tx.mine(jobs), jobs.c.id == job.id, jobs.c.lease == job.lease, jobs.c.state == RUNNING)

    async def _still(self, job: Job) -> Row | None:
        return await self._tx.first(sa.select(jobs).where(self._held(job)))

    async def _end(self, job: str, state: str, error: str) -> None:
        values = {"state": state, "waiting": None, "lease": "", "ready": None, "finished": self._tx.now}
        await self._tx.run(
            sa.update(jobs).where(self._tx.mine(jobs), jobs.c.id == job).values(**values, error=error[:2000])
        )
