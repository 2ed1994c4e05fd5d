"""HTTP connections whose answers must come in time."""

import socket
from typing import Any, ClassVar
from urllib.parse import unquote

import urllib3
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.connection import allowed_gai_family

from hullguard.net.allowed import Refuses
from hullguard.net.answers import watch


class _Choosy(HTTPConnection):
    """Connects to none of the addresses that are refused, whatever name led to them."""

    refuses: ClassVar[tuple[Refuses, ...]] = ()

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        watch(self, f"the server {self.host}:{self.port}")

    def _new_conn(self) -> socket.socket:
        if not self.refuses or self.proxy is not None:
            return super()._new_conn()
        named = self._dns_host
        try:
            # A name is looked up once: what was allowed is what is connected to.
            found = socket.getaddrinfo(named.strip("[]"), self.port, allowed_gai_family(), socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as cause:
            gone = cause if isinstance(cause, socket.gaierror) else socket.gaierror(str(cause))
            raise NameResolutionError(self.host, self, gone) from cause
        addresses = [str(each[4][0]) for each in found]
        failure: HTTPError = NewConnectionError(self, f"{self.host} is at an address where nothing is asked from here")
        for address in dict.fromkeys(each for each in addresses if not any(refuses(each) for refuses in self.refuses)):
            self._dns_host = address
            try:
                return super()._new_conn()
            except HTTPError as cause:
                failure = cause
            finally:
                self._dns_host = named
        raise failure


class _Encrypted(_Choosy, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Choosy


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls = _Encrypted


def connections(proxy: str, refuses: Refuses | None = None, **common: Any) -> PoolManager:
    """Connections, through a proxy where there is one, whose answers must come in time.

    ``refuses`` says to which addresses none is made; a proxy, which this machine was given, is asked for all.
    """
    if proxy:
        url = urllib3.util.parse_url(proxy if "://" in proxy else f"http://{proxy}")
        headers = urllib3.make_headers(proxy_basic_auth=unquote(url.auth)) if url.auth else None
        pools: PoolManager = urllib3.ProxyManager(url._replace(auth=None).url, proxy_headers=headers, **common)
    else:
        pools = PoolManager(**common)
    pools.pool_classes_by_scheme = {
        "http": _choosing(_PlainPool, refuses),
        "https": _choosing(_EncryptedPool, refuses),
    }
    return pools


def _choosing(pool: Any, refuses: Refuses | None) -> Any:
    if refuses is None:
        return pool
    connection = type(pool.ConnectionCls.__name__, (pool.ConnectionCls,), {"refuses": (refuses,)})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})
