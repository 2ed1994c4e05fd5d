"""Incidents: stored once however often they are sent, listed newest first, handled by people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.event import ContainerRef, ImageRef
from hullguard.model.incident import Incident, IncidentStatus, Observation
from hullguard.model.page import Page
from hullguard.model.policy import Action
from hullguard.model.severity import Severity
from hullguard.storage.dialect import not_indexed
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import incident_counts
from hullguard.storage.stores.incident_counts import Cell, day_of
from hullguard.storage.stores.places import Place, place_of
from hullguard.storage.tables import Evidence, incidents
from hullguard.storage.transaction import Row, Transaction

BATCH = 500
FOLLOWERS: dict[IncidentStatus, tuple[IncidentStatus, ...]] = {
    IncidentStatus.OPEN: (IncidentStatus.IGNORED, IncidentStatus.RESOLVED),
    IncidentStatus.IGNORED: (IncidentStatus.OPEN, IncidentStatus.RESOLVED),
    IncidentStatus.RESOLVED: (IncidentStatus.OPEN,),
}
"""Which status may follow which."""


class IncidentFilter(Struct, frozen=True):
    """Which incidents; ``since`` is included, ``until`` is not."""

    status: frozenset[IncidentStatus] = frozenset()
    severity: frozenset[Severity] = frozenset()
    rule: str | None = None
    node: str | None = None
    container: str | None = None
    image: str | None = None
    simulated_by: str | None = None
    """A policy's id: those that it would have stopped, were it not only simulated."""
    since: datetime | None = None
    until: datetime | None = None


_LISTING = Listing(
    key=incidents.c.id,
    sorts={"at": incidents.c.at},
    default="-at",
    search=(
        incidents.c.rule,
        incidents.c.node_name,
        incidents.c.container_name,
        incidents.c.container,
        incidents.c.image_name,
    ),
)


