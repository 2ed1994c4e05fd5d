"""How far an agent's messages were taken in: what makes sending twice harmless."""

import sqlalchemy as sa

from hullguard.model.errors import Invalid
from hullguard.storage.paging import INTEGER_MAX
from hullguard.storage.tables import progress
from hullguard.storage.transaction import Row, Transaction


class Progress:
    """The highest sequence number taken in, per node and boot of its agent."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def accept(self, node: str, boot: str, sequence: int) -> bool:
        """Whether this message is new; then it counts as taken in once the transaction is committed.

        One connection delivers in order, so a gap means that the agent dropped records for want of disk space, or that
        this database was restored from a backup. Neither may stop the agent for ever: the gap is counted as ``missed``.
        """
        if not 0 < sequence <= INTEGER_MAX:
            raise Invalid(f"a sequence number cannot be {sequence}", "wire.sequence", field="sequence")
        row = await self._row(node, boot)
        if row is not None and sequence <= row.sequence:
            return False
        missed = 0 if row is None else row.missed + sequence - row.sequence - 1
        values = {"node": node, "boot": boot, "sequence": sequence, "missed": missed, "at": self._tx.now}
        await self._tx.upsert(progress, values, update=["sequence", "missed", "at"])
        return True

    async def last(self, node: str, boot: str) -> int:
        """The highest number taken in; 0 if none."""
        row = await self._row(node, boot)
        return 0 if row is None else int(row.sequence)

    async def missed(self, node: str) -> int:
        """How many messages of the node's agent never arrived."""
        select = sa.select(sa.func.sum(progress.c.missed)).where(self._tx.mine(progress), progress.c.node == node)
        return int(await self._tx.scalar(select) or 0)

    async def _row(self, node: str, boot: str) -> Row | None:
        return await self._tx.first(
            sa.select(progress).where(self._tx.mine(progress), progress.c.node == node, progress.c.boot == boot)
        )
