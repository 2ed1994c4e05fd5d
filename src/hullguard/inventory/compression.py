"""Compressions that engines read: gzip, zstd, bzip2 and xz, told by the first bytes, and decoded as a stream."""

import bz2
import functools
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

import zstandard

MARK = 6
"""As many bytes at the beginning tell."""
# RFC 8878 lets a frame ask for any window, and xz for any dictionary; 128 MiB is what `zstd --ultra -22` needs, twice
# what `xz -9` does, and what we are ready to give.
WINDOW = 1 << 27
_CHUNK = 1 << 14


@functools.cache
def damaged() -> tuple[type[BaseException], ...]:
    """What a decoder raises for a stream that is damaged or cut off."""
    from isal import isal_zlib  # loaded by then, if it was needed

    isal_error: Any = isal_zlib.IsalError  # its stub says an instance
    return EOFError, OSError, zlib.error, isal_error, zstandard.ZstdError, lzma.LZMAError


class Readable(Protocol):
    """Anything that gives up to ``n`` bytes, and none at its end."""

    def read(self, n: int, /) -> bytes: ...


class _Streams:
    """Compressed streams one after another, as bzip2 and xz allow."""

    def __init__(
        self, raw: Readable, make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], padding: bytes
    ) -> None:
        self._raw, self._make, self._padding = raw, make, padding
        self._decoder = make()

    def read(self, n: int, /) -> bytes:
        while True:
            if self._decoder.eof:
                left = self._decoder.unused_data.lstrip(self._padding) if self._padding else self._decoder.unused_data
                while not left:
                    if not (more := self._raw.read(_CHUNK)):
                        return b""
                    left = more.lstrip(self._padding) if self._padding else more
                self._decoder = self._make()
                data = self._decoder.decompress(left, n)
            elif self._decoder.needs_input:
                if not (more := self._raw.read(_CHUNK)):
                    raise EOFError("it ends before its end is marked")
                data = self._decoder.decompress(more, n)
            else:
                data = self._decoder.decompress(b"", n)
            if data:
                return data


def compression_of(head: bytes) -> str:
    """The name of the compression of a stream that begins like this; empty for none."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    # A skippable frame may stand before the first (RFC 8878, section 3.1.2).
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    if head[:3] == b"BZh":
        return "bzip2"
    return "xz" if head[:6] == b"\xfd7zXZ\0" else ""


def decoder(name: str, raw: Readable) -> Readable:
    """The uncompressed bytes of a stream; reading it raises one of ``damaged()``."""
    stream: Any = raw
    if name == "gzip":
        from isal import igzip  # plain layers do without

        stream = igzip.IGzipFile(fileobj=raw, mode="rb")  # type: ignore[no-untyped-call]
    elif name == "zstd":
        stream = zstandard.ZstdDecompressor(max_window_size=WINDOW).stream_reader(
            raw,  # type: ignore[arg-type]
            read_across_frames=True,
        )
    elif name == "bzip2":
        stream = _Streams(raw, bz2.BZ2Decompressor, b"")
    elif name == "xz":
        stream = _Streams(raw, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=WINDOW), b"\0")
    readable: Readable = stream
    return readable


def asks_too_much(cause: BaseException) -> bool:
    """Whether a decoder stopped because the stream asks it to remember more than it may."""
    return isinstance(cause, (zstandard.ZstdError, lzma.LZMAError)) and "memory" in str(cause).lower()