class Incidents:
    """The incidents of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(self, node: str, observations: Sequence[Observation], received: datetime) -> list[str]:
        """Keep what an agent reports; the ids that were not known before, in the order given."""
        place = await place_of(self._tx, node)
        known = await self._known([each.id for each in observations])
        new = {each.id: each for each in observations if each.id not in known}
        await self._tx.insert(incidents, [_values(each, node, place, received) for each in new.values()])
        await incident_counts.add(self._tx, [_cell(each, place) for each in new.values()])
        return list(new)

    async def get(self, incident: str) -> Incident:
        """One incident."""
        return _incident(await self._row(incident))

    async def page(self, wanted: IncidentFilter, request: PageRequest) -> Page[Incident]:
        """A page of incidents, newest first."""
        select = sa.select(incidents).where(*self._conditions(wanted))
        found = await fetch(self._tx, select, _LISTING, request, total=self._total(wanted))
        return Page([_incident(row) for row in found.rows], found.total, found.cursor)

    async def handle(self, incident: str, status: IncidentStatus, note: str, by: str) -> Incident:
        """Change how an incident stands."""
        tx = self._tx
        row = await self._row(incident)
        now = IncidentStatus(row.status)
        if status not in FOLLOWERS[now]:
            raise Conflict(
                f"incident {incident[:64]} is {now} and cannot become {status}",
                "incident.transition",
                status=now.value,
                wanted=status.value,
            )
        values = {"status": status.value, "handled_by": by[:255], "handled_at": tx.now, "note": note}
        await tx.run(sa.update(incidents).where(tx.mine(incidents), incidents.c.id == incident).values(**values))
        before = Cell(row.cluster, day_of(row.at), now.value, row.severity, row.rule)
        await incident_counts.add(tx, {before: -1, structs.replace(before, status=status.value): 1})
        return await self.get(incident)

    async def _known(self, ids: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for start in range(0, len(ids), BATCH):
            # Across clusters: an id that stands anywhere in the tenant cannot be added again.
            batch = incidents.c.id.in_(ids[start : start + BATCH])
            select = sa.select(incidents.c.id).where(self._tx.tenants(incidents), batch)
            known.update(row.id for row in await self._tx.all(select))
        return known

    async def _row(self, incident: str) -> Row:
        row = await self._tx.first(sa.select(incidents).where(self._tx.mine(incidents), incidents.c.id == incident))
        if row is None:
            raise NotFound(f"there is no incident {incident[:64]}", "incident.not-found")
        return row

    def _conditions(self, wanted: IncidentFilter) -> list[sa.ColumnElement[bool]]:
        """One filter leads, through an index that has the order too; the others are checked along its way.

        Without this SQLite, which keeps no statistics here, may collect a million rows by one filter and sort them.
        """
        table, leads = incidents.c, True
        conditions = [self._tx.mine(incidents)]
        for column, values in (
            (table.simulated_by, _one(wanted.simulated_by)),
            (table.container, _one(wanted.container)),
            (table.node, _one(wanted.node)),
            (table.image, _one(wanted.image)),
            (table.rule, _one(wanted.rule)),
            (table.severity, [each.rank for each in sorted(wanted.severity)]),
            (table.status, [each.value for each in sorted(wanted.status)]),
        ):
            if not values:
                continue
            if leads and len(values) == 1:
                conditions.append(column == values[0])
                leads = False
            else:
                conditions.append(not_indexed(column, self._tx.dialect).in_(values))
        conditions += [] if wanted.since is None else [table.at >= wanted.since]
        conditions += [] if wanted.until is None else [table.at < wanted.until]
        return conditions

    def _total(self, wanted: IncidentFilter) -> sa.Select[Any] | None:
        uncounted = (
            *(wanted.node, wanted.container, wanted.image, wanted.simulated_by),
            *(wanted.since, wanted.until),
        )
        if any(value is not None for value in uncounted):
            return None
        return incident_counts.total(
            self._tx,
            {each.value for each in wanted.status},
            {each.rank for each in wanted.severity},
            wanted.rule,
        )


def _one(value: str | None) -> list[Any]:
    return [] if value is None else [value]


def _cell(observed: Observation, place: Place) -> Cell:
    rule = observed.rule[:128]
    return Cell(place.cluster, day_of(observed.at), IncidentStatus.OPEN.value, observed.severity.rank, rule)


def _values(observed: Observation, node: str, place: Place, received: datetime) -> dict[str, Any]:
    simulated = observed.policy if observed.would is not None else None
    return {
        "id": observed.id,
        "cluster": place.cluster,
        "node": node,
        "node_name": place.name,
        "at": observed.at,
        "received": received,
        "rule": observed.rule,
        "severity": observed.severity.rank,
        "technique": observed.technique,
        "action": observed.action.value,
        "stopped": observed.stopped,
        "container": observed.container.id,
        "container_name": observed.container.name,
        "image": None if observed.image is None else observed.image.id,
        "image_name": None if observed.image is None else observed.image.name,
        "evidence": Evidence(observed.lineage, observed.details, observed.policy),
        "simulated_by": None if simulated is None else simulated.id[:64],
        "simulated_version": None if simulated is None else simulated.version,
        "would": None if simulated is None else observed.would,
        "status": IncidentStatus.OPEN.value,
    }


def _incident(row: Row) -> Incident:
    status = IncidentStatus(row.status)
    return Incident(
        id=row.id,
        at=row.at,
        rule=row.rule,
        severity=Severity.from_rank(row.severity),
        technique=row.technique,
        action=Action(row.action),
        stopped=bool(row.stopped),
        container=ContainerRef(row.container, row.container_name),
        image=None if row.image is None else ImageRef(row.image, row.image_name or ""),
        lineage=row.evidence.lineage,
        details=row.evidence.details,
        policy=row.evidence.policy,
        would=None if row.would is None else Action(row.would),
        node=row.node,
        node_name=row.node_name,
        cluster=row.cluster,
        received=row.received,
        status=status,
        handled_by=row.handled_by,
        handled_at=row.handled_at,
        note=row.note,
        allowed=FOLLOWERS[status],
    )
