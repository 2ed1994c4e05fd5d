"""Which policies a node should run: worked out when a policy or a node's protection changes, read by everyone else.

A node without protection should run none: that is what switching protection off means on the node.
"""

import sqlalchemy as sa

from hullguard.model.policy import NodePolicies, Policy, policies_hash
from hullguard.storage.tables import counters, nodes, policies
from hullguard.storage.transaction import Row, Transaction

REVISION = "policy-revision"
EVERY_NODE = "*"


async def revision(tx: Transaction) -> int:
    """How often any policy of the tenant has changed."""
    select = sa.select(counters.c.value).where(tx.mine(counters), counters.c.name == REVISION)
    return int(await tx.scalar(select) or 0)


async def next_revision(tx: Transaction) -> int:
    """Count one more change."""
    await tx.upsert(counters, {"name": REVISION, "value": 1}, add=["value"])
    return await revision(tx)


def policy(row: Row) -> Policy:
    """From a row of ``policies``."""
    return Policy(
        row.id, row.version, row.revision, row.spec, row.changed_at, row.changed_by, row.comment, bool(row.built_in)
    )


async def enabled(tx: Transaction) -> list[Policy]:
    """The tenant's policies that are in force, youngest first: ids grow with time."""
    rows = await tx.all(sa.select(policies).where(tx.mine(policies)).order_by(policies.c.id.desc()))
    return [found for found in map(policy, rows) if found.spec.enabled]


def for_node(node: str | None, found: list[Policy]) -> tuple[Policy, ...]:
    """Those that can matter on ``node``, the winning ones first: by image, by this node, by every node.

    None is a node that no policy names. No id stands for it: a policy may name whatever text it likes, even none.
    """
    ranked = [(rank, each) for each in found if (rank := _rank(each, node)) is not None]
    return tuple(each for _, each in sorted(ranked, key=lambda pair: pair[0]))


def _rank(candidate: Policy, node: str | None) -> int | None:
    binding = candidate.spec.binding
    if binding.images:
        return 0
    if node in binding.nodes:
        return 1
    return 2 if EVERY_NODE in binding.nodes else None


async def node_policies(tx: Transaction, node: str, *, protection: bool) -> NodePolicies:
    """What ``node`` should run now."""
    chosen = for_node(node, await enabled(tx)) if protection else ()
    return NodePolicies(await revision(tx), policies_hash(chosen), chosen)


async def refresh_node(tx: Transaction, node: str, *, protection: bool) -> None:
    """Keep with the node what it should run."""
    wanted = await node_policies(tx, node, protection=protection)
    await tx.run(
        sa.update(nodes)
        .where(tx.tenants(nodes), nodes.c.id == node)
        .values(wanted_revision=wanted.revision, wanted_hash=wanted.hash)
    )


async def refresh_all(tx: Transaction) -> None:
    """The same for every node of the tenant. Nodes that no policy names differ in nothing: one statement serves all."""
    now, found = await revision(tx), await enabled(tx)
    bare, common = policies_hash(()), policies_hash(for_node(None, found))
    wanted = sa.case((nodes.c.protection, common), else_=bare)
    await tx.run(sa.update(nodes).where(tx.tenants(nodes)).values(wanted_revision=now, wanted_hash=wanted))
    naming: dict[str, tuple[str, ...]] = {}
    for each in found:
        for node in set(each.spec.binding.nodes) - {EVERY_NODE}:
            naming[node] = (*naming.get(node, ()), each.id)
    # Ten thousand nodes that the same policies name run the same: hashing that once keeps the writer's lock short.
    example = {by: node for node, by in naming.items()}
    hashes = {by: policies_hash(for_node(node, found)) for by, node in example.items()}
    statement = (
        sa.update(nodes)
        .where(tx.tenants(nodes), nodes.c.id == sa.bindparam("node"), nodes.c.protection)
        .values(wanted_hash=sa.bindparam("hash"))
    )
    await tx.run(statement, [{"node": node, "hash": hashes[naming[node]]} for node in sorted(naming)])
