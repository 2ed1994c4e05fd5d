"""The figures of the first screen."""

from datetime import UTC, date, timedelta
from typing import Any

import sqlalchemy as sa

from hullguard.model.advisory_update import RunKind, RunState
from hullguard.model.incident import IncidentStatus
from hullguard.model.node import NodeState
from hullguard.model.registry import ImageState, RegistryState
from hullguard.model.report import AdvisoryState
from hullguard.model.severity import Severity
from hullguard.model.view import Doubts, ImageSummary, Overview
from hullguard.storage.dialect import EPOCH
from hullguard.storage.stores import node_rows
from hullguard.storage.stores.advisory_runs import AdvisoryRuns
from hullguard.storage.stores.containers import RUNNING
from hullguard.storage.stores.image_rows import DOUBTFUL, DOUBTS, is_running, severities, summaries, visible
from hullguard.storage.stores.incident_counts import day_of
from hullguard.storage.stores.quotas import Quotas
from hullguard.storage.stores.settings import ADVISORIES, ADVISORIES_TROUBLE, Settings
from hullguard.storage.tables import containers, images, incident_counts, nodes, registries, registry_images
from hullguard.storage.transaction import Transaction

DAYS = 7
TOP_IMAGES = 5
# The trouble stays while it is tried again, so that a registry that is away does not come and go here.
_TROUBLED = sa.or_(
    registries.c.state == RegistryState.FAILED.value,
    registries.c.trouble.is_not(None),
    sa.exists().where(
        registry_images.c.tenant == registries.c.tenant,
        registry_images.c.registry == registries.c.id,
        registry_images.c.state == ImageState.FAILED.value,
    ),
)


async def overview(tx: Transaction) -> Overview:
    """Everything at one instant; the days are UTC's."""
    known, running = await _known_images(tx), await _running_images(tx)
    quota = await Quotas(tx).get()
    advisories = await Settings(tx).get(ADVISORIES, AdvisoryState) or AdvisoryState(None)
    chosen = await AdvisoryRuns(tx).chosen()
    return Overview(
        nodes=await _nodes(tx),
        nodes_drifting=await _count(tx, nodes, node_rows.DRIFT),
        quota_total=quota.total,
        quota_used=quota.used,
        incidents_open=await _open_incidents(tx),
        incidents_per_day=await _per_day(tx),
        images=known.images,
        images_running=running.images,
        images_at_risk=int(running.at_risk or 0),
        doubts=_doubts(known),
        doubts_running=_doubts(running),
        top_images=tuple(await _top_images(tx)),
        vulnerabilities=severities(running),
        containers=await _count(tx, containers, containers.c.state == RUNNING),
        advisories_built=advisories.built,
        advisories_sources=advisories.sources,
        advisories_trouble=await Settings(tx).get(ADVISORIES_TROUBLE, str) or None,
        advisories_update=await _last_update(tx),
        advisories_every_hours=chosen.settings.every_hours if chosen is not None else None,
        registries_troubled=await _count(tx, registries, _TROUBLED),
    )


async def _count(tx: Transaction, table: sa.Table, condition: sa.ColumnElement[bool]) -> int:
    return int(await tx.scalar(sa.select(sa.func.count()).select_from(table).where(tx.mine(table), condition)) or 0)


async def _last_update(tx: Transaction) -> RunState | None:
    done = (await AdvisoryRuns(tx).plan()).done
    return next((run.state for run in done if run.kind is RunKind.UPDATE), None)


async def _nodes(tx: Transaction) -> dict[str, int]:
    state = node_rows.state(tx).label("state")
    select = sa.select(state, sa.func.count()).where(tx.mine(nodes)).group_by(state)
    found = {name: int(count) for name, count in await tx.all(select)}
    counts = {each.value: found.get(each.value, 0) for each in NodeState}
    return {**counts, "total": sum(counts.values())}


async def _open_incidents(tx: Transaction) -> dict[Severity, int]:
    table = incident_counts.c
    select = sa.select(table.severity, sa.func.sum(table.incidents)).where(
        tx.mine(incident_counts), table.status == IncidentStatus.OPEN.value
    )
    found = {rank: int(count) for rank, count in await tx.all(select.group_by(table.severity))}
    return {severity: found.get(severity.rank, 0) for severity in Severity}


async def _per_day(tx: Transaction) -> tuple[tuple[str, int], ...]:
    """Those that nobody ignored: a self-test is ignored from the start, and would look like a wave of attacks."""
    table, today = incident_counts.c, day_of(tx.now)
    first = today - DAYS + 1
    select = sa.select(table.day, sa.func.sum(table.incidents)).where(
        tx.mine(incident_counts),
        table.day >= first,
        table.day <= today,
        table.status != IncidentStatus.IGNORED.value,
    )
    found = {day: int(count) for day, count in await tx.all(select.group_by(table.day))}
    return tuple((_date(day).isoformat(), found.get(day, 0)) for day in range(first, today + 1))


def _date(day: int) -> date:
    return (EPOCH + timedelta(days=day)).astimezone(UTC).date()


def _images(tx: Transaction, *columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).select_from(images).where(*visible(tx), images.c.present)


_DOUBTS = {"doubtful": DOUBTFUL, **DOUBTS}


def _how_many() -> list[sa.ColumnElement[Any]]:
    """Of the images that are asked for: all, and those in which more may be than was found."""
    return [
        sa.func.count().label("images"),
        *(sa.func.sum(sa.case((condition, 1), else_=0)).label(name) for name, condition in _DOUBTS.items()),
    ]


def _doubts(row: Any) -> Doubts:
    return Doubts(images=int(row.doubtful or 0), **{name: int(getattr(row, name) or 0) for name in DOUBTS})


async def _known_images(tx: Transaction) -> Any:
    return await tx.first(_images(tx, *_how_many()))


async def _running_images(tx: Transaction) -> Any:
    sums = [sa.func.sum(images.c[severity.value]).label(severity.value) for severity in Severity]
    at_risk = sa.func.sum(sa.case((images.c.fixable_serious > 0, 1), else_=0)).label("at_risk")
    return await tx.first(_images(tx, *_how_many(), at_risk, *sums).where(is_running(tx)))


async def _top_images(tx: Transaction) -> list[ImageSummary]:
    """The running images most at risk."""
    select = _images(tx, *images.c).where(is_running(tx), images.c.risk > 0)
    return await summaries(tx, await tx.all(select.order_by(images.c.risk.desc(), images.c.id).limit(TOP_IMAGES)))
