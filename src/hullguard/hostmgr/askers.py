"""Which nodes are asked for an image's inventory.

An image that is rolled out to ten thousand nodes is missing on all of them at once, and one inventory is enough. A few
nodes are asked, in case one of them dies over it; the others are asked later if it is still missing then.

What is stored and was made by an older reader is asked for again in the same way, but of one node, a few at a time.
"""

import random
from collections.abc import Sequence

import msgspec

from hullguard.cache import Cache

NODES = 3
SECONDS = 300.0
AGAIN_AT_ONCE = 4
"""Images that one node is asked for again before it has answered."""
_LOOKED_AT = 64
"""Images among which those few are chosen, at random: other nodes have the same ones, and are asked for others."""
_UNREADABLE_SECONDS = 24 * 3600.0
"""What a node could not read again it is not asked for so long: the inventory that is stored still stands."""

_DECODER = msgspec.msgpack.Decoder(list[str])


async def choose(cache: Cache, tenant: str, node: str, image_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of the images that this node is to be asked for now.

    Two replicas may choose at the same moment, and a cache that fails lets everyone be asked: that costs time only.
    """
    chosen = []
    for image in image_ids:
        key = f"inventory-askers:{tenant}:{image}"
        kept = await cache.get(key)
        nodes = [] if kept is None else _DECODER.decode(kept)
        if node not in nodes:
            if len(nodes) >= NODES:
                continue
            await cache.set(key, msgspec.msgpack.encode([*nodes, node]), SECONDS)
        chosen.append(image)
    return tuple(chosen)


async def choose_again(cache: Cache, tenant: str, node: str, image_ids: Sequence[str]) -> tuple[str, ...]:
    """Those of the images, which are stored, that this node is to read again now."""
    chosen: list[str] = []
    for image in random.sample(image_ids, min(len(image_ids), _LOOKED_AT)):
        if len(chosen) >= AGAIN_AT_ONCE:
            break
        key = f"inventory-again:{tenant}:{image}"
        if await cache.get(key) not in {None, node.encode()}:
            continue
        if await cache.get(_unreadable(tenant, node, image)) is not None:
            continue
        await cache.set(key, node.encode(), SECONDS)
        chosen.append(image)
    return tuple(chosen)


async def could_not_read(cache: Cache, tenant: str, node: str, image: str) -> None:
    """The node was asked again, and can read nothing of the image."""
    await cache.set(_unreadable(tenant, node, image), b"1", _UNREADABLE_SECONDS)


def _unreadable(tenant: str, node: str, image: str) -> str:
    return f"inventory-unreadable:{tenant}:{image}:{node}"
