"""A whole file of an image, to be read at any place: in memory while it is small, else on disk under no name."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from hullguard.inventory.compression import Readable
from hullguard.inventory.streams import CHUNK, Section

IN_MEMORY = 1 << 24
_WINDOW = 1 << 22
_DIRECT_FROM = 1 << 15


class RandomAccess(Protocol):
    """Bytes, or what is read like them: only slices with a start and an end that are not negative."""

    def __len__(self) -> int: ...
    def __getitem__(self, part: slice, /) -> bytes: ...


class OnDisk:
    """A file that ``held`` has written."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, end, _ = part.indices(self._size)
        return os.pread(self._descriptor, max(end - start, 0), start)


class AtPlace:
    """A stretch of a file that somebody else has open; ``pread`` takes a size and a place."""

    def __init__(self, pread: Callable[[int, int], bytes], place: int, size: int) -> None:
        self._pread = pread
        self._place = place
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, end, _ = part.indices(self._size)
        return self._pread(end - start, self._place + start) if end > start else b""


class Part:
    """A stretch of something larger; nothing is copied."""

    def __init__(self, whole: RandomAccess, start: int, size: int) -> None:
        # Of a stretch of a stretch only the outermost is asked.
        self.whole: RandomAccess = whole.whole if isinstance(whole, Part) else whole
        self.start: int = whole.start + start if isinstance(whole, Part) else start
        self._size = max(min(size, len(whole) - start), 0)

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        start, end, _ = part.indices(self._size)
        return self.whole[self.start + start : self.start + max(end, start)]


@contextlib.contextmanager
def held(chunks: Iterable[bytes]) -> Iterator[RandomAccess]:
    """All of the chunks, for as long as the context lasts. Raises OSError when there is no room on disk."""
    first, size, chunks = list[bytes](), 0, iter(chunks)
    for chunk in chunks:
        first.append(chunk)
        size += len(chunk)
        if size > IN_MEMORY:
            break
    else:
        yield first[0] if len(first) == 1 else b"".join(first)
        return
    import tempfile  # with what it needs it takes longer to load than a layer of small files to read

    with tempfile.TemporaryFile() as file:
        size = sum(map(file.write, chain(_drained(first), chunks)))
        file.flush()
        yield OnDisk(file.fileno(), size)


def pieces(raw: Readable) -> Iterator[bytes]:
    """What a stream still gives."""
    while piece := raw.read(CHUNK):
        yield piece


def reader(whole: RandomAccess) -> Section:
    """The same bytes as a stream."""
    return Section(lambda size, start: whole[start : start + size], 0, len(whole))


def windows(whole: RandomAccess, overlap: int, within: int) -> Iterator[tuple[int, bytes]]:
    """The first ``within`` bytes in windows that overlap, each with its place; bytes in memory are one window."""
    end = min(len(whole), within)
    if isinstance(whole, bytes):
        yield 0, whole[:end]
        return
    start = 0
    while start < end:
        yield start, whole[start : min(start + _WINDOW, end)]
        start += _WINDOW - overlap


def places(whole: RandomAccess, word: bytes, start: int, end: int) -> Iterator[int]:
    """Wherever a word stands, from the first place on."""
    end = min(end, len(whole))
    while start < end:
        window = whole[start : min(start + _WINDOW, end)]
        at = window.find(word)
        while at >= 0:
            yield start + at
            at = window.find(word, at + 1)
        start += _WINDOW - len(word) + 1


def _drained(parts: list[bytes]) -> Iterator[bytes]:
    """Gives the parts in their order and keeps none of them."""
    parts.reverse()
    while parts:
        yield parts.pop()


class FileContent(Readable, Protocol):
    """A file that is passing by."""

    def peek(self, n: int, /) -> bytes:
        """The first bytes, which are still to be read."""
        ...

    def content(self) -> bytes:
        """All of it."""
        ...

    def direct(self) -> RandomAccess | None:
        """All of it, to be read at any place as long as it is passing by; None where one cannot seek."""
        ...


def all_of(content: FileContent, size: int, *, in_memory: bool) -> contextlib.AbstractContextManager[RandomAccess]:
    """All of a file: of large ones little is looked at, so where one can seek they are not read through."""
    if in_memory:
        return held([content.content()])
    direct = content.direct() if size > _DIRECT_FROM else None
    # A file that ends too early is read, which says so.
    return held(pieces(content)) if direct is None or len(direct) < size else contextlib.nullcontext(direct)
