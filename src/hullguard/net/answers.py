"""Answers of HTTP each reading of which ends: in time, and after so many bytes.

A socket's timeout begins anew with every byte, and ``http.client`` reads on within one call: status lines of ``100``,
the line before a chunk, what stands behind the last chunk, a body as a whole. So time and bytes are counted where all
of them come by, below the buffer of ``http.client``; who reads needs no care of its own.
"""

import contextlib
import functools
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from hullguard.model.errors import Unavailable
from hullguard.net import pace

BESIDES = 256 << 10
"""Bytes that may come with one reading beside what is read: headers, lines of chunks, a buffer's worth ahead."""
_SMALLEST_CHUNK = 8
"""Bytes on the wire, at most, for each that is read of chunk after chunk."""
_SPARED = 1.0
"""Seconds by which a socket may be late rather than be told its timeout anew."""


def watch(connection: http.client.HTTPConnection, whose: str, seconds: float | None = None) -> None:
    """Makes all answers of a connection end in time; ``whose`` is told of the one that did not.

    ``seconds`` are those of each reading, where they are not the ones of ``net.pace``.
    """
    connection.response_class = functools.partial(Answer, whose=whose, seconds=seconds)  # type: ignore[assignment]


def words(more: Callable[[int], bytes], most: int, *broken: type[Exception]) -> bytes:
    """Of the body of an answer that is no success what came before it ended, for whatever reason.

    ``more`` reads one piece, ``broken`` is what it raises where a connection breaks.
    """
    parts: list[bytes] = []
    with contextlib.suppress(Unavailable, *broken):
        while most and (data := more(most)):
            parts.append(data)
            most -= len(data)
    return b"".join(parts)


class Answer(http.client.HTTPResponse):
    """Raises Unavailable where reading takes too long or brings too much; nothing but ``read`` and ``read1`` reads."""

    def __init__(self, sock: Any, *args: Any, whose: str, seconds: float | None = None, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self._seconds = seconds
        self._wire = _Wire(self.fp.detach(), sock, whose)
        self.fp = io.BufferedReader(self._wire)
        self._wire.allow(pace.HEAD_SECONDS if seconds is None else seconds, BESIDES)

    def begin(self) -> None:
        super().begin()
        self._wire.in_headers = False
        if self.status >= http.HTTPStatus.MULTIPLE_CHOICES:
            self._wire.last = time.monotonic() + min(pace.WORDS_SECONDS, self._window)

    def read(self, amt: int | None = None) -> bytes:
        """So many bytes; without a number, a body that is small."""
        asked = max(amt or 0, 0)
        seconds = pace.WINDOW_SECONDS + asked / pace.SLOWEST if self._seconds is None else self._seconds
        self._wire.allow(seconds, BESIDES + asked * _SMALLEST_CHUNK)
        return super().read(amt)

    def read1(self, n: int = -1) -> bytes:
        """What has come by then, of one chunk at most."""
        self._wire.allow(self._window, BESIDES + max(n, 0))
        return super().read1(n)

    @property
    def _window(self) -> float:
        return pace.WINDOW_SECONDS if self._seconds is None else self._seconds


class _Wire(io.RawIOBase):
    """What a socket gets, as long and as much as is allowed."""

    def __init__(self, raw: io.RawIOBase, sock: Any, whose: str) -> None:
        self._raw, self._sock, self._whose = raw, sock, whose
        self._until, self._left = 0.0, 0
        self._allowed = 0.0
        self.in_headers = True
        self.last = float("inf")
        """When all must have come, whatever is allowed."""

    def allow(self, seconds: float, count: int) -> None:
        """For what is read next."""
        self._allowed = seconds
        self._until, self._left = time.monotonic() + seconds, count

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = min(self._until, self.last) - time.monotonic()
        if left <= 0:
            raise self._late()
        if self._left < 0:
            raise Unavailable(f"{self._whose} sends headers or lines of chunks without end", "net.endless")
        count = self._within(left, buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()

    def _within(self, left: float, buffer: Any) -> int | None:
        if not isinstance(self._sock, socket.socket):  # TLS within TLS waits for many pieces of one record
            try:
                with _hung_up_after(left, self._sock):
                    return self._raw.readinto(buffer)
            except TimeoutError as cause:
                raise self._late() from cause
        own = self._sock.gettimeout()
        if own is not None and left + _SPARED >= own:
            return self._raw.readinto(buffer)
        self._sock.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        except TimeoutError as cause:
            raise self._late() from cause
        finally:
            self._sock.settimeout(own)

    def _late(self) -> Unavailable:
        what = "did not end its headers" if self.in_headers else "sent no whole piece of its answer"
        sentence = f"{self._whose} {what} within {round(self._allowed, 1):g} s, which is too slow to wait for"
        return Unavailable(sentence, "net.too-slow")


@contextlib.contextmanager
def _hung_up_after(seconds: float, connected: Any) -> Iterator[None]:
    """Hangs up from outside when it takes longer, and raises TimeoutError: to who reads, that was the end."""
    while not isinstance(connected, socket.socket):
        connected = connected.socket
    late = threading.Event()

    def hang_up() -> None:
        late.set()
        with contextlib.suppress(OSError):
            # Not that of a TLS socket, which another thread is using.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    except Exception as cause:
        if late.is_set():
            raise TimeoutError from cause
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
