"""What time brings about: old rows lose their use."""

from hullguard import audit
from hullguard.storage import retention
from hullguard.storage.stores import Audit, Exceptions
from hullguard.worker.context import Context


class Sweep:
    """Remove what is past its use: ended sessions, old idempotency keys, finished jobs."""

    kind = "sweep"
    every_seconds = 3600
    lease_seconds = 300.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.transaction(context.scope) as tx:
            await retention.sweep(tx)


class LapseExceptions:
    """Have findings count again whose exceptions are over."""

    kind = "lapse-exceptions"
    every_seconds = 30
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.reading(context.scope) as tx:
            if not await Exceptions(tx).due():
                return
        async with context.storage.transaction(context.scope) as tx:
            over = await Exceptions(tx).lapse()
            for each in over:
                ids = ", ".join(each.spec.vulnerabilities)[:500]
                details = {"vulnerabilities": ids, "expires": str(each.spec.expires), "reason": each.spec.reason}
                await audit.record(tx, "system", "exception.expire", f"exception:{each.id}", details=details)
        for each in over:
            await context.announce("exception", each.id)


class AnchorAudit:
    """Note the end of the audit outside the database, so that cutting off or rewriting its end shows."""

    kind = "anchor-audit"
    every_seconds = 3600
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        known = audit.read_anchors(context.anchors)
        async with context.storage.reading(context.scope) as tx:
            head = await Audit(tx).head()
            if head is None or (known and known[-1].sequence == head.sequence):
                return  # nothing happened since: the file grows with the audit, not with time
            await audit.write_anchor(tx, context.anchors)
