"""Nodes and their protection."""

from typing import Annotated, Final

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from hullguard.access.billing.quota import protect
from hullguard.ctrl.call import Call
from hullguard.ctrl.listing import Searched, Short
from hullguard.model.identity import Permission
from hullguard.model.node import Node, NodeState
from hullguard.model.page import Page
from hullguard.storage.stores import NodeFilter, Nodes

Reason = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


class NodeQuery(Searched, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which nodes."""

    state: tuple[NodeState, ...] = ()
    protection: bool | None = None
    online: bool | None = None
    drift: bool | None = None
    cluster: Short | None = None


class Protection(Struct, frozen=True, forbid_unknown_fields=True):
    """Protection on or off, and why."""

    on: bool
    reason: Reason


class Removal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a node is removed."""

    reason: Reason


@get("/nodes", permission=Permission.NODES_READ)
async def list_nodes(call: NamedDependency[Call], filters: NamedDependency[NodeQuery]) -> Page[Node]:
    """The nodes, by name."""
    async with call.reading() as tx:
        return await Nodes(tx).page(filters.to(NodeFilter), filters.page())


@get("/nodes/{node:str}", permission=Permission.NODES_READ)
async def get_node(call: NamedDependency[Call], node: FromPath[str]) -> Node:
    """One node, with the reasons for its state."""
    async with call.reading() as tx:
        return await Nodes(tx).get(node)


@put("/nodes/{node:str}/protection", permission=Permission.NODES_WRITE, refusals=(409,))
async def set_protection(call: NamedDependency[Call], node: FromPath[str], data: JSONBody[Protection]) -> Node:
    """Switch a node's protection on or off.

    On takes one unit of the quota (409 `quota-exhausted` if none is left), off gives it back.
    """
    async with call.changing() as tx:
        after, changed = await protect(tx, node, on=data.on)
        if changed:
            action = "node.protect" if data.on else "node.unprotect"
            await call.record(tx, action, f"node:{node}", reason=data.reason)
            call.wake(tx, node, b"policy")
            call.announce(tx, "node", node)
    return after


@delete("/nodes/{node:str}", permission=Permission.NODES_WRITE)
async def remove_node(call: NamedDependency[Call], node: FromPath[str], filters: NamedDependency[Removal]) -> None:
    """Remove a node: its certificate is revoked and its quota unit given back."""
    async with call.changing() as tx:
        await Nodes(tx).remove(node)
        await call.record(tx, "node.remove", f"node:{node}", reason=filters.reason)
        call.wake(tx, node, b"removed")
        call.announce(tx, "node", node)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_nodes, get_node, set_protection, remove_node)
