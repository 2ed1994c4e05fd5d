"""Byte streams: pushed back, counted, hashed, decompressed. Nothing here holds more than one chunk."""

import hashlib
import mmap
from collections.abc import Callable

from hullguard.inventory.compression import MARK, WINDOW, Readable, asks_too_much, compression_of, damaged, decoder
from hullguard.inventory.limits import Budget, reached
from hullguard.model.errors import Invalid

CHUNK = 1 << 19

Chunk = bytes | mmap.mmap
"""Bytes in memory, or where the kernel keeps them."""


class Counted:
    """Counts, and once it has a digest also hashes, what passes."""

    def __init__(self, raw: Readable) -> None:
        self._raw = raw
        self.digest: hashlib._Hash | None = None
        self.count = 0

    def read(self, n: int, /) -> bytes:
        data = self._raw.read(n)
        self.count += len(data)
        if self.digest is not None:
            self.digest.update(data)
        return data


class Prefixed:
    """A stream whose first bytes were already looked at."""

    def __init__(self, head: bytes, raw: Readable) -> None:
        self._head = head
        self._raw = raw

    def read(self, n: int, /) -> bytes:
        if not self._head:
            return self._raw.read(n)
        data, self._head = self._head[:n], self._head[n:]
        return data

    def readinto(self, buffer: "memoryview[int]", /) -> int:
        """What isal's gzip reader asks for."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class Section:
    """A part of a seekable file, read by position so that several may be open.

    ``descriptor`` is the file's, where it is a file of this machine.
    """

    def __init__(
        self, pread: Callable[[int, int], bytes], offset: int, size: int, descriptor: int | None = None
    ) -> None:
        self.pread = pread
        self.offset = offset
        self.left = size
        self.descriptor = descriptor

    def copy(self) -> "Section":
        """The same part, to be read by someone else."""
        return Section(self.pread, self.offset, self.left, self.descriptor)

    def read(self, n: int, /) -> bytes:
        data = self.pread(min(n, self.left), self.offset) if self.left else b""
        self.offset += len(data)
        self.left -= len(data)
        return data

    def chunk(self, n: int) -> tuple[Chunk, int]:
        """What comes next, and the place in it where that begins; it may be more than ``n`` bytes."""
        return self.read(n), 0

    def lasts(self) -> bool:
        """Whether what ``chunk`` gave may be looked at for longer; else ``back`` is for what is still to be read."""
        return True

    def back(self, n: int) -> None:
        """Has the last ``n`` bytes read once more."""
        self.offset -= n
        self.left += n

    def skip(self, n: int) -> int:
        """Passes over up to ``n`` bytes without reading them; returns how many there were."""
        step = min(n, self.left)
        self.offset += step
        self.left -= step
        return step


class Uncompressed:
    """The uncompressed bytes of a stream that may be compressed; bounded by the budget and hashed."""

    def __init__(self, raw: Readable, budget: Budget, what: str, *, hashed: bool = True) -> None:
        self._what = what
        self._budget = budget
        self._raw = Counted(raw)
        head = read_up_to(self._raw, MARK)
        compression = compression_of(head)
        self.compressed = bool(compression)
        self._digest = hashlib.sha256() if hashed else None
        if hashed and self.compressed:
            self._raw.digest = hashlib.sha256(head)
        self._stream = decoder(compression, Prefixed(head, self._raw))
        self.count = 0

    def read(self, n: int, /) -> bytes:
        before = self._raw.count
        try:
            data = self._stream.read(n)
        except damaged() as cause:
            if asks_too_much(cause):
                sentence = "its compression asks for a window of more than {limit} bytes"
                raise reached(f"{self._what}: {sentence}", "window", WINDOW) from cause
            raise Invalid(f"{self._what} is damaged or cut off: {cause}", "image.damaged") from cause
        self.count += len(data)
        self._budget.spend_bytes(len(data))
        if self.compressed:
            self._budget.check_ratio(self._raw.count, self.count)
            self._budget.spend_growth(self._raw.count - before, len(data))
        if self._digest is not None:
            self._digest.update(data)
        return data

    def drain(self) -> None:
        """Reads to the end, so that both digests cover every byte."""
        while self.read(CHUNK):
            pass
        while self._raw.read(CHUNK):
            pass

    @property
    def digest(self) -> str:
        """``sha256:…`` of the uncompressed bytes read so far."""
        return f"sha256:{self._digest.hexdigest()}" if self._digest is not None else ""

    @property
    def raw_digest(self) -> str:
        """``sha256:…`` of the bytes as they were stored; for a plain stream the same."""
        return f"sha256:{self._raw.digest.hexdigest()}" if self._raw.digest is not None else self.digest


def read_up_to(raw: Readable, n: int) -> bytes:
    """``n`` bytes, or fewer only at the end of the stream."""
    parts = []
    while n > 0 and (data := raw.read(n)):
        parts.append(data)
        n -= len(data)
    return b"".join(parts)
