"""Answers that must come at some pace: a socket's own timeout begins anew with every byte that it gets."""

import time
from collections.abc import Callable

from hullguard.model.errors import Unavailable

HEAD_SECONDS = 60.0
"""Within this time an answer's headers must have come."""
WINDOW_SECONDS = 60.0
SLOWEST = 16 << 10
"""Bytes a second, over each window of waiting for them."""
WORDS_SECONDS = 10.0
"""Within this time, from its headers on, the whole body of an answer that is no success must have come."""


class Pace:
    """Reads bodies of one other end, ``whose`` name it is told by; the time that their reader takes does not count."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._waited = 0.0
        self._came = 0

    def read(self, more: Callable[[int], bytes], most: int) -> bytes:
        """Up to ``most`` bytes by ``more``, which waits for one piece only; raises Unavailable where that is slow.

        That one piece ends is the matter of ``net.answers``.
        """
        began = time.monotonic()
        data = more(most)
        self._waited += time.monotonic() - began
        self._came += len(data)
        if self._waited > WINDOW_SECONDS:
            if self._came < SLOWEST * self._waited:
                sentence = f"{self._whose} sends fewer than {SLOWEST} bytes a second, which is too slow to wait for"
                raise Unavailable(sentence, "net.too-slow")
            self._waited, self._came = 0.0, 0
        return data
