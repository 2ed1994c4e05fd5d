"""How far an agent's messages were taken in: what makes sending twice harmless."""

from collections.abc import Sequence

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
        return sequence in await self.accept_all(node, boot, [sequence])

    async def accept_all(self, node: str, boot: str, sequences: Sequence[int]) -> frozenset[int]:
        """``accept`` for a run of growing numbers, in two statements; those that are new."""
        if any(not 0 < sequence <= INTEGER_MAX for sequence in sequences):
            raise Invalid(f"a sequence number is 1 to {INTEGER_MAX}", "wire.sequence", field="sequence")
        row = await self._row(node, boot)
        before = 0 if row is None else int(row.sequence)
        new = frozenset(sequence for sequence in sequences if sequence > before)
        if new:
            last = max(new)
            # Where nothing came before, numbering begins wherever the agent begins; it is no gap.
            start = min(new) - 1 if row is None else before
            missed = (0 if row is None else row.missed) + last - start - len(new)
            values = {"node": node, "boot": boot, "sequence": last, "missed": missed, "at": self._tx.now}
            await self._tx.upsert(progress, values, update=["sequence", "missed", "at"])
        return new

    async def last(self, node: str, boot: str) -> int:
        """The highest number taken in; 0 if none."""
        row = await self._row(node, boot)
        return 0 if row is None else int(row.sequence)

    async def missed(self, node: str) -> int:
        """How many messages of the node's agent never arrived."""
        select = sa.select(progress.c.missed).where(self._tx.mine(progress), progress.c.node == node)
        # Not summed in SQL: two boots of a hostile agent can miss more than a column holds.
        return sum(row.missed for row in await self._tx.all(select))

    async def _row(self, node: str, boot: str) -> Row | None:
        return await self._tx.first(
            sa.select(progress).where(self._tx.mine(progress), progress.c.node == node, progress.c.boot == boot)
        )
