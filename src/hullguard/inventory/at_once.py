"""The layers of one image that is read by position, several of them at once."""

import os
import threading
from collections.abc import Sequence

from hullguard.inventory.layer import IndexedLayer
from hullguard.inventory.processes import spread
from hullguard.inventory.source.blobs import LayerBlob, PlacedBlobs
from hullguard.inventory.source.reader import LayerReader
from hullguard.model.errors import HullguardError, LimitReached

_MOST_THREADS = 4
_WORTH_A_PROCESS = 8 << 20
"""Stored bytes of layers: to make a process and to hand over what it read takes as long as to read some of them."""


def read_at_once(blobs: PlacedBlobs, layers: Sequence[LayerBlob], reader: LayerReader) -> list[IndexedLayer] | None:
    """The layers in their order; None when a limit was reached on the way, how far is chance.

    Raises what the first of them that cannot be read raises.
    """
    read: dict[int, IndexedLayer | BaseException] = {}
    left: dict[int, int] = {}
    for number, blob in enumerate(layers):
        try:
            with blobs.part(blob) as part:
                known = reader.known(f"layer {blob.name}", blob.claimed, blob.digest, part.identity)
                size = part.size
        except HullguardError:
            known, size = None, 0  # said when its turn comes
        if known is None:
            left[number] = size
        else:
            read[number] = known
    try:
        read |= _by_processes(blobs, layers, reader, left)
    except LimitReached:
        return None
    _by_threads(blobs, layers, reader, [number for number in left if number not in read], read)
    return _in_order(read)


def _by_processes(
    blobs: PlacedBlobs, layers: Sequence[LayerBlob], reader: LayerReader, left: dict[int, int]
) -> dict[int, IndexedLayer]:
    """What processes could read of that; what they could not is absent."""
    # The largest layer takes its time in any case: what there is to gain is what is read of the others meanwhile.
    others = sum(left.values()) - max(left.values(), default=0)
    if reader.processes < 2 or others < _WORTH_A_PROCESS:
        return {}
    if threading.active_count() > 1:
        return {}  # a lock that another thread holds would stay locked in a forked process for ever
    largest_first = sorted(left, key=lambda number: -left[number])
    count = min(reader.processes, len(left))
    return spread(largest_first, lambda number, own: blobs.layer(layers[number], own), reader, count)


def _by_threads(
    blobs: PlacedBlobs,
    layers: Sequence[LayerBlob],
    reader: LayerReader,
    numbers: Sequence[int],
    read: dict[int, IndexedLayer | BaseException],
) -> None:
    todo, ended = iter(numbers), threading.Event()

    def work() -> None:
        for number in todo:
            try:
                read[number] = layer = blobs.layer(layers[number], reader)
                failed = layer.stopped is not None
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                read[number], failed = error, True
            if failed:
                ended.set()
            if ended.is_set():
                return

    count = min(os.cpu_count() or 1, _MOST_THREADS, len(numbers))
    threads = [threading.Thread(target=work, name=f"layers {number}") for number in range(count)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        ended.set()


def _in_order(read: dict[int, IndexedLayer | BaseException]) -> list[IndexedLayer] | None:
    """Layers as they lie over one another; raises what the first of them failed with, None where that is a limit.

    They are begun in their order, so before the first that failed all are there.
    """
    layers: list[IndexedLayer] = []
    for _, layer in sorted(read.items(), key=lambda numbered: numbered[0]):
        if isinstance(layer, LimitReached):
            return None
        if isinstance(layer, BaseException):
            raise layer
        if layer.stopped is not None:
            return None
        layers.append(layer)
    return layers
