"""Answers that must come at some pace: a socket's own timeout begins anew with every byte that it gets."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

from hullguard.model.errors import Unavailable

HEAD_SECONDS = 60.0
"""Within this time an answer's headers must have come."""
WINDOW_SECONDS = 60.0
SLOWEST = 16 << 10
"""Bytes a second, over each window of waiting for them."""


class Pace:
    """Reads bodies of one other end, ``whose`` name it is told by; the time that their reader takes does not count."""

    def __init__(self, whose: str) -> None:
        self._whose = whose
        self._waited = 0.0
        self._came = 0

    def read(self, more: Callable[[int], bytes], most: int) -> bytes:
        """Up to ``most`` bytes by ``more``, which waits for one piece only; raises Unavailable where that is slow."""
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


@contextlib.contextmanager
def headers_within(seconds: float, connected: socket.socket | None) -> Iterator[None]:
    """Hangs up when headers take longer, and raises TimeoutError: to who reads them, that was their end."""
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with contextlib.suppress(OSError):
            # Not that of a TLS socket, which another thread is using.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # type: ignore[arg-type]

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as cause:
        if late.is_set():
            raise TimeoutError(_LATE) from cause
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError(_LATE)


_LATE = "its headers did not end in time"
