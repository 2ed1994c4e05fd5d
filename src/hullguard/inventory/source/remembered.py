"""Images of an engine that were read before: the engine need not export again what the cache knows layer by layer."""

import msgspec
from msgspec import Struct

from hullguard.inventory.cache import UNREADABLE
from hullguard.inventory.layer import IndexedLayer, LayerIndex
from hullguard.inventory.source.image import Described, describe
from hullguard.inventory.source.reader import LayerReader
from hullguard.model.decoding import from_msgpack
from hullguard.model.errors import Invalid

_SIGNATURE = "image"


class _Image(Struct):
    config: bytes
    layers: list[tuple[str, str, int]]
    """Diff id, stored digest and size, as they were computed when the image was read."""


def remember(identity: str, config: bytes, layers: list[IndexedLayer], reader: LayerReader) -> None:
    """Keeps what is needed to answer again for an image whose layers are all in the cache."""
    if reader.cache is not None:
        image = _Image(config, [(layer.diff_id, layer.digest, layer.size) for layer in layers])
        reader.cache.put(identity, _SIGNATURE, LayerIndex(note=msgspec.msgpack.encode(image)))


def recall(identity: str, reader: LayerReader) -> tuple[Described, list[IndexedLayer]] | None:
    """The image and its layers; None when anything of it is not in the cache.

    The identity is the digest that the engine keeps the image under, so the same identity is the same image.
    """
    if reader.cache is None or (stored := reader.cache.get(identity, _SIGNATURE)) is None:
        return None
    try:
        image = from_msgpack(stored.note, _Image)
        described = describe(image.config, [(diff_id, None) for diff_id, _, _ in image.layers], len(image.layers))
    except (*UNREADABLE, Invalid):
        return None
    layers = []
    for diff_id, digest, size in image.layers:
        index = reader.cache.get(diff_id, reader.signature)
        if index is None:
            return None
        layers.append(IndexedLayer(index, diff_id, digest, size))
    return described, layers
