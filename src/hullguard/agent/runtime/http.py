"""A small HTTP/1.1 client: for the local Docker daemon, and for the platform's CA at enrolment.

Our own because the agent must stay small on every node: aiodocker, with aiohttp below it, costs 11 MB of resident
memory (measured) for four GET requests; this costs nothing that the agent does not load anyway. Answers are bounded.
"""

import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from typing import NamedTuple

import msgspec

from hullguard.model.errors import Conflict, HullguardError, Invalid, NotFound, Unavailable

MAX_BODY = 32 * 1024 * 1024
_MAX_LINE = 64 * 1024
_MAX_HEADERS = 100
_PORT = re.compile(r"[0-9]{1,5}")


class Address(NamedTuple):
    """Where the daemon listens: a socket's path, or a host and a port."""

    path: str = ""
    host: str = ""
    port: int = 0
    tls: ssl.SSLContext | None = None
    name: str | None = None
    """What the certificate must be for, when it is not the host."""


class PeerAbsentError(Unavailable):
    """Nobody listens there, or whoever does stopped talking."""

    nature = "unreachable"


def parse_address(text: str) -> Address:
    """``unix:///run/docker.sock`` or ``tcp://host:port``, as ``DOCKER_HOST`` has it."""
    scheme, _, rest = text.partition("://")
    if scheme == "unix" and rest.startswith("/"):
        return Address(path=rest)
    host, _, port = rest.rpartition(":")
    if scheme in {"tcp", "http"} and host and _PORT.fullmatch(port) and 0 < int(port) < 65536:
        return Address(host=host.strip("[]"), port=int(port))
    raise Invalid(
        f"DOCKER_HOST is {text!r}; an agent reads unix:///path or tcp://host:port.", "agent.docker-host", host=text
    )


class _Request(NamedTuple):
    method: str
    target: str
    sent: bytes = b""
    kind: str = ""

    def head(self) -> bytes:
        length = f"Content-Length: {len(self.sent)}\r\n" if self.method == "POST" else ""
        kind = f"Content-Type: {self.kind}\r\n" if self.kind else ""
        return (
            f"{self.method} {self.target} HTTP/1.1\r\nHost: docker\r\n{length}{kind}Connection: close\r\n\r\n".encode()
        )


class HttpClient:
    """One connection per request: the daemon is local and the requests are few."""

    def __init__(self, address: Address, wait: float = 20.0, peer: str = "Docker") -> None:
        self._address, self._wait, self._peer = address, wait, peer

    async def get(self, target: str, max_body: int = MAX_BODY) -> bytes:
        """The body of a 2xx answer."""
        return await self._ask(_Request("GET", target), self._wait, max_body)

    async def post(self, target: str, wait: float | None = None, sent: bytes = b"", kind: str = "") -> bytes:
        """The same for a POST, which the daemon may take ``wait`` seconds to carry out; ``kind`` is a media type.

        An answer of 304 (it is so already) counts as done; ``Conflict`` when the daemon says that it cannot be.
        """
        return await self._ask(_Request("POST", target, sent, kind), self._wait if wait is None else wait, MAX_BODY)

    async def delete(self, target: str, wait: float | None = None) -> None:
        """The same for a DELETE; raises ``NotFound`` where there is no such thing."""
        await self._ask(_Request("DELETE", target), self._wait if wait is None else wait, MAX_BODY)

    async def _ask(self, request: "_Request", wait: float, max_body: int) -> bytes:
        target = request.target
        try:
            async with asyncio.timeout(wait), self._exchange(request) as body:
                content = bytearray()
                async for piece in body:
                    content += piece
                    if len(content) > max_body:
                        raise Unavailable(
                            f"{self._peer} answered {target} with over {max_body} bytes", "answer-too-large"
                        )
                return bytes(content)
        except TimeoutError as slow:
            raise PeerAbsentError(f"{self._peer} did not answer {target} within {wait:.0f} s") from slow

    async def lines(self, target: str) -> AsyncIterator[bytes]:
        """The lines of an answer without end; it ends with ``PeerAbsentError`` when the daemon does."""
        async with self._exchange(_Request("GET", target)) as body:
            rest = b""
            async for piece in body:
                *complete, rest = (rest + piece).split(b"\n")
                if len(rest) > _MAX_LINE * 16:
                    raise Unavailable(f"{self._peer} sent an endless line for {target}", "answer-too-large")
                for line in complete:
                    if line.strip():
                        yield line
        raise PeerAbsentError(f"{self._peer} ended the stream of events")

    @contextlib.asynccontextmanager
    async def _exchange(self, request: "_Request") -> AsyncIterator[AsyncIterator[bytes]]:
        target = request.target
        reader, writer = await self._connect()
        try:
            writer.write(request.head())
            writer.write(request.sent)
            await writer.drain()
            status, headers = await _head(reader)
            body = _body(reader, headers)
            if status // 100 != 2 and status != 304:
                raise _refused(self._peer, target, status, await _first(body))
            yield body
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as bad:
            raise PeerAbsentError(f"{self._peer} broke off while answering {target}: {bad}") from bad
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        address = self._address
        try:
            async with asyncio.timeout(self._wait):
                if address.path:
                    return await asyncio.open_unix_connection(address.path, limit=_MAX_LINE)
                return await asyncio.open_connection(
                    address.host, address.port, limit=_MAX_LINE, ssl=address.tls, server_hostname=address.name
                )
        except (OSError, TimeoutError, UnicodeError) as bad:  # the last: a host that is no name
            where = address.path or f"{address.host}:{address.port}"
            why = getattr(bad, "strerror", None) or str(bad) or "no answer"
            raise PeerAbsentError(
                f"{self._peer} cannot be reached at {where}: {why}",
                where=where,
            ) from bad


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    version, status, *_ = [*(await reader.readuntil(b"\r\n")).split(maxsplit=2), b"", b""]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise ValueError("not an HTTP answer")
    headers: dict[str, str] = {}
    for _ in range(_MAX_HEADERS):
        line = (await reader.readuntil(b"\r\n")).rstrip(b"\r\n")
        if not line:
            return int(status), headers
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    raise ValueError("too many headers")


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            async for piece in _exactly(reader, size):
                yield piece
            await reader.readexactly(2)
        return
    length = headers.get("content-length")
    if length is not None:
        async for piece in _exactly(reader, int(length)):
            yield piece
        return
    while piece := await reader.read(_MAX_LINE):
        yield piece


async def _exactly(reader: asyncio.StreamReader, size: int) -> AsyncIterator[bytes]:
    while size > 0:
        piece = await reader.read(min(size, _MAX_LINE))
        if not piece:
            raise asyncio.IncompleteReadError(b"", size)
        size -= len(piece)
        yield piece


async def _first(body: AsyncIterator[bytes]) -> bytes:
    async for piece in body:
        return piece
    return b""


def _refused(peer: str, target: str, status: int, body: bytes) -> HullguardError:
    try:
        message = str(msgspec.json.decode(body)["message"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        message = ""
    sentence = f"{peer} answered {target} with {status} {message}".rstrip()
    if status == 404:
        return NotFound(sentence)
    return Conflict(sentence, "answer-refused") if status == 409 else Unavailable(sentence, "answer-refused")
