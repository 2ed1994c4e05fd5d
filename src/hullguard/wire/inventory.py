"""An image's inventory in slices: it is the one message that may be larger than a frame."""

import msgspec
import zstandard

from hullguard.model.decoding import wrong
from hullguard.model.errors import LimitReached
from hullguard.model.inventory import Inventory
from hullguard.wire import limits
from hullguard.wire.codec import decompress
from hullguard.wire.messages import InventoryPart
from hullguard.wire.violation import Code, Violation

LAYER_BYTES = 1 << 50
"""No layer is larger; the sum of as many as an inventory has can still be kept."""

_DECODER = msgspec.msgpack.Decoder(Inventory)


def split(image_id: str, inventory: Inventory) -> list[InventoryPart]:
    """The slices, in the order in which they must be sent. Blocking: call it in a thread."""
    plain = msgspec.msgpack.encode(inventory)
    _bound(image_id, len(plain), limits.INVENTORY_BYTES)
    packed = zstandard.ZstdCompressor(level=3).compress(plain)
    _bound(image_id, len(packed), limits.INVENTORY_COMPRESSED_BYTES)
    slices = [packed[at : at + limits.PART_BYTES] for at in range(0, len(packed), limits.PART_BYTES)]
    return [InventoryPart(image_id, number, len(slices), data) for number, data in enumerate(slices)]


def _bound(image_id: str, size: int, most: int) -> None:
    if size > most:
        sentence = f"the inventory of {image_id} is {size} bytes, over the bound of {most}; it cannot be reported"
        raise LimitReached(sentence, Code.MESSAGE_TOO_LARGE)


class Assembly:
    """Collects the slices of one session: one image at a time, so that its memory is bounded by one inventory."""

    def __init__(self) -> None:
        self._image_id = ""
        self._slices: list[bytes] = []

    def add(self, part: InventoryPart) -> bytes | None:
        """The whole compressed inventory after its last slice, else ``None``."""
        if part.part == 0:
            # A first slice always begins anew: the agent may have restarted the image after a fault of its own.
            self._image_id, self._slices = part.image_id, []
        if part.image_id != self._image_id or part.part != len(self._slices) or part.part >= part.parts:
            self._slices = []
            raise Violation(
                Code.OUT_OF_ORDER,
                f"slice {part.part} of {part.parts} of {part.image_id} does not follow the last one",
            )
        self._slices.append(part.data)
        if len(self._slices) < part.parts:
            return None
        packed = b"".join(self._slices)
        self._image_id, self._slices = "", []
        return packed


def unpack(packed: bytes) -> Inventory:
    """The inventory that ``split`` packed. Blocking for large ones: call it in a thread."""
    return weighed(packed)[0]


def weighed(packed: bytes) -> tuple[Inventory, int]:
    """The same with its unpacked size: what it takes in memory has nothing to do with what went over the wire."""
    try:
        plain = decompress(packed, limits.INVENTORY_BYTES)
        inventory = _DECODER.decode(plain)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as cause:
        raise Violation(Code.MESSAGE_MALFORMED, f"an inventory does not have its form: {wrong(cause)}") from cause
    if (odd := odd_size(inventory)) is not None:
        raise Violation(Code.MESSAGE_MALFORMED, f"an inventory has a layer of {inventory.layers[odd].size} bytes")
    return inventory, len(plain)


def odd_size(inventory: Inventory) -> int | None:
    """Which layer is of a size that none can have."""
    odd = (at for at, layer in enumerate(inventory.layers) if not 0 <= layer.size <= LAYER_BYTES)
    return next(odd, None)
