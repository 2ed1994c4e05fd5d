"""One worker: its lanes, what wakes them, and the look at the advisories."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog
from msgspec import Struct

from hullguard.cache import Cache
from hullguard.model.errors import HullguardError
from hullguard.storage import Storage
from hullguard.storage.stores import Jobs
from hullguard.worker.advisory_file import AdvisoryFile
from hullguard.worker.catalog import ADVISORY_JOBS, JOBS, LONG_JOBS
from hullguard.worker.context import Context, RegistryFiles
from hullguard.worker.lanes import Lane, drive, keep_time
from hullguard.worker.matching import watch_advisories

WAKE_CHANNEL = "jobs"
ADVISORY_SECONDS = 2.0
"""How often the advisory database file is looked at."""
LONG_LANES = 4
"""So many long jobs go on at once: registries that hardly answer hold up no other while they are fewer."""
LANES = (Lane(JOBS), Lane(ADVISORY_JOBS, long=True), *(Lane(LONG_JOBS, long=True) for _ in range(LONG_LANES)))

_log = structlog.get_logger()


class Files(Struct, frozen=True):
    """Where the advisory database is, where the end of the audit is noted, and what registries need."""

    advisories: Path
    anchors: Path
    registries: RegistryFiles


async def work(
    storage: Storage, cache: Cache, files: Files, stop: asyncio.Event, *, ready: Callable[[], None] | None = None
) -> None:
    """Work until ``stop`` is set; a short job that is under way then is finished first, a long one given back."""
    with ThreadPoolExecutor(1, "advisories") as thread:
        context = Context(storage, cache, AdvisoryFile(files.advisories), thread, files.anchors, files.registries)
        wakes = [asyncio.Event() for _ in LANES]
        due = asyncio.Event()
        async with storage.transaction(context.scope) as tx:
            for job in (job for lane in LANES for job in lane.jobs):
                if job.every_seconds is not None:
                    await Jobs(tx).schedule(job.kind, job.every_seconds)
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(_until_stopped(_listen(cache, [*wakes, due]), stop)),
                group.create_task(_until_stopped(_watch_advisories(context, wakes), stop)),
                group.create_task(_until_stopped(keep_time(context, due, lambda: _wake(wakes)), stop)),
            ]
            if ready is not None:
                ready()
            async with asyncio.TaskGroup() as lanes:
                for lane, wake in zip(LANES, wakes, strict=True):
                    lanes.create_task(drive(context, lane, wake, stop))
            for helper in helpers:
                helper.cancel()


async def _listen(cache: Cache, wakes: list[asyncio.Event]) -> None:
    async with cache.subscribe(WAKE_CHANNEL) as messages:
        async for _ in messages:
            _wake(wakes)


async def _watch_advisories(context: Context, wakes: list[asyncio.Event]) -> None:
    said = ""
    while True:
        try:
            if await watch_advisories(context):
                _wake(wakes)
            said = ""
        except HullguardError as reason:
            if str(reason) != said:  # a damaged file stays as it is until somebody makes another one
                said = str(reason)
                _log.warning("advisories cannot be looked at", reason=said)
        await asyncio.sleep(ADVISORY_SECONDS)


def _wake(wakes: list[asyncio.Event]) -> None:
    for wake in wakes:
        wake.set()


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
