"""Text in which a character of ASCII has two or four bytes, as programs of Windows write it, in the bytes of UTF-8."""

import codecs
import re
from collections.abc import Iterable, Iterator

from hullguard.inventory import bounds

_SMALLEST = 16
_MARKS = (
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),  # the first begins as the next one does
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
# Which bytes of a character of ASCII are zero: of text without a mark nearly all others are not.
_ZEROS = (
    ("utf-32-le", (False, True, True, True)),
    ("utf-32-be", (True, True, True, False)),
    ("utf-16-le", (False, True, False, True)),
    ("utf-16-be", (True, False, True, False)),
)
_LAST_PLANE = 0x10
_RUN = 16
"""Characters of ASCII, each of two bytes, that no chance puts behind one another."""
_WIDE = re.compile(rb"(?:[\t\n\r -~]\0)+|(?:\0[\t\n\r -~])+")
_ASCII, _ZERO, _OTHER = b"10x"
_KINDS = bytes(
    _ZERO if byte == 0 else _ASCII if 32 <= byte < 127 or byte in b"\t\n\r" else _OTHER for byte in range(256)
)
_INSIDE = b"10" * (_RUN - 1)
"""What is inside every run, whichever of the two bytes comes first; it is found much faster than a pattern is."""
_LAP = 8192
"""Bytes of a run that are looked at again with the next piece: twice as many as the longest credential has."""


def encoding_of(head: bytes) -> str | None:
    """The encoding of all of such a text, by its first bytes."""
    for mark, encoding in _MARKS:
        if head.startswith(mark) and (encoding != "utf-32" or _of_four(head, mark)):
            return encoding
    if b"\0" not in head[:64] or len(head) < _SMALLEST:
        return None
    parts = [head[place::4] for place in range(4)]
    for encoding, zeros in _ZEROS:
        if all(
            (part.count(0) > 0.8 * len(part)) is zero and (zero or 0 not in part)
            for part, zero in zip(parts, zeros, strict=True)
        ):
            return encoding
    return None


def _of_four(head: bytes, mark: bytes) -> bool:
    """Whether every four bytes are a character; text of two that begins with a zero has the same mark."""
    highest, plane = (3, 2) if mark == codecs.BOM_UTF32_LE else (0, 1)
    return not any(head[4 + highest :: 4]) and max(head[4 + plane :: 4], default=0) <= _LAST_PLANE


def utf_8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Such text in the bytes that rules are made for."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return (decoder.decode(chunk).encode("utf-8", "replace") for chunk in chunks)


class Runs:
    """Such text as lies somewhere in a stream, behind a head that is other text or none."""

    def __init__(self) -> None:
        self._found: list[bytes] = []
        self._kept = 0
        self.cut = False
        """There was more of it than is kept."""

    def behind(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """The stream as it is, and then each run in a line of its own."""
        held = b""
        for chunk in chunks:
            yield chunk
            if b"\0" in chunk or held:
                held = self._take(held + chunk)
        if self._found:
            yield b"\n" + b"\n".join(self._found)

    def _take(self, piece: bytes) -> bytes:
        """Keeps the runs of a piece; its end, which the next piece may go on with."""
        last, kinds, at = None, piece.translate(_KINDS), 0
        while (at := kinds.find(_INSIDE, at)) >= 0 and (
            run := _WIDE.match(piece, at - 1 if kinds[at - 1 : at] == b"0" else at)
        ):
            last, at = run, run.end()
            self._kept += len(last[0]) // 2
            if self._kept > bounds.WIDE_BYTES:
                self.cut = True
                return b""
            self._found.append(last[0].replace(b"\0", b""))
        if last is not None and last.end() > len(piece) - 2:
            return piece[last.start() :][-_LAP:]
        return piece[-2 * _RUN :]
