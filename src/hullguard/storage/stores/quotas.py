"""Node units: a ledger of which node holds one, so that what is used can always be accounted for."""

import sqlalchemy as sa

from hullguard.model.errors import Conflict, Invalid, QuotaExhausted
from hullguard.model.identity import Quota
from hullguard.storage.tables import quota_units, quotas
from hullguard.storage.transaction import Transaction

DEFAULT_TOTAL = 10
TOTAL_MAX = 1_000_000


class Quotas:
    """How many nodes of the tenant may be protected, and how many are."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self) -> Quota:
        """Total and used."""
        total = await self._tx.scalar(sa.select(quotas.c.total).where(self._tx.mine(quotas)))
        used = await self._tx.scalar(
            sa.select(sa.func.count()).select_from(quota_units).where(self._tx.mine(quota_units))
        )
        return Quota(DEFAULT_TOTAL if total is None else int(total), int(used or 0))

    async def set_total(self, total: int) -> Quota:
        """Change the total; never below what is used, since nobody could say which node loses its protection."""
        if not 0 <= total <= TOTAL_MAX:
            raise Invalid(f"a quota of {total} units is not possible; use 0 to {TOTAL_MAX}", field="total")
        used = (await self.get()).used
        if total < used:
            raise Conflict(
                f"{used} units are in use, so the quota cannot be {total}; switch protection off for some nodes first",
                "quota.below-used",
                used=used,
            )
        await self._tx.upsert(quotas, {"total": total}, update=["total"])
        return Quota(total, used)

    async def take(self, node: str) -> None:
        """Give ``node`` a unit; nothing happens if it has one."""
        if await self._holds(node):
            return
        quota = await self.get()
        if quota.used >= quota.total:
            raise QuotaExhausted(
                f"all {quota.total} node units are in use; raise the quota or switch protection off for another node",
                "quota-exhausted",
                total=quota.total,
            )
        await self._tx.insert(quota_units, {"node": node, "taken": self._tx.now})

    async def give_back(self, node: str) -> None:
        """Take the unit back, if there is one."""
        await self._tx.run(sa.delete(quota_units).where(self._tx.mine(quota_units), quota_units.c.node == node))

    async def _holds(self, node: str) -> bool:
        select = sa.select(quota_units.c.node).where(self._tx.mine(quota_units), quota_units.c.node == node)
        return await self._tx.first(select) is not None
