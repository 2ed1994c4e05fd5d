"""Incidents per cluster, day of their beginning, status, severity and gravest rule, kept while they come and go.

Counting millions of rows for the first screen takes longer than everything else on it; this table has a few thousand.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from hullguard.storage.dialect import EPOCH
from hullguard.storage.tables import incident_counts
from hullguard.storage.transaction import Transaction


class Cell(Struct, frozen=True):
    """What is counted together."""

    cluster: str
    day: int
    status: str
    severity: int
    rule: str


def day_of(at: datetime) -> int:
    """Days since 1970 in UTC."""
    return ((at if at.tzinfo else at.replace(tzinfo=EPOCH.tzinfo)) - EPOCH).days


async def add(tx: Transaction, cells: Iterable[Cell] | Mapping[Cell, int]) -> None:
    """Count these once more, or as often as the mapping says (which may be less than nothing)."""
    rows = [
        {
            "cluster": cell.cluster,
            "day": cell.day,
            "status": cell.status,
            "severity": cell.severity,
            "rule": cell.rule,
            "incidents": count,
        }
        for cell, count in Counter(cells).items()
    ]
    await tx.upsert(incident_counts, rows, add=["incidents"])


def total(tx: Transaction, statuses: Collection[str], severities: Collection[int]) -> sa.Select[tuple[int]]:
    """The number of incidents, without touching one."""
    table = incident_counts.c
    select = sa.select(sa.func.coalesce(sa.func.sum(table.incidents), 0)).where(tx.mine(incident_counts))
    if statuses:
        select = select.where(table.status.in_(sorted(statuses)))
    if severities:
        select = select.where(table.severity.in_(sorted(severities)))
    return select
