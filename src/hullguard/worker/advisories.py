"""The platform keeps its advisory database itself: it is brought up to date when that is due, and files are taken in.

The work itself is done by a process of its own; this one hears how far it is and keeps the outcome.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog
from msgspec import structs

from hullguard import audit
from hullguard.advisories.errands.messages import Ended, Fetch, Load, in_force, incoming
from hullguard.advisories.errands.parent import carried_out
from hullguard.model.advisory_update import (
    AdvisoryProgress,
    AdvisoryRun,
    AdvisorySettings,
    RunKind,
    RunState,
)
from hullguard.model.errors import Unavailable
from hullguard.storage import Transaction
from hullguard.storage.stores import AdvisoryRuns
from hullguard.storage.stores.advisory_runs import PROGRESS, RUN, SCHEDULE, Plan
from hullguard.worker.context import Context

ANNOUNCED: Final = "advisories"
FIRST_SECONDS: Final = (120.0, 300.0)
"""How long after the first start the first update begins: time enough to choose a mirror, or to switch updates off."""
JITTER: Final = 0.1
"""The part of the time between two updates by which it varies, so that installations do not ask all at once."""
LONGEST_SECONDS: Final = 4 * 3600.0
"""A slow line brings everything that osv.dev has in less; what hangs is ended."""
_PROGRESS_SECONDS: Final = 60.0
_ANNOUNCED_EVERY: Final = 2.0
_LEFT_BEHIND: Final = 3600.0
"""Seconds after which an uploaded file that no run waits for is removed: an upload may be under way."""

_log = structlog.get_logger()


class ScheduleAdvisories:
    """Look whether an update is due, and put in order what runs and uploads that broke off have left."""

    kind = SCHEDULE
    every_seconds = 60
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:
        async with context.storage.transaction(context.scope) as tx:
            runs = AdvisoryRuns(tx)
            lost = await runs.lost()
            for run in lost:
                why = "every worker that took it ended before it was done; see the logs of the workers"
                given_up = structs.replace(run, state=RunState.FAILED, code="advisories.given-up", why=why)
                await _record(tx, await runs.finish(given_up))
            plan = await runs.plan()
            settings = in_force(await runs.chosen()).settings
            due = plan.due if settings.enabled else None
            if settings.enabled and due is None:
                due = _first(settings, plan, tx.now)
            if due != plan.due:
                await runs.due(due)
            begun = due is not None and due <= tx.now
            if begun:
                await runs.update("system")
        if lost or begun:
            await context.announce(ANNOUNCED, key)
        await asyncio.to_thread(_sweep, incoming(context.advisories.path), [run.id for run in plan.waiting])


class RunAdvisories:
    """One update, or the import of one file."""

    kind = RUN
    every_seconds = None
    lease_seconds = 120.0

    async def run(self, context: Context, key: str) -> None:
        async with context.storage.transaction(context.scope) as tx:
            runs = AdvisoryRuns(tx)
            run = await runs.begin(key)
            settings = in_force(await runs.chosen()).settings
        await context.announce(ANNOUNCED, run.id)
        file = incoming(context.advisories.path) / run.id
        errand = _errand(context.advisories.path, run, settings, file)
        ended = _outcome(run, await carried_out(errand, LONGEST_SECONDS, _Told(context, run.id)))
        async with context.storage.transaction(context.scope) as tx:
            runs = AdvisoryRuns(tx)
            ended = await runs.finish(ended, await _due_after(runs, ended, settings, tx.now))
            await _record(tx, ended)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(file.unlink, missing_ok=True)
        with contextlib.suppress(Unavailable):
            await context.cache.delete(PROGRESS)
        await context.announce(ANNOUNCED, run.id)
        if ended.state is RunState.FAILED:
            # One line for each: the sources that failed stand in the outcome.
            _log.warning("the advisory database stays as it was", run=run.id, kind=run.kind.value, why=ended.why)


class _Told:
    """Keeps the progress where the API finds it, and has open consoles look now and then."""

    def __init__(self, context: Context, run: str) -> None:
        self._context, self._run, self._next = context, run, 0.0

    async def __call__(self, progress: AdvisoryProgress) -> None:
        cache = self._context.cache
        with contextlib.suppress(Unavailable):
            await cache.set(PROGRESS, msgspec.msgpack.encode(progress), _PROGRESS_SECONDS)
        if (now := time.monotonic()) >= self._next:
            self._next = now + _ANNOUNCED_EVERY
            await self._context.announce(ANNOUNCED, self._run)


def _errand(database: Path, run: AdvisoryRun, settings: AdvisorySettings, file: Path) -> Fetch | Load:
    if run.kind is RunKind.UPDATE:
        return Fetch(str(database), settings)
    return Load(str(database), str(file), run.file or run.id, tuple(one.key for one in settings.trusted_keys))


def _outcome(run: AdvisoryRun, ended: Ended) -> AdvisoryRun:
    failed = ended.fault is not None
    # A mirror always has some records that nobody can read; a file that people bring should have none.
    partly = any(report.why for report in ended.sources) or (run.kind is RunKind.IMPORT and ended.refused)
    return structs.replace(
        run,
        state=RunState.FAILED if failed else RunState.PARTIAL if partly else RunState.DONE,
        replaced=ended.replaced,
        imported=ended.imported,
        withdrawn=ended.withdrawn,
        older=ended.older,
        refused=ended.refused,
        same=ended.same,
        sources=ended.sources,
        code=ended.code,
        why=ended.fault,
    )


async def _record(tx: Transaction, run: AdvisoryRun) -> None:
    """A run that is over: its outcome in the audit is its state, so that nobody takes a failure for a success."""
    counts = {"imported": run.imported, "withdrawn": run.withdrawn, "refused": run.refused}
    await audit.record(
        tx,
        "system",
        f"advisories.{run.kind.value}.end",
        f"advisories:{run.id}",
        outcome=run.state.value,
        reason=run.why or "",
        details={"state": run.state.value, **{name: str(count) for name, count in counts.items()}},
    )


async def _due_after(
    runs: AdvisoryRuns, ended: AdvisoryRun, settings: AdvisorySettings, now: datetime
) -> datetime | None:
    """When the next update is due after this one; None after an import, which changes nothing about that."""
    if ended.kind is not RunKind.UPDATE or not settings.enabled:
        return None
    plan = await runs.plan()
    pause = structs.replace(plan, done=(ended, *plan.done)).pause(timedelta(hours=settings.every_hours))
    return now + pause * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret


def _first(settings: AdvisorySettings, plan: Plan, now: datetime) -> datetime:
    """Of the first update that the settings want: soon, unless the last one was not long ago."""
    soon = now + timedelta(seconds=random.uniform(*FIRST_SECONDS))  # noqa: S311 - no secret
    last = next((run for run in plan.done if run.kind is RunKind.UPDATE and run.finished is not None), None)
    if last is None or last.finished is None:
        return soon
    return max(soon, last.finished + plan.pause(timedelta(hours=settings.every_hours)))


def _sweep(folder: Path, waiting: Sequence[str]) -> None:
    """Removes uploaded files that nobody waits for."""
    with contextlib.suppress(OSError):
        for file in folder.iterdir():
            if file.name not in waiting and time.time() - file.stat().st_mtime > _LEFT_BEHIND:
                file.unlink()
