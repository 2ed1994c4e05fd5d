"""Nodes, as agents report them and as people switch their protection."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.node import Heartbeat, HostFacts, Node, NodeState
from hullguard.model.page import Page
from hullguard.storage import node_state
from hullguard.storage.paging import INTEGER_MAX, Listing, PageRequest, any_of, fetch
from hullguard.storage.stores import node_rows, wanted
from hullguard.storage.stores.certificates import Certificates, NodeIdentity
from hullguard.storage.stores.quotas import Quotas
from hullguard.storage.stores.removal import forget_node
from hullguard.storage.tables import nodes
from hullguard.storage.transaction import Row, Transaction

COALESCE = timedelta(seconds=20)
"""``last_seen`` is written at most this often: the cost in SQL must not grow with the heartbeat rate."""


class NodeFilter(Struct, frozen=True):
    """Which nodes; a field of None, or empty, filters nothing."""

    state: frozenset[NodeState] = frozenset()
    protection: bool | None = None
    online: bool | None = None
    drift: bool | None = None
    cluster: str | None = None


_LISTING = Listing(
    key=nodes.c.id,
    sorts={
        "name": nodes.c.name,
        "cluster": nodes.c.cluster,
        "enrolled": nodes.c.enrolled,
        "last_seen": sa.func.coalesce(nodes.c.last_seen, sa.literal(node_rows.NEVER, nodes.c.last_seen.type)),
    },
    default="name",
    search=(nodes.c.name, nodes.c.id, nodes.c.cluster),
)


class Nodes:
    """The nodes of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def enrol(
        self, node_id: str, cluster: str, facts: HostFacts, certificate_fingerprint: str, expires: datetime
    ) -> None:
        """A new node, without protection until it gets a quota unit (``protect``), and its first certificate."""
        if await self._tx.first(sa.select(nodes.c.id).where(self._tx.tenants(nodes), nodes.c.id == node_id)):
            raise Conflict(f"node {node_id} is enrolled already", "node.enrolled")
        await self._tx.insert(
            nodes,
            {
                "id": node_id,
                "cluster": cluster,
                "name": facts.hostname,
                "facts": facts,
                "protection": False,
                "enrolled": self._tx.now,
            },
        )
        await wanted.refresh_node(self._tx, node_id, protection=False)
        await Certificates(self._tx).issued(node_id, certificate_fingerprint, expires)

    async def renewed(self, node: str, fingerprint: str, expires: datetime) -> None:
        """A further certificate. The one before stays valid: the agent may die before it has kept the new one."""
        await self._row(node)
        await Certificates(self._tx).issued(node, fingerprint, expires)

    async def by_certificate(self, fingerprint: str) -> NodeIdentity | None:
        """Whose certificate this is, in whatever tenant; None if unknown, expired or revoked."""
        return await Certificates(self._tx).find(fingerprint)

    async def heartbeat(self, node: str, heartbeat: Heartbeat, at: datetime) -> bool:
        """Keep what the agent says about itself; whether the node's state, or a reason for it, changed.

        Nothing is written when nothing changed and the node was seen a moment ago.
        """
        row = await self._row(node)
        values = _heartbeat_values(heartbeat)
        seen = max(at, row.last_seen or at)
        if _differs(row, values) or row.last_seen is None or at - row.last_seen >= COALESCE:
            await self._update(node, **values, last_seen=seen)
        before = node_state.judge(node_rows.signs(row), at)
        after = node_state.judge(node_rows.signs(await self._row(node)), at)
        return before != after

    async def seen(self, node: str, at: datetime) -> None:
        """The agent is there."""
        await self.seen_many([node], at)

    async def seen_many(self, ids: Iterable[str], at: datetime) -> None:
        """The agents of all these nodes are there: one statement for a whole replica."""
        statement = (
            sa.update(nodes)
            .where(
                self._tx.mine(nodes),
                nodes.c.id == sa.bindparam("node"),
                sa.or_(nodes.c.last_seen.is_(None), nodes.c.last_seen <= at - COALESCE),
            )
            .values(last_seen=at)
        )
        await self._tx.run(statement, [{"node": node} for node in ids])

    async def turned_offline(self, since: datetime) -> list[str]:
        """The nodes that became offline between ``since`` and now: nothing else notices silence."""
        select = sa.select(nodes.c.id).where(
            self._tx.mine(nodes),
            nodes.c.last_seen >= since - node_state.ONLINE,
            nodes.c.last_seen < self._tx.now - node_state.ONLINE,
        )
        return [row.id for row in await self._tx.all(select)]

    async def facts(self, node: str, facts: HostFacts) -> None:
        """What the agent says about its host."""
        await self._row(node)
        await self._update(node, facts=facts, name=facts.hostname[:255])

    async def protect(self, node: str, *, on: bool) -> Node:
        """Switch protection on, which takes a quota unit, or off, which gives it back."""
        await self._row(node)
        if on:
            await Quotas(self._tx).take(node)
        else:
            await Quotas(self._tx).give_back(node)
        await self._update(node, protection=on)
        await wanted.refresh_node(self._tx, node, protection=on)
        return await self.get(node)

    async def remove(self, node: str) -> None:
        """Forget the node and what lies on it; its certificates are revoked, its incidents stay."""
        await self._row(node)
        await forget_node(self._tx, node)

    async def get(self, node: str) -> Node:
        """One node."""
        return (await node_rows.to_nodes(self._tx, [await self._row(node)]))[0]

    async def protected(self, node: str) -> bool:
        """Whether its protection is on, without what ``get`` counts: asked for at every connection of an agent."""
        return bool((await self._row(node)).protection)

    async def page(self, wanted_nodes: NodeFilter, request: PageRequest) -> Page[Node]:
        """A page of nodes."""
        tx = self._tx
        conditions = [tx.mine(nodes), *any_of(node_rows.state(tx), {s.value for s in wanted_nodes.state}, tx)]
        if wanted_nodes.protection is not None:
            conditions.append(nodes.c.protection == wanted_nodes.protection)
        if wanted_nodes.online is not None:
            online = node_rows.is_online(tx)
            conditions.append(online if wanted_nodes.online else sa.not_(online))
        if wanted_nodes.drift is not None:
            conditions.append(node_rows.DRIFT if wanted_nodes.drift else sa.not_(node_rows.DRIFT))
        if wanted_nodes.cluster is not None:
            conditions.append(nodes.c.cluster == wanted_nodes.cluster)
        found = await fetch(tx, sa.select(nodes).where(*conditions), _LISTING, request)
        return Page(await node_rows.to_nodes(tx, found.rows), found.total, found.cursor)

    async def _row(self, node: str) -> Row:
        row = await self._tx.first(sa.select(nodes).where(self._tx.mine(nodes), nodes.c.id == node))
        if row is None:
            raise NotFound(f"there is no node {node[:64]}", "node.not-found")
        return row

    async def _update(self, node: str, **values: Any) -> None:
        await self._tx.run(sa.update(nodes).where(self._tx.mine(nodes), nodes.c.id == node).values(**values))


