"""What is asked of an image when the platform takes stock of it: the same wherever it lies, so that it is one image."""

from pathlib import Path
from typing import Any, Final

from hullguard.inventory.cache import LayerCache
from hullguard.inventory.reading import read
from hullguard.model.inventory import Inventory

_SCANNERS: Final = frozenset({"secret", "malware", "config"})


def take_stock(target: str, layers: Path, layers_bytes: int, **where: Any) -> Inventory:
    """The inventory of an image; ``layers`` keeps what is known of layers, so that one that images share is read once.

    ``where`` goes to ``reading.read``: how the image is reached, and for which platform.
    """
    cache = LayerCache(layers, layers_bytes)
    return read(target, cache=cache, scanners=_SCANNERS, loadables=True, licenses=True, **where)
