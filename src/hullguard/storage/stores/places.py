"""Where a node stands: what every row about a node repeats, so that a scope of clusters can filter it."""

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import NotFound
from hullguard.storage.tables import nodes
from hullguard.storage.transaction import Transaction


class Place(Struct, frozen=True):
    """A node's name and cluster."""

    name: str
    cluster: str


async def place_of(tx: Transaction, node: str) -> Place:
    """Raises ``NotFound`` for a node that was removed or is another scope's."""
    row = await tx.first(sa.select(nodes.c.name, nodes.c.cluster).where(tx.mine(nodes), nodes.c.id == node))
    if row is None:
        raise NotFound(f"there is no node {node[:64]}", "node.not-found")
    return Place(row.name, row.cluster)


async def cluster_of(tx: Transaction, node: str) -> str:
    """The cluster alone."""
    return (await place_of(tx, node)).cluster
