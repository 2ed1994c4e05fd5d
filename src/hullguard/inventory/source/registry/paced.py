"""Answers that must come at some pace: a socket's own timeout begins anew with every byte that it gets."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import urllib3
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProtocolError

from hullguard.model.errors import Unavailable

HEAD_SECONDS = 60.0
"""Within this time an answer's headers must have come."""
WINDOW_SECONDS = 60.0
SLOWEST = 16 << 10
"""Bytes a second, over each window of waiting for them."""


class Pace:
    """Reads bodies of one registry; the time in which their reader does something else does not count."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._waited = 0.0
        self._came = 0

    def read(self, answer: BaseHTTPResponse, most: int) -> bytes:
        """Up to ``most`` bytes, whatever has come by then; raises Unavailable for a registry that is too slow."""
        began = time.monotonic()
        data = answer.read1(most, decode_content=False)
        self._waited += time.monotonic() - began
        self._came += len(data)
        if self._waited > WINDOW_SECONDS:
            if self._came < SLOWEST * self._waited:
                answer.close()
                sentence = f"the registry {self._host} sends fewer than {SLOWEST} bytes a second, so the scan gives up"
                raise Unavailable(sentence, "registry.too-slow")
            self._waited, self._came = 0.0, 0
        return data


@contextlib.contextmanager
def _within(seconds: float, connected: socket.socket | None) -> Iterator[None]:
    """Hangs up when it takes longer, and raises ProtocolError: to who reads headers, that was their end."""
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
    finally:
        timer.cancel()
    if late.is_set():
        raise ProtocolError("its headers did not end in time")


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        with _within(HEAD_SECONDS, self.sock):
            return super().getresponse()


class _Encrypted(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        with _within(HEAD_SECONDS, self.sock):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


def connections(proxy: str, **common: Any) -> PoolManager:
    """Connections, through a proxy where there is one, whose answers must begin in time."""
    if proxy:
        url = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        headers = urllib3.make_headers(proxy_basic_auth=url.auth) if url.auth else None
        pools: PoolManager = urllib3.ProxyManager(url._replace(auth=None).url, proxy_headers=headers, **common)
    else:
        pools = PoolManager(**common)
    pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
    return pools
