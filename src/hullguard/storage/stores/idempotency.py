"""Remembers what a request with an ``Idempotency-Key`` made, so that sending it again makes nothing new."""

from datetime import timedelta

import sqlalchemy as sa

from hullguard.model.errors import Conflict, Invalid
from hullguard.storage.tables import idempotency
from hullguard.storage.transaction import Transaction

KEPT = timedelta(hours=24)
KEY_MAX = 255


class Idempotency:
    """(actor, key) -> what came of it."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def find(self, actor: str, key: str, digest: str) -> str | None:
        """The subject of the first request; ``digest`` is the SHA-256 of this request's content."""
        if not 0 < len(key) <= KEY_MAX:
            raise Invalid(f"an Idempotency-Key has 1 to {KEY_MAX} characters", field="Idempotency-Key")
        table = idempotency.c
        select = sa.select(idempotency).where(self._tx.mine(idempotency), table.actor == actor, table.key == key)
        row = await self._tx.first(select.where(table.created > self._tx.now - KEPT))
        if row is None:
            return None
        if row.digest != digest:
            raise Conflict(
                "this Idempotency-Key was used for a different request; use a new key for each request",
                "idempotency.reused",
            )
        return str(row.subject)

    async def remember(self, actor: str, key: str, digest: str, subject: str) -> None:
        """Keep for a day what the request made; in the same transaction as that."""
        row = {"actor": actor, "key": key, "digest": digest, "subject": subject, "created": self._tx.now}
        await self._tx.upsert(idempotency, row, update=["digest", "subject", "created"])
