"""Who did what."""

from typing import Final

from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from hullguard import audit
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Instant, Searched, Short
from hullguard.model.audit import AuditRecord
from hullguard.model.identity import Permission
from hullguard.model.page import Page
from hullguard.storage.stores import Audit, AuditFilter


class AuditQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which records."""

    actor: Short | None = None
    action: Short | None = None
    subject: Short | None = None
    outcome: Short | None = None
    since: Instant | None = None
    until: Instant | None = None


class ChainState(Struct, frozen=True):
    """Whether the chain of records is whole; if not, where it breaks first."""

    ok: bool
    records: int
    broken_at: int | None


@get("/audit", permission=Permission.AUDIT_READ)
async def list_audit_records(call: NamedDependency[Call], filters: NamedDependency[AuditQuery]) -> Page[AuditRecord]:
    """The audit, newest first."""
    async with call.reading() as tx:
        return await Audit(tx).page(filters.to(AuditFilter), filters.page())


@get("/audit/verification", permission=Permission.AUDIT_READ)
async def verify_audit(call: NamedDependency[Call]) -> ChainState:
    """Recompute the hash chain over the whole audit."""
    async with call.reading() as tx:
        found = await audit.verify(tx)
    return ChainState(found.ok, found.records, found.broken_at)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_audit_records, verify_audit)
