"""Observations come in: those that belong to an incident join it, the others begin one.

Everything that belongs together is in one transaction, so a message that is taken in twice, or half, changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from hullguard.model.errors import Invalid
from hullguard.model.event import Event
from hullguard.model.incident import IncidentStatus, Loaded, Observation, Story
from hullguard.storage import stories, story_stakes
from hullguard.storage.dialect import EPOCH
from hullguard.storage.stores import incident_counts, incident_rows
from hullguard.storage.stores.incident_counts import Cell
from hullguard.storage.stores.incident_rows import Known
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.stores.places import Place, place_of
from hullguard.storage.stores.recordings import MOST_OF_INCIDENT, Recordings
from hullguard.storage.stories import WINDOW, Account
from hullguard.storage.tables import incident_keys, incident_rules, incidents, observations
from hullguard.storage.transaction import Transaction

BATCH: Final = 500
_LAST: Final = datetime.max.replace(tzinfo=UTC) - WINDOW
_MOST_ROUNDS: Final = 8
"""Of looking for more that belongs to what was just joined; each goes one incident further."""


class Intake:
    """Takes in what one node's agent observed."""

    def __init__(self, tx: Transaction, node: str, received: datetime, events: Mapping[str, Event]) -> None:
        self._tx, self._node, self._received, self._events = tx, node, received, events
        self._known_images = KnownImages(tx)
        self._moved: Counter[Cell] = Counter()
        # Rows that are written at the end.
        self._incidents: list[dict[str, Any]] = []
        self._observations: list[dict[str, Any]] = []
        self._rules: list[dict[str, Any]] = []
        self._keys: list[dict[str, Any]] = []
        self._recorded: dict[str, Event] = {}

    async def take(self, seen: Sequence[Observation]) -> list[str]:
        """Store what is new of it, and say which incidents that made or changed.

        Raises NotFound for a node that is none, Invalid for what no column can hold.
        """
        try:
            return await self._take(seen)
        except (OverflowError, UnicodeEncodeError) as cause:
            raise Invalid("a number, a time or a text is not one that can be kept", "storage.value") from cause

    async def _take(self, seen: Sequence[Observation]) -> list[str]:
        place = await place_of(self._tx, self._node)
        known = await self._known([each.id for each in seen])
        new = {each.id: each for each in seen if each.id not in known}
        if not new:
            return []
        fresh = {each.id: stories.account_of(self._node, each) for each in new.values()}
        standing = await self._standing(list(fresh.values()))
        by_account = {id(each.account): each for each in standing}
        changed = []
        for parts in stories.clusters([*(each.account for each in standing), *fresh.values()]):
            before = [by_account[id(part)] for part in parts if id(part) in by_account]
            if len(before) == len(parts) == 1:
                continue
            added = [part for part in parts if id(part) not in by_account]
            changed.append(await self._keep(stories.merged(parts), before, added, place))
        await self._write(place)
        return changed

    async def _known(self, ids: Sequence[str]) -> set[str]:
        known: set[str] = set()
        for start in range(0, len(ids), BATCH):
            # Across clusters: an id that stands anywhere in the tenant cannot be added again.
            batch = observations.c.id.in_(ids[start : start + BATCH])
            select = sa.select(observations.c.id).where(self._tx.tenants(observations), batch)
            known.update(row.id for row in await self._tx.all(select))
        return known

    async def _standing(self, fresh: Iterable[Account]) -> list[Known]:
        """The incidents that any of these may belong to, and those that they then belong to as well."""
        found: dict[str, Known] = {}
        accounts = list(fresh)
        asked: tuple[frozenset[str], datetime, datetime] | None = None
        for _ in range(_MOST_ROUNDS):
            keys = frozenset().union(*(each.keys for each in accounts))
            first, last = min(each.first for each in accounts), max(each.last for each in accounts)
            if asked == (keys, first, last):
                break
            asked = keys, first, last
            for each in await self._sharing(keys, first, last, found.keys()):
                found[each.id] = each
                accounts.append(each.account)
        return list(found.values())

    async def _sharing(self, keys: Iterable[str], first: datetime, last: datetime, but: Iterable[str]) -> list[Known]:
        wanted: set[str] = set()
        # No time is before 1970 but a hostile agent's, and nothing is beyond the last year that there is.
        since, until = max(first, EPOCH + WINDOW) - WINDOW, min(last, _LAST) + WINDOW
        ordered = sorted(keys)
        for start in range(0, len(ordered), BATCH):
            condition = incident_keys.c.key.in_(ordered[start : start + BATCH])
            select = sa.select(incident_keys.c.incident).where(
                self._tx.tenants(incident_keys), condition, incident_keys.c.at >= since
            )
            wanted.update(row.incident for row in await self._tx.all(select))
        found = []
        ids = sorted(wanted.difference(but))
        for start in range(0, len(ids), BATCH):
            select = sa.select(incidents).where(
                self._tx.tenants(incidents),
                incidents.c.id.in_(ids[start : start + BATCH]),
                incidents.c.began <= until,
            )
            found += [incident_rows.known(row) for row in await self._tx.all(select)]
        return found

    async def _keep(self, account: Account, before: Sequence[Known], added: Sequence[Account], place: Place) -> str:
        """Note the incident's rows; of several that turn out to be one, the oldest goes on."""
        survivor = min(before, key=lambda each: (each.account.first, each.id), default=None)
        told = await self._told(account, survivor)
        values = incident_rows.columns(account, told, place, self._received)
        rank = int(values["severity"])
        status = _status(before, rank, tests=all(each.lead.self_test for each in added))
        incident = survivor.id if survivor is not None else min((each.first, each.lead.id) for each in added)[1]
        for each in before:
            self._moved[each.cell] -= 1
        self._moved[incident_rows.cell(place.cluster, account.first, status, rank, account.lead.rule)] += 1
        await self._absorb(incident, [each.id for each in before if each is not survivor])
        self._incidents.append({"id": incident, "node": self._node, "status": status.value, **values})
        self._observations += [_observed(each, incident, place) for each in added]
        room = MOST_OF_INCIDENT - sum(each.account.observations for each in before)
        # What a self-test did says nothing of what rules would find in a team's own containers.
        ids = [each.lead.id for each in added[: max(0, room)] if not each.lead.self_test]
        self._recorded |= {each: self._events[each] for each in ids if each in self._events}
        of = {"incident": incident, "at": account.last}
        self._rules += [{**of, "rule": rule, "cluster": place.cluster} for rule in account.rules]
        self._keys += [{**of, "key": key} for key in sorted(account.keys)]
        return incident

    async def _write(self, place: Place) -> None:
        """Everything in one go: what costs is each statement."""
        tx = self._tx
        if self._incidents:
            changing = [name for name in self._incidents[0] if name not in {"id", "node"}]
            await tx.upsert(incidents, self._incidents, update=changing)
        await tx.insert(observations, self._observations)
        await tx.upsert(incident_rules, self._rules, update=["at"])
        await tx.upsert(incident_keys, self._keys, update=["at"])
        await Recordings(tx).keep(place.cluster, self._recorded)
        await incident_counts.add(tx, {cell: by for cell, by in self._moved.items() if by})

    async def _absorb(self, into: str, others: Sequence[str]) -> None:
        if not others:
            return
        tx = self._tx
        await tx.run(
            sa.update(observations)
            .where(tx.tenants(observations), observations.c.incident.in_(others))
            .values(incident=into)
        )
        for table in (incident_rules, incident_keys):
            await tx.run(sa.delete(table).where(tx.tenants(table), table.c.incident.in_(others)))
        await tx.run(sa.delete(incidents).where(tx.tenants(incidents), incidents.c.id.in_(others)))

    async def _told(self, account: Account, before: Known | None) -> Story:
        """The story, with what is at stake; that is asked anew only when another program ran or more was loaded."""
        told = stories.story(account)
        image = account.lead.image
        if image is None:
            return told
        if before is not None and _ran(before.story) == _ran(told):
            return story_stakes.weighed_as(told, before.story)
        return story_stakes.weighed(told, await self._known_images.of(image.id))


def _ran(told: Story) -> tuple[frozenset[str], Loaded]:
    return frozenset(each.key for each in told.processes), told.loaded


def _status(before: Sequence[Known], rank: int, *, tests: bool) -> IncidentStatus:
    """One that was resolved and goes on is open again; one that is ignored stays so until it becomes graver.

    What a node's self-test adds changes nothing, and by itself is ignored; what joins a self-test opens it.
    """
    statuses = {each.status for each in before}
    if tests:
        return next(
            (one for one in (IncidentStatus.OPEN, IncidentStatus.RESOLVED) if one in statuses), IncidentStatus.IGNORED
        )
    if any(each.account.lead.self_test for each in before):
        return IncidentStatus.OPEN
    if not statuses or statuses != {IncidentStatus.IGNORED}:
        return IncidentStatus.OPEN
    return IncidentStatus.IGNORED if rank <= max(each.severity.rank for each in before) else IncidentStatus.OPEN


def _observed(alone: Account, incident: str, place: Place) -> dict[str, Any]:
    seen = alone.lead
    return {
        "id": seen.id,
        "incident": incident,
        "cluster": place.cluster,
        "at": seen.at,
        "rule": seen.rule,
        **incident_rows.simulated(alone),
    }
