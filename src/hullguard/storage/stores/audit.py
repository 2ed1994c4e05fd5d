"""The rows of the audit. What they mean, and how they are chained, is the business of ``hullguard.audit``."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.audit import AuditRecord
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.tables import audit_heads, audit_records
from hullguard.storage.transaction import Row, Transaction

BATCH = 1000
"""Records that are in memory at once while the chain is walked."""


class AuditFilter(Struct, frozen=True):
    """Which records; ``subject`` is ``policy:ID``, ``since`` is included, ``until`` is not."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Head(Struct, frozen=True):
    """The last link: by it a missing end is noticed."""

    sequence: int
    hash: str


class Unreadable(Struct, frozen=True):
    """A row that is no record any more."""

    sequence: int


_LISTING = Listing(
    key=audit_records.c.sequence,
    sorts={"sequence": audit_records.c.sequence},
    default="-sequence",
    search=(audit_records.c.actor, audit_records.c.action, audit_records.c.subject, audit_records.c.reason),
)


class Audit:
    """The audit of a tenant. Rows are added; nothing here changes or removes one."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def append(self, record: AuditRecord) -> None:
        """Add the next link. ``hullguard.audit.record`` is the only caller."""
        await self._tx.insert(
            audit_records,
            {
                "sequence": record.sequence,
                "at": record.at,
                "actor": record.actor,
                "action": record.action,
                "subject": record.subject,
                "outcome": record.outcome,
                "reason": record.reason,
                "source": record.source,
                "details": msgspec.json.encode(record.details).decode(),
                "previous": record.previous,
                "hash": record.hash,
            },
        )
        head = {"sequence": record.sequence, "hash": record.hash}
        await self._tx.upsert(audit_heads, head, update=["sequence", "hash"])

    async def head(self) -> Head | None:
        """The last link as it was noted when it was added; None before the first."""
        row = await self._tx.first(sa.select(audit_heads).where(self._tx.mine(audit_heads)))
        return None if row is None else Head(row.sequence, row.hash)

    async def page(self, wanted: AuditFilter, request: PageRequest) -> Page[AuditRecord]:
        """A page of records, newest first."""
        table = audit_records.c
        where = [self._tx.mine(audit_records)]
        for name in ("actor", "action", "subject", "outcome"):
            value = getattr(wanted, name)
            where += [] if value is None else [table[name] == value]
        where += [] if wanted.since is None else [table.at >= wanted.since]
        where += [] if wanted.until is None else [table.at < wanted.until]
        found = await fetch(self._tx, sa.select(audit_records).where(*where), _LISTING, request)
        return Page([_record(row) for row in found.rows], found.total, found.cursor)

    async def walk(self) -> AsyncIterator[AuditRecord | Unreadable]:
        """Every record from the first to the last, a batch at a time."""
        last: int | None = None
        while True:
            select = sa.select(audit_records).where(self._tx.mine(audit_records))
            if last is not None:
                select = select.where(audit_records.c.sequence > last)
            rows = await self._tx.all(select.order_by(audit_records.c.sequence).limit(BATCH))
            for row in rows:
                yield _checked(row)
            if len(rows) < BATCH:
                return
            last = rows[-1].sequence


def _record(row: Row) -> AuditRecord:
    return AuditRecord(
        sequence=row.sequence,
        at=row.at,
        actor=row.actor,
        action=row.action,
        subject=row.subject,
        outcome=row.outcome,
        reason=row.reason,
        source=row.source,
        details=msgspec.json.decode(row.details, type=dict[str, str]),
        previous=row.previous,
        hash=row.hash,
    )


def _checked(row: Row) -> AuditRecord | Unreadable:
    try:
        return _record(row)
    except msgspec.MsgspecError:
        return Unreadable(row.sequence)
