"""From a row of ``nodes`` to a ``Node``, and the node's state as SQL for filters."""

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from hullguard.model.incident import IncidentStatus
from hullguard.model.node import Node, NodeState
from hullguard.model.policy import AppliedPolicies
from hullguard.storage import node_state
from hullguard.storage.dialect import EPOCH
from hullguard.storage.node_state import Signs
from hullguard.storage.tables import containers, image_nodes, incidents, nodes
from hullguard.storage.transaction import Row, Transaction

NEVER = EPOCH
"""Sorts a node that was never seen before all others."""

DRIFT = sa.or_(
    sa.and_(nodes.c.applied_hash.is_(None), nodes.c.protection),
    sa.and_(nodes.c.applied_hash.is_not(None), nodes.c.applied_hash != nodes.c.wanted_hash),
)
"""``node_state.drifts`` in SQL."""


def is_online(tx: Transaction) -> sa.ColumnElement[bool]:
    """``node_state.online`` in SQL."""
    return sa.and_(nodes.c.last_seen.is_not(None), nodes.c.last_seen >= tx.now - node_state.ONLINE)


def state(tx: Transaction) -> sa.ColumnElement[str]:
    """``node_state.judge`` in SQL."""
    return sa.case(
        (sa.not_(is_online(tx)), NodeState.OFFLINE.value),
        (sa.not_(nodes.c.protection), NodeState.UNPROTECTED.value),
        (sa.and_(nodes.c.sound, sa.not_(DRIFT)), NodeState.PROTECTED.value),
        else_=NodeState.DEGRADED.value,
    )


def signs(row: Row) -> Signs:
    """What the state depends on."""
    return Signs(
        protection=bool(row.protection),
        last_seen=row.last_seen,
        sensor=row.sensor,
        runtime_reachable=row.runtime_reachable,
        reasons=row.reasons or (),
        spool_dropped=row.spool_dropped,
        wanted=AppliedPolicies(row.wanted_revision, row.wanted_hash),
        applied=None if row.applied_hash is None else AppliedPolicies(row.applied_revision or 0, row.applied_hash),
    )


async def to_nodes(tx: Transaction, rows: Sequence[Row]) -> list[Node]:
    """The nodes with what is counted on each."""
    ids = [row.id for row in rows]
    placed = await count_by(tx, containers, containers.c.node, ids)
    held = await count_by(tx, image_nodes, image_nodes.c.node, ids)
    open_incidents = await count_open_incidents(tx, incidents.c.node, ids)
    return [_node(tx, row, placed.get(row.id, 0), held.get(row.id, 0), open_incidents.get(row.id, 0)) for row in rows]


def _node(tx: Transaction, row: Row, placed: int, held: int, open_incidents: int) -> Node:
    found = signs(row)
    judged, reasons = node_state.judge(found, tx.now)
    return Node(
        id=row.id,
        name=row.name,
        cluster=row.cluster,
        facts=row.facts,
        protection=found.protection,
        state=judged,
        online=node_state.online(row.last_seen, tx.now),
        reasons=reasons,
        agent_version=row.agent_version,
        sensor=row.sensor,
        enrolled=row.enrolled,
        last_seen=row.last_seen,
        wanted=found.wanted,
        applied=found.applied,
        drift=node_state.drifts(found),
        containers=placed,
        images=held,
        open_incidents=open_incidents,
        spool_dropped=row.spool_dropped,
    )


async def count_by(
    tx: Transaction,
    table: sa.Table,
    column: sa.Column[str],
    values: Collection[str],
    *conditions: sa.ColumnElement[bool],
) -> dict[str, int]:
    """How many rows of ``table`` have each of ``values`` in ``column``."""
    if not values:
        return {}
    select = (
        sa.select(column, sa.func.count())
        .where(tx.mine(table), column.in_(sorted(values)), *conditions)
        .group_by(column)
    )
    return {value: int(count) for value, count in await tx.all(select)}


async def count_open_incidents(tx: Transaction, column: sa.Column[str], values: Collection[str]) -> dict[str, int]:
    """The open incidents of each node or container."""
    return await count_by(tx, incidents, column, values, incidents.c.status == IncidentStatus.OPEN.value)
