"""The layers of one image that is read by position, several of them at once."""

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import ExitStack

from msgspec.structs import replace

from hullguard.inventory.layer import THIS_LAYER, IndexedLayer
from hullguard.inventory.processes import Read, alone, spread
from hullguard.inventory.source.blobs import LayerBlob, PlacedBlobs
from hullguard.inventory.source.reader import LayerReader, compressed
from hullguard.model.errors import HullguardError, Invalid, LimitReached
from hullguard.model.package import Unknown

_MOST_THREADS = 4
_OF_DAMAGE = frozenset({signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE})
"""Signals that end a process because of what it did itself."""
READER_ENDED = "image.reader-ended"
"""The code of the error that says that a layer ended every process that read it."""
_MOST_FILES = 64
"""That are open at once to be looked into."""
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
    believed = _hashed_ahead(blobs, layers, reader, left)
    try:
        read |= _by_processes(blobs, layers, reader, left, walks_only=left.keys() <= set(believed))
    except LimitReached:
        return None
    _by_threads(blobs, layers, reader, [number for number in left if number not in read], read)
    if (found := _in_order(read)) is not None:
        for number in believed:
            with blobs.part(layers[number]) as part:
                reader.rely(part.section(), found[number])
    return found


def _hashed_ahead(
    blobs: PlacedBlobs, layers: Sequence[LayerBlob], reader: LayerReader, left: dict[int, int]
) -> list[int]:
    """Has plain layers hashed from now on; the numbers of those that are taken for what they are called until then."""
    if reader.ahead is None:
        return []
    if sum(left.values()) < _WORTH_A_PROCESS or threading.active_count() > 1:
        reader.ahead.stop()
        return []
    with ExitStack() as opened:
        largest = sorted((number for number in left if left[number]), key=lambda number: -left[number])[:_MOST_FILES]
        sections = {number: opened.enter_context(blobs.part(layers[number])).section() for number in largest}
        plain = {number: section for number, section in sections.items() if not compressed(section)}
        reader.ahead.hash(list(plain.values()))
        return [
            number
            for number, section in plain.items()
            if reader.believes(section, layers[number].claimed, layers[number].digest) is not None
        ]


def _by_processes(
    blobs: PlacedBlobs, layers: Sequence[LayerBlob], reader: LayerReader, left: dict[int, int], *, walks_only: bool
) -> dict[int, IndexedLayer]:
    """What processes could read of that; what they could not is absent.

    ``walks_only``: whether others hash all of it, and have processors for that.
    """
    # The largest layer takes its time in any case: what there is to gain is what is read of the others meanwhile.
    others = sum(left.values()) - max(left.values(), default=0)
    if reader.processes < 2 or others < _WORTH_A_PROCESS:
        return {}
    if threading.active_count() > 1:
        return {}  # a lock that another thread holds would stay locked in a forked process for ever
    largest_first = sorted(left, key=lambda number: -left[number])
    hashing = reader.ahead.processes if reader.ahead is not None and walks_only else 0
    count = min(reader.processes if reader.wanted.inspectors else reader.processes - hashing, len(left))
    if count < 2:
        return {}

    def read(number: int, own: LayerReader) -> IndexedLayer:
        return blobs.layer(layers[number], own)

    found, ended = spread(largest_first, read, reader, count)
    for number, by in sorted(ended.items()):
        found[number] = _again(number, by, read, reader, layers[number].name)
    return found


def _again(number: int, by: int, read: Read, reader: LayerReader, name: str) -> IndexedLayer:
    """A layer that a process had begun when a signal ended it, read once more by another, for it may end that as well.

    Raises Invalid where it does. What damages a process is said to leave the report incomplete even if it is not met
    again.
    """
    again = alone(number, read, reader)
    if number in again.ended:
        raise Invalid(
            f"layer {name} cannot be read: signal {by} ended the process that read it, and then another one; "
            "allow them more memory, or report this as a mistake of Hullguard's",
            READER_ENDED,
        )
    layer = again.layers.get(number) or read(number, reader)
    why = f"{THIS_LAYER}: signal {by} ended the process that read it, and another one read it again"
    unknown = Unknown("a process", why, incomplete=by in _OF_DAMAGE)
    return replace(layer, index=replace(layer.index, unknowns=[*layer.index.unknowns, unknown]))


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
