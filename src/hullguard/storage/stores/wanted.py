"""Which policies a node should run: worked out when a policy or a node's protection changes, read by everyone else.

A node without protection should run none: that is what switching protection off means on the node.
"""

import msgspec
import sqlalchemy as sa
import zstandard

from hullguard.model.errors import Conflict
from hullguard.model.policy import NodePolicies, Policy, policies_hash
from hullguard.model.profile import Behaviour, Entry, Profile, ProfileState
from hullguard.model.rollout import Rollout
from hullguard.storage.tables import counters, nodes, policies, profile_entries, profiles
from hullguard.storage.transaction import Row, Transaction

REVISION = "policy-revision"
EVERY_NODE = "*"
TOGETHER_MAX, TOGETHER_PACKED_MAX = 3_500_000, 950_000
"""All enabled policies go to an agent in one message (``wire.limits``): with more, no agent could have any."""


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
    learned = await profiles_in_use(tx) if protection else ()
    return NodePolicies(await revision(tx), policies_hash(chosen, learned), chosen, learned)


async def profiles_in_use(tx: Transaction) -> tuple[Profile, ...]:
    """Those that agents learn, and those that they judge by."""
    using = (ProfileState.LEARNING, ProfileState.MONITOR, ProfileState.PROTECT)
    rows = await tx.all(
        sa.select(profiles)
        .where(tx.mine(profiles), profiles.c.state.in_([state.value for state in using]))
        .order_by(profiles.c.id)
    )
    judged = [row.id for row in rows if row.state != ProfileState.LEARNING]
    entries: dict[str, list[Entry]] = {}
    table = profile_entries.c
    select = sa.select(profile_entries).where(tx.mine(profile_entries), table.profile.in_(judged))
    for row in await tx.all(select.order_by(table.profile, table.what, table.id)) if judged else ():
        entry = Entry(Behaviour(row.deed), row.what, int(row.seen), bool(row.accepted))
        entries.setdefault(row.profile, []).append(entry)
    return tuple(
        # What is counted while it is learned must not change what agents confirm.
        Profile(row.id, row.repository, ProfileState(row.state), int(row.generation))
        if row.state == ProfileState.LEARNING
        else Profile(
            row.id,
            row.repository,
            ProfileState(row.state),
            int(row.generation),
            int(row.containers),
            tuple(entries.get(row.id, ())),
            int(row.version),
            row.rollout or Rollout(),
        )
        for row in rows
    )


async def check_room(tx: Transaction) -> None:
    """Raises ``Conflict`` if all that agents must be given is more than one message can hold."""
    together = msgspec.msgpack.encode((await enabled(tx), await profiles_in_use(tx)))
    if len(together) > TOGETHER_MAX or len(zstandard.compress(together)) > TOGETHER_PACKED_MAX:
        raise Conflict(
            f"with this one all enabled policies and profiles are {len(together)} bytes, more than agents can be sent; "
            "name fewer nodes or paths, or disable policies that nobody needs",
            "policy.too-much",
            size=len(together),
        )


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
    learned = await profiles_in_use(tx)
    bare, common = policies_hash(()), policies_hash(for_node(None, found), learned)
    wanted = sa.case((nodes.c.protection, common), else_=bare)
    await tx.run(sa.update(nodes).where(tx.tenants(nodes)).values(wanted_revision=now, wanted_hash=wanted))
    naming: dict[str, tuple[str, ...]] = {}
    for each in found:
        for node in set(each.spec.binding.nodes) - {EVERY_NODE}:
            naming[node] = (*naming.get(node, ()), each.id)
    # Ten thousand nodes that the same policies name run the same: hashing that once keeps the writer's lock short.
    example = {by: node for node, by in naming.items()}
    hashes = {by: policies_hash(for_node(node, found), learned) for by, node in example.items()}
    statement = (
        sa.update(nodes)
        .where(tx.tenants(nodes), nodes.c.id == sa.bindparam("node"), nodes.c.protection)
        .values(wanted_hash=sa.bindparam("hash"))
    )
    await tx.run(statement, [{"node": node, "hash": hashes[naming[node]]} for node in sorted(naming)])
