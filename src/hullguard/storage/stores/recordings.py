"""Recorded events: those that observations were made of, for as long as they are bounded in number and days."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.event import Event
from hullguard.storage.tables import recorded_events
from hullguard.storage.transaction import Transaction

KEPT: Final = timedelta(days=14)
MOST: Final = 100_000
"""Events of one cluster; beyond it the oldest go first."""
MOST_OF_INCIDENT: Final = 200
"""Of one incident the first ones: a noisy program must not push everything else out."""


class Recorded(Struct, frozen=True):
    """An event and the observation that it made."""

    observation: str
    event: Event


class Recordings:
    """The recorded events of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def keep(self, cluster: str, events: Mapping[str, Event]) -> None:
        """Record events by the id of their observation; one that is recorded already stays as it is."""
        rows = [
            {"observation": observation, "cluster": cluster, "at": event.at, "event": event}
            for observation, event in events.items()
        ]
        await self._tx.upsert(recorded_events, rows)

    async def latest(self, since: datetime, until: datetime, limit: int) -> tuple[list[Recorded], int]:
        """The latest events of a span, oldest first, and how many more the span has."""
        table = recorded_events
        where = (self._tx.mine(table), table.c.at >= since, table.c.at < until)
        total = int(await self._tx.scalar(sa.select(sa.func.count()).select_from(table).where(*where)) or 0)
        select = sa.select(table.c.observation, table.c.event).where(*where)
        rows = await self._tx.all(select.order_by(table.c.at.desc(), table.c.observation.desc()).limit(limit))
        return [Recorded(row.observation, row.event) for row in reversed(rows)], total - len(rows)

    async def forget(self) -> int:
        """Remove what is too old or too much; how many."""
        tx, table = self._tx, recorded_events
        removed = await tx.run(sa.delete(table).where(tx.tenants(table), table.c.at <= tx.now - KEPT))
        clusters = sa.select(table.c.cluster).where(tx.tenants(table)).group_by(table.c.cluster)
        for row in await tx.all(clusters.having(sa.func.count() > MOST)):
            mine = sa.and_(tx.tenants(table), table.c.cluster == row.cluster)
            beyond = sa.select(table.c.at).where(mine).order_by(table.c.at.desc()).limit(1).offset(MOST)
            last = await tx.scalar(beyond)
            removed += await tx.run(sa.delete(table).where(mine, table.c.at <= last))
        return removed
