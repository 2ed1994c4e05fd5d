"""What goes when a node goes."""

import sqlalchemy as sa

from hullguard.storage.stores.certificates import Certificates
from hullguard.storage.stores.commands import Commands
from hullguard.storage.stores.image_places import leave
from hullguard.storage.stores.quotas import Quotas
from hullguard.storage.tables import containers, nodes, progress
from hullguard.storage.transaction import Transaction


async def forget_node(tx: Transaction, node: str) -> None:
    """Remove the node's rows, give its unit back, cancel what it should still do, and let its agent in no more."""
    await leave(tx, node)
    await Commands(tx).cancel_for_node(node)
    await Certificates(tx).revoke(node)
    await Quotas(tx).give_back(node)
    for table, column in ((containers, containers.c.node), (progress, progress.c.node), (nodes, nodes.c.id)):
        await tx.run(sa.delete(table).where(tx.mine(table), column == node))
