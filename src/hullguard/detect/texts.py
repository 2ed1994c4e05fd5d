"""Texts that the kernel looks for in a program's arguments and environment.

It looks at four bytes in a row, and at up to ``LONGEST`` from where they fit, each with one bit set: so capitals and
small letters are the same, and so are a blank and the NUL between two arguments.
"""

import re
from typing import Final

SHORTEST: Final = 4
"""In bytes; ``HG_GRAM`` in ``events.h``."""
LONGEST: Final = 24
"""What is longer is cut: ``HG_TEXT``."""
_SAME: Final = 0x20
_UNSURE: Final = re.compile("[\0\ufffd\ud800-\udfff]")
"""Bytes that are no text are read as U+FFFD, so that may be many; the others are in no argument."""
_UNSURE_IN_ANY_CASE: Final = re.compile("[\0iIkK\u0080-\U0010ffff]")
"""Small letters of others than ASCII's capitals: those of U+0130 and U+212A begin with i and k."""


def piece(text: str, *, any_case: bool = False) -> str | None:
    """The longest part of a text that is in every argument that has the text; None where that is too short."""
    parts = (_UNSURE_IN_ANY_CASE if any_case else _UNSURE).split(text)
    longest = max(parts, key=len)
    return longest if len(longest.encode()) >= SHORTEST else None


def folded(raw: bytes) -> bytes:
    """As the kernel compares it."""
    return bytes(byte | _SAME for byte in raw)


def key(text: str) -> bytes:
    """What the kernel looks for."""
    return folded(text.encode())[:LONGEST]


def has(raw: bytes, text: str) -> bool:
    """Whether the kernel finds a text."""
    return key(text) in folded(raw)
