"""Node units: protecting a node takes one, no longer protecting it gives it back."""

from hullguard.model.node import Node
from hullguard.storage import Transaction
from hullguard.storage.stores import Nodes


async def protect(tx: Transaction, node: str, *, on: bool) -> tuple[Node, bool]:
    """Switch protection; the node as it is then, and whether that changed anything.

    Raises ``QuotaExhausted`` when no unit is left and ``NotFound`` for an unknown node.
    """
    before = await Nodes(tx).get(node)
    if before.protection == on:
        return before, False
    return await Nodes(tx).protect(node, on=on), True
