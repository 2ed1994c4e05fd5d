"""One lane of a worker: take a job, do it, sleep until the next one is due or somebody wakes us.

What takes long has lanes of its own, so that it never stands before what must be quick. Such a job is held by a short
lease that is made longer while it goes on, so that after a crash another worker takes it over soon; and when the worker
is stopped it is broken off and given back, for nobody waits until it is done.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog
from msgspec import Struct

from hullguard.model.errors import HullguardError, NotFound
from hullguard.storage.stores import Jobs
from hullguard.storage.stores.jobs import Job
from hullguard.worker.context import Context, JobKind

LONGEST_SLEEP = 5.0
"""Also the time after which a wake-up that the cache lost is made up for."""
AFTER_TROUBLE = 1.0
"""Before a database that failed is asked again."""
_OVERTAKEN = 0.05
"""Where another was faster: what it did shows by then."""

_log = structlog.get_logger()


class Lane(Struct, frozen=True):
    """The kinds that one lane does. ``long`` ones are done by one lane at a time for each key."""

    jobs: tuple[JobKind, ...]
    long: bool = False

    @property
    def kinds(self) -> dict[str, JobKind]:
        return {job.kind: job for job in self.jobs}

    @property
    def lease_seconds(self) -> float:
        return max(job.lease_seconds for job in self.jobs)


class _Failure(Struct, frozen=True):
    reason: str
    after: timedelta | None = None


async def drive(context: Context, lane: Lane, wake: asyncio.Event, stop: asyncio.Event) -> None:
    """Do jobs until ``stop`` is set."""
    while not stop.is_set():
        wake.clear()
        pause = await _one(context, lane, stop)
        if pause:
            await _sleep(pause, wake, stop)


async def keep_time(context: Context, wake: asyncio.Event, queued: Callable[[], None]) -> None:
    """Have scheduled kinds queued when they are due, for ever; the lanes need not look at schedules."""
    while True:
        wake.clear()
        try:
            async with context.storage.reading(context.scope) as tx:
                pause = _seconds_until(await Jobs(tx).next_due(), tx.now)
            if not pause:
                pause = _OVERTAKEN
                async with context.storage.transaction(context.scope) as tx:
                    kinds = await Jobs(tx).enqueue_due()
                if kinds:
                    queued()
        except HullguardError as reason:
            pause = AFTER_TROUBLE
            _log.warning("nothing that is due can be queued", reason=str(reason))
        await _sleep(pause, wake)


async def _one(context: Context, lane: Lane, stop: asyncio.Event) -> float:
    """Do one job; else for how many seconds there will be none, as far as one knows."""
    try:
        # An idle lane writes nothing: whoever writes waits for all others who do.
        async with context.storage.reading(context.scope) as tx:
            pause = _seconds_until(await Jobs(tx).next_ready(lane.kinds, alone=lane.long), tx.now)
        if pause:
            return pause
        async with context.storage.transaction(context.scope) as tx:
            job = await Jobs(tx).take(lane.kinds, lane.lease_seconds, alone=lane.long)
    except HullguardError as reason:
        _log.warning("no job can be taken", reason=str(reason))
        return AFTER_TROUBLE
    if job is None:
        return _OVERTAKEN
    working = asyncio.ensure_future(_run(context, lane, job))
    try:
        ended = await _held(context, lane, job, working, stop) if lane.long else await _waited(working)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    try:
        async with context.storage.transaction(context.scope) as tx:
            if not ended:
                await Jobs(tx).release(job)
            elif (failure := working.result()) is None:
                await Jobs(tx).done(job)
            else:
                await Jobs(tx).failed(job, failure.reason, after=failure.after)
    except HullguardError as reason:
        # The lease runs out and the job is run again, which comes to the same end.
        _log.warning("the end of a job cannot be noted", kind=job.kind, key=job.key, reason=str(reason))
        return AFTER_TROUBLE
    return 0


async def _waited(working: "asyncio.Future[_Failure | None]") -> bool:
    await asyncio.wait({working})
    return True


async def _held(
    context: Context, lane: Lane, job: Job, working: "asyncio.Future[_Failure | None]", stop: asyncio.Event
) -> bool:
    """Keeps the lease while the job goes on; False where it is to be broken off: at a stop, or when it is another's."""
    stopping = asyncio.ensure_future(stop.wait())
    either: set[asyncio.Future[Any]] = {working, stopping}
    try:
        while True:
            await asyncio.wait(either, timeout=lane.lease_seconds / 3, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return True
            if stopping.done():
                return False
            with contextlib.suppress(HullguardError):  # it is tried again before the lease runs out
                async with context.storage.transaction(context.scope) as tx:
                    if not await Jobs(tx).extend(job, lane.lease_seconds):
                        _log.warning("a job is another worker's meanwhile", kind=job.kind, key=job.key)
                        return False
    finally:
        stopping.cancel()


async def _run(context: Context, lane: Lane, job: Job) -> _Failure | None:
    """Why it failed; None if it did not."""
    try:
        await lane.kinds[job.kind].run(context, job.key)
    except NotFound:
        return None  # what the job was about has gone meanwhile
    except HullguardError as error:
        _log.warning("job failed", kind=job.kind, key=job.key, attempts=job.attempts, reason=str(error))
        after = error.params.get("retry_after")
        return _Failure(str(error), timedelta(seconds=after) if isinstance(after, int) else None)
    except Exception as error:  # noqa: BLE001 - the boundary of a plug-in: one bad job must not stop the others
        _log.warning("job failed", kind=job.kind, key=job.key, attempts=job.attempts, exc_info=error)
        return _Failure(f"{type(error).__name__}: {error}")
    return None


async def _sleep(seconds: float, *events: asyncio.Event) -> None:
    """Until any of these is set, at most so long."""
    waiting = {asyncio.ensure_future(event.wait()) for event in events}
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in waiting:
            future.cancel()


def _seconds_until(due: datetime | None, now: datetime) -> float:
    return LONGEST_SLEEP if due is None else min(max((due - now).total_seconds(), 0.0), LONGEST_SLEEP)
