"""How the advisory database is kept: the settings of updates, the runs that wait, and what became of the last ones."""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from hullguard.model.advisory_update import (
    RUNS_KEPT,
    WAITING_MOST,
    AdvisoryDatabase,
    AdvisoryRun,
    AdvisorySettings,
    ChosenSettings,
    RunKind,
    RunState,
    SourceReport,
)
from hullguard.model.errors import NotFound, Stale, TooMany
from hullguard.model.ids import new_id
from hullguard.storage.stores.jobs import Jobs
from hullguard.storage.stores.settings import Settings
from hullguard.storage.transaction import Transaction

RUN: Final = "advisories-run"
"""The kind of job that carries one out; its key is the run's id."""

SCHEDULE: Final = "advisories-schedule"
"""The kind of job that looks whether an update is due."""

PROGRESS: Final = "advisories.progress"
"""Where the cache has the progress of the run that is under way."""

_SETTINGS, _PLAN, _DATABASE = "advisories.settings", "advisories.plan", "advisories.database"
_FIRST_PAUSE = timedelta(hours=1)
_SOURCES_KEPT = 200


class Plan(Struct, frozen=True):
    """What waits, what was done, and when the next update is due; None where no update is planned yet."""

    due: datetime | None = None
    waiting: tuple[AdvisoryRun, ...] = ()
    done: tuple[AdvisoryRun, ...] = ()
    """Newest first."""
    reports: dict[str, SourceReport] = {}
    """What became of each source when something was last read of it, or it last failed."""

    def require_room(self) -> None:
        """Raises TooMany where no more may wait."""
        if len(self.waiting) >= WAITING_MOST:
            raise TooMany("Too many imports wait already. Try again when some are done.", "upload-busy", retry_after=60)

    def pause(self, every: timedelta) -> timedelta:
        """From the end of the last update to the next: shorter after failures, though longer with each of them."""
        failures = 0
        for run in self.done:
            if run.kind is not RunKind.UPDATE:
                continue
            if run.state is RunState.DONE:
                break
            failures += 1
        return min(every, _FIRST_PAUSE * 2 ** (failures - 1)) if failures else every


class AdvisoryRuns:
    """All of it lies in a few named values: it is small, rarely changed and read as a whole."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._values = Settings(tx)

    async def chosen(self) -> ChosenSettings | None:
        """The settings, if anybody has ever decided on them."""
        return await self._values.get(_SETTINGS, ChosenSettings)

    async def choose(self, settings: AdvisorySettings, *, expected_version: int) -> ChosenSettings:
        """Keep new settings; raises Stale unless they were made from the present ones."""
        present = await self.chosen()
        if expected_version != (present.version if present is not None else 1):
            raise Stale("Somebody else has changed the settings of updates since they were read.", "advisories.stale")
        made = ChosenSettings(settings, expected_version + 1)
        await self._values.set(_SETTINGS, made)
        return made

    async def plan(self) -> Plan:
        """What waits and what was done."""
        return await self._values.get(_PLAN, Plan) or Plan()

    async def due(self, at: datetime | None) -> None:
        """Plan the next update for then; None leaves it to the next look at the settings."""
        await self._values.set(_PLAN, structs.replace(await self.plan(), due=at))

    async def database(self) -> AdvisoryDatabase | None:
        """What the database holds, as a worker saw it last."""
        return await self._values.get(_DATABASE, AdvisoryDatabase)

    async def know(self, database: AdvisoryDatabase) -> None:
        """Keep what the database holds."""
        await self._values.set(_DATABASE, database)

    async def update(self, by: str) -> AdvisoryRun:
        """Ask for an update; one that waits or is under way will do."""
        plan = await self.plan()
        for run in plan.waiting:
            if run.kind is RunKind.UPDATE:
                return run
        return await self._ask(plan, AdvisoryRun(new_id(), RunKind.UPDATE, RunState.QUEUED, by, self._tx.now))

    async def load(self, identifier: str, by: str, file: str, size: int) -> AdvisoryRun:
        """Ask for the import of a file that lies among the incoming ones under the run's id."""
        run = AdvisoryRun(identifier, RunKind.IMPORT, RunState.QUEUED, by, self._tx.now, file, size)
        return await self._ask(await self.plan(), run)

    async def _ask(self, plan: Plan, run: AdvisoryRun) -> AdvisoryRun:
        plan.require_room()
        await self._values.set(_PLAN, structs.replace(plan, waiting=(*plan.waiting, run)))
        await Jobs(self._tx).enqueue(RUN, run.id)
        return run

    async def begin(self, identifier: str) -> AdvisoryRun:
        """It is under way; also again, after its worker died. Raises NotFound when it is over."""
        plan = await self.plan()
        run = _waiting(plan, identifier)
        begun = structs.replace(run, state=RunState.RUNNING, started=self._tx.now)
        waiting = tuple(begun if each.id == identifier else each for each in plan.waiting)
        await self._values.set(_PLAN, structs.replace(plan, waiting=waiting))
        return begun

    async def finish(self, run: AdvisoryRun, due: datetime | None = None) -> AdvisoryRun:
        """It is over, with this outcome; ``due`` is when the next update is, where that changes."""
        plan = await self.plan()
        _waiting(plan, run.id)
        ended = structs.replace(run, finished=self._tx.now)
        reports = {**plan.reports, **{report.name: report for report in run.sources}}
        await self._values.set(
            _PLAN,
            Plan(
                due or plan.due,
                tuple(each for each in plan.waiting if each.id != run.id),
                (ended, *plan.done)[:RUNS_KEPT],
                dict(list(reports.items())[-_SOURCES_KEPT:]),
            ),
        )
        return ended

    async def lost(self) -> list[AdvisoryRun]:
        """Runs that wait though the queue has given them up."""
        live = await Jobs(self._tx).live(RUN)
        return [run for run in (await self.plan()).waiting if run.id not in live]


def _waiting(plan: Plan, identifier: str) -> AdvisoryRun:
    for run in plan.waiting:
        if run.id == identifier:
            return run
    raise NotFound(f"no update or import {identifier} waits", "advisories.run-unknown")
