"""HTTP connections whose answers must begin in time."""

import contextlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ProtocolError

from hullguard.net import pace


@contextlib.contextmanager
def _in_time(connected: Any) -> Iterator[None]:
    try:
        with pace.headers_within(pace.HEAD_SECONDS, connected):
            yield
    except TimeoutError as cause:
        raise ProtocolError(str(cause)) from cause


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        with _in_time(self.sock):
            return super().getresponse()


class _Encrypted(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself has it
        with _in_time(self.sock):
            return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


def connections(proxy: str, **common: Any) -> PoolManager:
    """Connections, through a proxy where there is one, whose answers must begin in time."""
    if proxy:
        url = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        headers = urllib3.make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else None
        pools: PoolManager = urllib3.ProxyManager(url._replace(auth=None).url, proxy_headers=headers, **common)
    else:
        pools = PoolManager(**common)
    pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}
    return pools