def _heartbeat_values(heartbeat: Heartbeat) -> dict[str, Any]:
    dropped = min(sum(max(0, count) for count in heartbeat.spool_dropped.values()), INTEGER_MAX)
    applied = heartbeat.applied
    values = {
        "agent_version": heartbeat.agent_version[:64],
        "sensor": heartbeat.sensor,
        "runtime_reachable": heartbeat.runtime_reachable,
        "reasons": heartbeat.reasons,
        "spool_records": min(max(0, heartbeat.spool_records), INTEGER_MAX),
        "spool_dropped": dropped,
        "applied_revision": None if applied is None else min(max(0, applied.revision), INTEGER_MAX),
        "applied_hash": None if applied is None else applied.hash[:64],
    }
    healthy = node_state.health_reasons(
        node_state.Signs(
            protection=True,
            last_seen=None,
            sensor=heartbeat.sensor,
            runtime_reachable=heartbeat.runtime_reachable,
            reasons=heartbeat.reasons,
            spool_dropped=dropped,
            wanted=None,
            applied=applied,
        )
    )
    return {**values, "sound": not healthy}


def _differs(row: Row, values: dict[str, Any]) -> bool:
    # The spool's fill level moves all the time and decides nothing: it is kept when something else is.
    return any(getattr(row, name) != value for name, value in values.items() if name != "spool_records")
