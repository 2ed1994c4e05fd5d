"""What waits to be fetched or imported, what became of it, and when the next update is."""

from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import Clock, clock, storage, tx

from hullguard.advisories.errands.messages import DEFAULTS
from hullguard.model.advisory_update import (
    RUNS_KEPT,
    WAITING_MOST,
    AdvisoryRun,
    RunKind,
    RunState,
    SourceReport,
)
from hullguard.model.errors import NotFound, Stale, TooMany
from hullguard.storage import Transaction
from hullguard.storage.stores import AdvisoryRuns, Jobs
from hullguard.storage.stores.advisory_runs import RUN, Plan

__all__ = ["clock", "storage", "tx"]

DAY = timedelta(days=1)


def updates(*states: RunState) -> Plan:
    """The last ones, newest first."""
    made = [AdvisoryRun(str(number), RunKind.UPDATE, state, "system", None) for number, state in enumerate(states)]  # type: ignore[arg-type]
    return Plan(done=tuple(made))


async def test_an_update_that_waits_will_do_for_everybody(tx: Transaction) -> None:
    first = await AdvisoryRuns(tx).update("user:alice")
    second = await AdvisoryRuns(tx).update("user:bob")
    await AdvisoryRuns(tx).begin(first.id)
    third = await AdvisoryRuns(tx).update("system")

    assert first.id == second.id == third.id
    assert third.state is RunState.RUNNING
    assert await Jobs(tx).live(RUN) == {first.id}


async def test_an_import_waits_beside_it_but_not_without_end(tx: Transaction) -> None:
    runs = AdvisoryRuns(tx)
    await runs.update("system")
    for number in range(WAITING_MOST - 1):
        await runs.load(str(number), "user:alice", "records.json", 10)

    with pytest.raises(TooMany):
        await runs.load("one too many", "user:alice", "records.json", 10)
    assert len((await runs.plan()).waiting) == WAITING_MOST


async def test_a_run_ends_once_and_its_outcome_stays(tx: Transaction) -> None:
    runs = AdvisoryRuns(tx)
    asked = await runs.update("system")
    begun = await runs.begin(asked.id)
    again = await runs.begin(asked.id)
    report = SourceReport("npm", "whole", 3)

    ended = await runs.finish(structs.replace(again, state=RunState.DONE, sources=(report,)), tx.now + DAY)

    assert (begun.state, begun.started) == (RunState.RUNNING, tx.now)
    plan = await runs.plan()
    assert (plan.due, plan.waiting, plan.done, plan.reports) == (tx.now + DAY, (), (ended,), {"npm": report})
    for over in (runs.begin(asked.id), runs.finish(ended)):
        with pytest.raises(NotFound):
            await over


async def test_outcomes_are_kept_up_to_a_bound_and_what_is_known_of_sources_beyond(tx: Transaction) -> None:
    runs = AdvisoryRuns(tx)
    for number in range(RUNS_KEPT + 3):
        run = await runs.load(str(number), "user:alice", "records.json", 10)
        report = SourceReport(f"source {number}", "records", number)
        await runs.finish(structs.replace(run, state=RunState.DONE, sources=(report,)))

    plan = await runs.plan()
    assert [run.id for run in plan.done] == [str(number) for number in range(RUNS_KEPT + 2, 2, -1)]
    assert plan.reports["source 0"].records == 0
    assert plan.due is None, "an import changes nothing about that"


@pytest.mark.parametrize(
    ("plan", "hours"),
    [
        (Plan(), 24),
        (updates(RunState.DONE), 24),
        (updates(RunState.FAILED), 1),
        (updates(RunState.FAILED, RunState.PARTIAL, RunState.FAILED), 4),
        (updates(*[RunState.FAILED] * 9), 24),
        (updates(RunState.FAILED, RunState.DONE, RunState.FAILED), 1),
    ],
)
def test_after_failures_the_next_one_is_sooner(plan: Plan, hours: int) -> None:
    assert plan.pause(DAY) == timedelta(hours=hours)


def test_an_import_is_no_update_that_succeeded() -> None:
    failed = updates(RunState.FAILED, RunState.FAILED)
    imported = structs.replace(failed.done[0], kind=RunKind.IMPORT, state=RunState.DONE)

    assert structs.replace(failed, done=(imported, *failed.done)).pause(DAY) == timedelta(hours=2)
    assert updates(RunState.FAILED).pause(timedelta(minutes=30)) == timedelta(minutes=30)


async def test_settings_are_changed_from_the_present_ones_only(tx: Transaction) -> None:
    runs = AdvisoryRuns(tx)
    assert await runs.chosen() is None

    made = await runs.choose(structs.replace(DEFAULTS, every_hours=6), expected_version=1)

    assert made == await runs.chosen()
    assert made.version == 2
    for version in (1, 3):
        with pytest.raises(Stale):
            await runs.choose(DEFAULTS, expected_version=version)


async def test_a_run_that_the_queue_gave_up_is_found(tx: Transaction, clock: Clock) -> None:
    runs = AdvisoryRuns(tx)
    run = await runs.update("system")
    assert await runs.lost() == []

    job = await Jobs(tx).take({RUN}, 60)
    assert job is not None
    assert await runs.lost() == []
    await Jobs(tx).done(job)

    assert await runs.lost() == [run]
