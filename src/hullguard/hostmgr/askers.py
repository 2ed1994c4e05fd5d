"""Which nodes are asked for an image's inventory.

An image that is rolled out to ten thousand nodes is missing on all of them at once, and one inventory is enough. A few
nodes are asked, in case one of them dies over it; the others are asked later if it is still missing then.
"""

from collections.abc import Sequence

import msgspec

from hullguard.cache import Cache

NODES = 3
SECONDS = 300.0

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
