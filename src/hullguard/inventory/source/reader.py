"""Turns one stored layer into an index: decompressed, bounded, its digests computed and compared."""

from collections.abc import Callable

from hullguard.inventory.cache import LayerCache
from hullguard.inventory.layer import IndexedLayer, Indexer
from hullguard.inventory.limits import Budget
from hullguard.inventory.streams import Readable, Uncompressed
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import Invalid, LimitReached

Progress = Callable[[str, int], None]
"""Told what is read and how many uncompressed bytes more were read of it."""


class LayerReader:
    """Reads the layers of one image for one set of wishes; all of them share one budget."""

    def __init__(
        self, wanted: Wanted, budget: Budget, cache: LayerCache | None, progress: Progress | None = None
    ) -> None:
        self.wanted = wanted
        self.budget = budget
        self.cache = cache
        self._progress = progress

    def read(self, raw: Readable, what: str, *, claimed: str | None = None, digest: str | None = None) -> IndexedLayer:
        """The index of a layer.

        ``claimed`` is the diff id that the image's configuration names. It decides only whether the cache may be
        asked; the bytes are hashed in any case, and a claim that is wrong raises.
        """
        stream = Uncompressed(_Told(raw, what, self._progress) if self._progress else raw, self.budget, what)
        cached = self.cache.get(claimed, self.wanted.signature) if self.cache and claimed else None
        indexer = Indexer(self.wanted, self.budget, what)
        try:
            if cached is None:
                indexer.run(stream)
            stream.drain()
        except LimitReached as reached:
            return IndexedLayer(indexer.index, stream.digest, stream.raw_digest, stream.count, reached)
        check_digest(what, digest, stream.raw_digest)
        check_digest(what, claimed, stream.digest)
        if cached is not None:
            return IndexedLayer(cached, stream.digest, stream.raw_digest, stream.count)
        if self.cache is not None:
            self.cache.put(stream.digest, self.wanted.signature, indexer.index)
        return IndexedLayer(indexer.index, stream.digest, stream.raw_digest, stream.count)

    def again(self, wanted: Wanted) -> "LayerReader":
        """A reader of the same image with more wishes and a fresh budget."""
        return LayerReader(wanted, Budget(self.budget.limits), self.cache, self._progress)


def check_digest(what: str, wanted: str | None, computed: str) -> None:
    """Raises when bytes are not what their name says."""
    if wanted is not None and wanted != computed:
        sentence = f"{what} is not what its digest says: {wanted} is named, {computed} was read"
        raise Invalid(sentence, "image.digest-mismatch")


class _Told:
    """Tells the progress of a stream as it is read."""

    def __init__(self, raw: Readable, what: str, progress: Progress) -> None:
        self._raw, self._what, self._progress = raw, what, progress

    def read(self, n: int, /) -> bytes:
        data = self._raw.read(n)
        self._progress(self._what, len(data))
        return data
