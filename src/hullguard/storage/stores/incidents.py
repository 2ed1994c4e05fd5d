"""Incidents: observations that belong together, listed newest first, handled by people."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.event import Event
from hullguard.model.incident import Incident, IncidentStatus, Observation
from hullguard.model.page import Page
from hullguard.model.severity import Severity
from hullguard.storage.dialect import not_indexed
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import incident_counts, incident_rows
from hullguard.storage.stores.incident_intake import Intake
from hullguard.storage.stores.incident_stakes import weigh
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.tables import incident_rules, incidents, observations
from hullguard.storage.transaction import Row, Transaction


class IncidentFilter(Struct, frozen=True):
    """Which incidents; ``since`` is included, ``until`` is not."""

    status: frozenset[IncidentStatus] = frozenset()
    severity: frozenset[Severity] = frozenset()
    rule: str | None = None
    """One that any of its observations is of."""
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
_OF_RULE = Listing(
    key=incident_rules.c.incident, sorts={"at": incident_rules.c.at}, default=_LISTING.default, search=_LISTING.search
)
"""In the order of the rule's own index: an incident's time stands there, too."""


class Incidents:
    """The incidents of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def insert(
        self, node: str, seen: Sequence[Observation], received: datetime, events: Mapping[str, Event] | None = None
    ) -> list[str]:
        """Keep what an agent reports, each observation once, and join it to what it belongs to.

        ``events`` are recorded by the id of the observation that each made. The answer is the ids of the incidents
        that are new or have changed.
        """
        return await Intake(self._tx, node, received, events or {}).take(seen)

    async def weigh(self, images: Sequence[str], known: KnownImages | None = None) -> list[str]:
        """Ask anew what is at stake in the open incidents of these images; those for which that changed."""
        return await weigh(self._tx, images, known or KnownImages(self._tx))

    async def get(self, incident: str) -> Incident:
        """One incident with its story, by its own id or by that of any of its observations."""
        row = await self._row(incident)
        return incident_rows.incident(row, incident_rows.story_of(row))

    async def page(self, wanted: IncidentFilter, request: PageRequest) -> Page[Incident]:
        """A page of incidents, newest first."""
        select = sa.select(*incident_rows.LISTED).where(*self._conditions(wanted))
        listing = _LISTING
        if wanted.rule is not None:
            listing = _OF_RULE
            both = sa.and_(incident_rules.c.tenant == incidents.c.tenant, incident_rules.c.incident == incidents.c.id)
            select = select.join(incident_rules, both).where(
                self._tx.mine(incident_rules), incident_rules.c.rule == wanted.rule
            )
        found = await fetch(self._tx, select, listing, request, total=self._total(wanted))
        return Page([incident_rows.incident(row) for row in found.rows], found.total, found.cursor)

    async def handle(self, incident: str, status: IncidentStatus, note: str, by: str) -> Incident:
        """Change how an incident stands."""
        tx = self._tx
        row = await self._row(incident)
        now = IncidentStatus(row.status)
        if status not in incident_rows.FOLLOWERS[now]:
            raise Conflict(
                f"incident {incident[:64]} is {now} and cannot become {status}",
                "incident.transition",
                status=now.value,
                wanted=status.value,
            )
        values = {"status": status.value, "handled_by": by[:255], "handled_at": tx.now, "note": note}
        await tx.run(sa.update(incidents).where(tx.mine(incidents), incidents.c.id == row.id).values(**values))
        before = incident_rows.cell_of(row)
        await incident_counts.add(tx, {before: -1, structs.replace(before, status=status.value): 1})
        return await self.get(row.id)

    async def _row(self, incident: str) -> Row:
        tx = self._tx
        select = sa.select(incidents).where(tx.mine(incidents))
        row = await tx.first(select.where(incidents.c.id == incident))
        if row is None:
            of = sa.select(observations.c.incident).where(tx.mine(observations), observations.c.id == incident)
            row = await tx.first(select.where(incidents.c.id == of.scalar_subquery()))
        if row is None:
            raise NotFound(f"there is no incident {incident[:64]}", "incident.not-found")
        return row

    def _conditions(self, wanted: IncidentFilter) -> list[sa.ColumnElement[bool]]:
        """One filter leads, through an index that has the order too; the others are checked along its way.

        Without this SQLite, which keeps no statistics here, may collect a million rows by one filter and sort them.
        """
        table, leads = incidents.c, wanted.rule is None
        conditions = [self._tx.mine(incidents)]
        for column, values in (
            (table.simulated_by, _one(wanted.simulated_by)),
            (table.container, _one(wanted.container)),
            (table.node, _one(wanted.node)),
            (table.image, _one(wanted.image)),
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
            *(wanted.node, wanted.container, wanted.image, wanted.simulated_by, wanted.rule),
            *(wanted.since, wanted.until),
        )
        if any(value is not None for value in uncounted):
            return None
        return incident_counts.total(
            self._tx,
            {each.value for each in wanted.status},
            {each.rank for each in wanted.severity},
        )


def _one(value: str | None) -> list[Any]:
    return [] if value is None else [value]
