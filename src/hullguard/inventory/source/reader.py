"""Turns one stored layer into an index: decompressed, bounded, its digests computed and compared."""

import copy
import functools
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext

import msgspec
from msgspec.structs import replace

from hullguard.inventory.cache import LayerCache
from hullguard.inventory.compression import MARK, Readable, compression_of
from hullguard.inventory.layer import IndexedLayer, Indexer, LayerIndex
from hullguard.inventory.limits import Budget
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.hashing import Hashing, Processors, Spent
from hullguard.inventory.source.mapped import Pages, is_held, lease_on
from hullguard.inventory.source.unchanged import Computed, Identity, identity_of, note, noted
from hullguard.inventory.streams import Section, Uncompressed, read_up_to
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import Invalid, LimitReached

_END = 1024
_FEW = 2
"""Processors: one walks and the other hashes."""
Progress = Callable[[str, int], None]
"""Told what is read and how many uncompressed bytes more were read of it."""


class LayerReader:
    """Reads the layers of one image for one set of wishes, from several threads; all of them share one budget.

    How far threads got when a limit was reached is chance. So a scan that meets one is done again by a ``careful``
    reader: one layer after the other, every byte read and counted in its order.
    """

    def __init__(
        self,
        wanted: Wanted,
        budget: Budget,
        cache: LayerCache | None,
        progress: Progress | None = None,
        *,
        careful: bool = False,
        processes: int = 1,
    ) -> None:
        """``processes``: how many may be made to read layers by; more than one for who has no thread but its own."""
        self.wanted = wanted
        self.budget = budget
        self.cache = cache
        self.progress = progress
        self.processes = processes
        self.ahead: Ahead | None = None
        """Hashes some of the layers; whoever gives it asks it at the end whether they are what they are called."""
        self._careful = careful
        several = bool(wanted.inspectors) and len(os.sched_getaffinity(0)) > _FEW
        self._turn: AbstractContextManager[object] = nullcontext() if several else threading.Lock()
        """Of the thread that walks over a plain layer. Python runs one of them at a time: two that change at every read
        mostly wait for each other, while those that hash wait for nobody. Inspectors, too, search without Python, but
        for so short a time in most files that it pays only where there are processors that nobody else has use for."""
        self._processors = Processors(walks=None if several else 1)

    def read(
        self,
        raw: Readable,
        what: str,
        *,
        claimed: str | None = None,
        digest: str | None = None,
        identity: Identity | None = None,
    ) -> IndexedLayer:
        """The index of a layer.

        ``claimed`` is the diff id that the image's configuration names. It decides only whether the cache may be
        asked; the bytes are hashed in any case. ``identity`` is what ``known`` will ask for the next time. A claim that
        is wrong raises.
        """
        if isinstance(raw, Section) and claimed and (lease := self.believes(raw, claimed, digest)) is not None:
            return self._believed(raw, what, claimed, lease)
        before = identity() if identity and self.cache and not self._careful else None
        layer = self._index(raw, what, claimed)
        if layer.stopped is not None:
            return layer
        check_digest(what, digest, layer.digest)
        check_digest(what, claimed, layer.diff_id)
        if self.cache is not None and identity and before and before == identity():
            note(self.cache, before, Computed(layer.diff_id, layer.digest, layer.size))
        return layer

    def known(self, what: str, claimed: str | None, digest: str | None, identity: Identity) -> IndexedLayer | None:
        """The layer without reading it, where its file is as it was when it was read before; else None."""
        layer = self._unchanged(identity()) if self.cache and not self._careful else None
        if layer is not None and layer.stopped is None:
            check_digest(what, digest, layer.digest)
            check_digest(what, claimed, layer.diff_id)
        return layer

    def hashing(self, ahead: Ahead) -> "LayerReader":
        """The same reader, of the same budget, that has plain layers hashed by somebody else."""
        other = copy.copy(self)
        other.ahead = ahead
        return other

    def believes(self, section: Section, claimed: str | None, digest: str | None) -> int | None:
        """The open file, held, of a plain layer that is taken for what it is called, since somebody hashes it; or None.

        Of a plain layer the digest and the diff id are the same.
        """
        if self.ahead is None or claimed is None or digest not in (None, claimed):
            return None
        lease = self.ahead.lease(section)
        return None if lease is None or compressed(section) else lease

    def rely(self, section: Section, layer: IndexedLayer) -> None:
        """Has a layer that was believed compared at the end, and then kept for the next time."""
        if self.ahead is None or (lease := self.ahead.lease(section)) is None:
            return
        identity = functools.partial(identity_of, lease, section.offset, section.left)
        before = identity() if self.cache is not None else None

        def keep() -> None:
            if self.cache is not None:
                self._keep(self.cache, layer)
                if before is not None and before == identity():
                    note(self.cache, before, Computed(layer.diff_id, layer.digest, layer.size))

        self.ahead.rely(section, layer.digest, keep)

    def telling(self, progress: Progress | None) -> "LayerReader":
        """The same reader, of the same budget, that tells its progress to somebody else."""
        other = copy.copy(self)
        other.progress = progress
        return other

    def merged(self, raw: Readable, what: str) -> IndexedLayer:
        """The index of a whole file system: no name in it is a whiteout, and of a layer's cache it has no part.

        No digest tells that all of it came, but every archive ends with two blocks of zeros; raises Invalid without.
        """
        ending = _Ending(raw)
        layer = self._stream(ending, what, Indexer(self.wanted, self.budget, what, whiteouts=False), None)
        if layer.stopped is None and ending.last != bytes(_END):
            raise Invalid(f"{what} is cut off: the archive's end is missing", "image.truncated")
        return layer

    @functools.cached_property
    def signature(self) -> str:
        """All that an index depends on beside the layer's bytes; limits say what was left out of it."""
        return f"{self.wanted.signature} {msgspec.json.encode(self.budget.limits).decode()}"

    def again(self, wanted: Wanted) -> "LayerReader":
        """A reader of the same image with more wishes and a fresh budget."""
        budget = Budget(self.budget.limits)
        other = LayerReader(wanted, budget, self.cache, self.progress, processes=self.processes)
        other.ahead = self.ahead
        return other

    def anew(self) -> "LayerReader":
        """A reader for the same with a fresh budget, for which nobody hashes anything."""
        return LayerReader(self.wanted, Budget(self.budget.limits), self.cache, self.progress, processes=self.processes)

    def careful(self) -> "LayerReader":
        """A reader with a fresh budget that stops at the same byte every time."""
        return LayerReader(self.wanted, Budget(self.budget.limits), self.cache, self.progress, careful=True)

    def _unchanged(self, identity: str | None) -> IndexedLayer | None:
        """The layer without reading it, when its file is unchanged and its index is cached."""
        if self.cache is None or identity is None or (computed := noted(self.cache, identity)) is None:
            return None
        index = self.cache.get(computed.diff_id, self.signature)
        if index is None:
            return None
        layer = IndexedLayer(index, computed.diff_id, computed.digest, computed.size)
        try:
            self.budget.spend_bytes(computed.size)
        except LimitReached as reached:
            return replace(layer, stopped=reached)
        return layer

    def _index(self, raw: Readable, what: str, claimed: str | None) -> IndexedLayer:
        cached = self.cache.get(claimed, self.signature) if self.cache and claimed else None
        layer = None
        if isinstance(raw, Section) and not self._careful and not compressed(raw):
            layer = self._held(raw.copy(), what, cached)
        if layer is None:
            layer = self._stream(raw, what, Indexer(self.wanted, self.budget, what), cached)
        if self.cache is not None and cached is None and layer.stopped is None:
            self._keep(self.cache, layer)
        return layer

    def _keep(self, cache: LayerCache, layer: IndexedLayer) -> None:
        """An index is known by what was computed, so one that a wrong claim found is never taken for this layer's.

        What could not be read now, because the disk is full, say, can perhaps be read the next time.
        """
        if not any(unknown.incomplete for unknown in layer.index.unknowns):
            cache.put(layer.diff_id, self.signature, layer.index)

    def _believed(self, section: Section, what: str, claimed: str, lease: int) -> IndexedLayer:
        """The layer as it is if it is what it is called; nobody can write to its file meanwhile."""
        cached = self.cache.get(claimed, self.signature) if self.cache else None
        indexer, size = Indexer(self.wanted, self.budget, what), section.left
        spent = Spent(section, self.budget, functools.partial(self._tell, what), Pages(lease))
        try:
            if cached is None:
                with self._turn:
                    indexer.run(spent)
            spent.rest()
        except LimitReached as reached:
            return IndexedLayer(indexer.index, "", "", 0, reached)
        return IndexedLayer(cached or indexer.index, claimed, claimed, size)

    def _tell(self, what: str, count: int) -> None:
        if self.progress:
            self.progress(what, count)

    def _stream(self, raw: Readable, what: str, indexer: Indexer, cached: LayerIndex | None) -> IndexedLayer:
        stream = Uncompressed(_Told(raw, what, self.progress) if self.progress else raw, self.budget, what)
        stopped = None
        try:
            if cached is None:
                indexer.run(stream)
            stream.drain()
        except LimitReached as reached:
            cached, stopped = None, reached
        return IndexedLayer(cached or indexer.index, stream.digest, stream.raw_digest, stream.count, stopped)

    def _held(self, section: Section, what: str, cached: LayerIndex | None) -> IndexedLayer | None:
        """The layer while nobody can write to its file, so that what is walked is what is hashed; None otherwise."""
        lease = lease_on(section.descriptor)
        if lease is None:
            return None
        try:
            layer = self._plain(section, what, Indexer(self.wanted, self.budget, what), cached, Pages(lease))
            return layer if is_held(lease) else None
        finally:
            os.close(lease)

    def _plain(
        self, section: Section, what: str, indexer: Indexer, cached: LayerIndex | None, pages: Pages
    ) -> IndexedLayer:
        spent = Spent(section, self.budget, functools.partial(self._tell, what), pages)
        with ExitStack() as walking:
            walking.enter_context(self._processors.walk())
            with Hashing(section, self._processors) as hashing:
                try:
                    if cached is None:
                        with self._turn:
                            indexer.run(spent)
                    spent.rest()
                except LimitReached as reached:
                    return IndexedLayer(indexer.index, "", "", 0, reached)
                walking.close()
                digest = hashing.digest()
        return IndexedLayer(cached or indexer.index, digest, digest, hashing.count)


def compressed(section: Section) -> bool:
    """Whether a layer is stored in a compressed form, which its first bytes tell."""
    return bool(compression_of(read_up_to(section.copy(), MARK)))


def check_digest(what: str, wanted: str | None, computed: str) -> None:
    """Raises when bytes are not what their name says."""
    if wanted is not None and wanted != computed:
        sentence = f"{what} is not what its digest says: {wanted} is named, {computed} was read"
        raise Invalid(sentence, "image.digest-mismatch")


class _Ending:
    """Remembers the last bytes of a stream."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self.last = b""

    def read(self, n: int, /) -> bytes:
        data = self._raw.read(n)
        self.last = (self.last + data[-_END:])[-_END:]
        return data


class _Told:
    """Tells the progress of a stream as it is read."""

    def __init__(self, raw: Readable, what: str, progress: Progress) -> None:
        self._raw, self._what, self._progress = raw, what, progress

    def read(self, n: int, /) -> bytes:
        data = self._raw.read(n)
        self._progress(self._what, len(data))
        return data
