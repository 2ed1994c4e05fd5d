"""The loop of one worker: take a job, do it, sleep until the next one is due or somebody wakes us."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from hullguard.cache import Cache
from hullguard.model.errors import HullguardError, NotFound
from hullguard.storage import Storage
from hullguard.storage.stores import Jobs
from hullguard.storage.stores.jobs import Job
from hullguard.worker.advisory_file import AdvisoryFile
from hullguard.worker.catalog import JOBS
from hullguard.worker.context import Context
from hullguard.worker.matching import watch_advisories

WAKE_CHANNEL = "jobs"
LONGEST_SLEEP = 5.0
"""Also the time after which a wake-up that the cache lost is made up for."""
ADVISORY_SECONDS = 2.0
"""How often the advisory database file is looked at."""

_KINDS = {job.kind: job for job in JOBS}
_log = structlog.get_logger()


class Files(Struct, frozen=True):
    """Where the advisory database is, and where the end of the audit is noted."""

    advisories: Path
    anchors: Path


async def work(
    storage: Storage, cache: Cache, files: Files, stop: asyncio.Event, *, ready: Callable[[], None] | None = None
) -> None:
    """Work until ``stop`` is set; a job that is under way then is finished first."""
    with ThreadPoolExecutor(1, "advisories") as thread:
        context = Context(storage, cache, AdvisoryFile(files.advisories), thread, files.anchors)
        wake = asyncio.Event()
        async with storage.transaction(context.scope) as tx:
            for job in JOBS:
                if job.every_seconds is not None:
                    await Jobs(tx).schedule(job.kind, job.every_seconds)
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(_until_stopped(_listen(cache, wake), stop)),
                group.create_task(_until_stopped(_watch_advisories(context, wake), stop)),
            ]
            if ready is not None:
                ready()
            while not stop.is_set():
                wake.clear()
                if not await _one(context):
                    await _sleep(context, wake, stop)
            for helper in helpers:
                helper.cancel()


async def _one(context: Context) -> bool:
    """Do one job; False if there was none."""
    try:
        async with context.storage.transaction(context.scope) as tx:
            await Jobs(tx).enqueue_due()
            job = await Jobs(tx).take(_KINDS, max(kind.lease_seconds for kind in JOBS))
    except HullguardError as reason:
        _log.warning("no job can be taken", reason=str(reason))
        return False
    if job is None:
        return False
    error = await _run(context, job)
    try:
        async with context.storage.transaction(context.scope) as tx:
            if error is None:
                await Jobs(tx).done(job)
            else:
                await Jobs(tx).failed(job, error)
    except HullguardError as reason:
        # The lease runs out and the job is run again, which comes to the same end.
        _log.warning("the end of a job cannot be noted", kind=job.kind, key=job.key, reason=str(reason))
        return False
    return True


async def _run(context: Context, job: Job) -> str | None:
    """Why it failed; None if it did not."""
    try:
        await _KINDS[job.kind].run(context, job.key)
    except NotFound:
        return None  # what the job was about has gone meanwhile
    except HullguardError as error:
        _log.warning("job failed", kind=job.kind, key=job.key, attempts=job.attempts, reason=str(error))
        return str(error)
    except Exception as error:  # noqa: BLE001 - the boundary of a plug-in: one bad job must not stop the others
        _log.warning("job failed", kind=job.kind, key=job.key, attempts=job.attempts, exc_info=error)
        return f"{type(error).__name__}: {error}"
    return None


async def _sleep(context: Context, wake: asyncio.Event, stop: asyncio.Event) -> None:
    seconds = LONGEST_SLEEP
    with contextlib.suppress(HullguardError):
        async with context.storage.reading(context.scope) as tx:
            due = await Jobs(tx).next_ready()
            seconds = _seconds_until(due, tx.now)
    waiting = {asyncio.ensure_future(wake.wait()), asyncio.ensure_future(stop.wait())}
    await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for future in waiting:
        future.cancel()


def _seconds_until(due: datetime | None, now: datetime) -> float:
    if due is None:
        return LONGEST_SLEEP
    # Never zero: a job that cannot be taken although it is due must not make the loop spin.
    return min(max((due - now).total_seconds(), 0.05), LONGEST_SLEEP)


async def _listen(cache: Cache, wake: asyncio.Event) -> None:
    async with cache.subscribe(WAKE_CHANNEL) as messages:
        async for _ in messages:
            wake.set()


async def _watch_advisories(context: Context, wake: asyncio.Event) -> None:
    said = ""
    while True:
        try:
            if await watch_advisories(context):
                wake.set()
            said = ""
        except HullguardError as reason:
            if str(reason) != said:  # a damaged file stays as it is until somebody makes another one
                said = str(reason)
                _log.warning("advisories cannot be looked at", reason=said)
        await asyncio.sleep(ADVISORY_SECONDS)


async def _until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        task.cancel()
        stopping.cancel()
        await asyncio.gather(task, stopping, return_exceptions=True)
