"""Objects of Git that lie each in a file of its own: a header and what was committed, both packed by zlib.

Packs hold differences between versions as well; they are told as compressed.
"""

import re
import zlib
from collections.abc import Iterable, Iterator

from hullguard.inventory import bounds

_HEADERS = (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_OBJECT = re.compile(rb"(?:blob|commit|tree|tag) [0-9]{1,12}\0")
_PIECE = 1 << 16


def of_zlib(head: bytes) -> bytes:
    """What a file that begins like this begins with when it is unpacked; nothing where zlib did not pack it."""
    if not head.startswith(_HEADERS) or head.isascii():
        return b""
    try:
        return zlib.decompressobj().decompress(head, 64)
    except zlib.error:
        return b""


def is_object(head: bytes) -> bool:
    """Whether a file that begins like this is an object of Git."""
    return _OBJECT.match(of_zlib(head)) is not None


class Unpacked(Iterable[bytes]):
    """What is in such an object, as far as it goes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.count = 0
        """Bytes so far."""
        self.why = ""
        """Why it is not all."""

    def __iter__(self) -> Iterator[bytes]:
        zlib_, left = zlib.decompressobj(), int(bounds.GIT_OBJECT_BYTES)
        for chunk in self._chunks:
            packed = chunk
            while packed and not zlib_.eof:
                try:
                    piece = zlib_.decompress(packed, _PIECE)
                except zlib.error:
                    self.why = "it is damaged; credentials were looked for in what is before that"
                    return
                packed, left = zlib_.unconsumed_tail, left - len(piece)
                self.count += len(piece)
                yield piece
                if left < 0:
                    most = bounds.GIT_OBJECT_BYTES
                    self.why = f"credentials were looked for in the first {most} bytes of what is packed in it"
                    return
        if not zlib_.eof:
            self.why = "it is damaged; credentials were looked for in what is before that"
