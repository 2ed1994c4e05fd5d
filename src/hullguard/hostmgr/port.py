"""What happens to a connection: who may come in by which path, and how a refusal is said, whatever its cause."""

import asyncio
import http
from contextlib import suppress

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from hullguard.hostmgr import tls
from hullguard.hostmgr.enrol import enrol, pace
from hullguard.hostmgr.fleet import Gateway
from hullguard.hostmgr.session import NodeSession
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage.stores import Nodes
from hullguard.storage.stores.certificates import NodeIdentity
from hullguard.wire import codec
from hullguard.wire.enrolment import CA_PATH, ENROL_PATH, SESSION_PATH
from hullguard.wire.messages import Refusal
from hullguard.wire.violation import Code, Violation

REQUEST_SECONDS = 10
REFUSAL_SECONDS = 2
RETRY_SECONDS = 10
"""What a refused agent that may come back is told to wait at least; it adds its own jitter."""
REFUSED = 4000
"""The WebSocket close code after a refusal (from the range for private use)."""

log = structlog.get_logger()


class Port:
    """The two paths, and the bounds on who uses them at once."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._connections = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answers plain requests, and turns away what cannot become a session; None lets the WebSocket open."""
        path = request.path.partition("?")[0]
        if path == CA_PATH:
            return _plain(http.HTTPStatus.OK, self._gateway.authority.ca_pem, "application/x-pem-file")
        if path not in (ENROL_PATH, SESSION_PATH):
            return _plain(http.HTTPStatus.NOT_FOUND, "There is nothing here but the agents' paths.\n")
        if path == SESSION_PATH and tls.fingerprint(connection) is None:
            self._gateway.metrics.refusals.labels(Code.CERTIFICATE_REQUIRED).inc()
            return _plain(http.HTTPStatus.UNAUTHORIZED, "A session needs the certificate of an enrolled node.\n")
        if self._connections >= self._gateway.config.max_connections:
            self._gateway.metrics.refusals.labels(Code.SERVER_BUSY).inc()
            return _plain(http.HTTPStatus.SERVICE_UNAVAILABLE, "This server has all the agents that it can hold.\n")
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """One connection, from the opened WebSocket to its end."""
        self._connections += 1
        self._empty.clear()
        try:
            await self._serve(connection)
        except ConnectionClosed:
            pass
        except (TimeoutError, Violation, HullguardError) as cause:
            await self._refuse(connection, _violation(cause))
        except Exception:
            log.exception("a session broke")
            await self._refuse(connection, Violation(Code.SERVER_ERROR, "the server failed; see its log"))
        finally:
            self._connections -= 1
            if not self._connections:
                self._empty.set()

    async def stop(self, seconds: float) -> None:
        """Tells every agent that the server goes, and waits for them to hang up, but not for ever."""
        for session in self._gateway.fleet:
            session.end(Violation(Code.SERVER_STOPPING, "this server is stopping; another one may answer"))
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def _serve(self, connection: ServerConnection) -> None:
        # Read before anything is refused: a peer that is still writing would not see why it is cut off.
        async with asyncio.timeout(REQUEST_SECONDS):
            first = await connection.recv()
        if isinstance(first, str):
            raise Violation(Code.MESSAGE_MALFORMED, "a text message came; the protocol is binary")
        request = connection.request
        if request is not None and request.path.partition("?")[0] == SESSION_PATH:
            identity = await self._identify(connection)
            with self._gateway.metrics.sessions.track_inprogress():
                await NodeSession(connection, identity, self._gateway).run(first)
        else:
            await self._enrol(connection, first)

    async def _identify(self, connection: ServerConnection) -> NodeIdentity:
        certificate = tls.fingerprint(connection)
        if certificate is None:
            raise Violation(Code.CERTIFICATE_REQUIRED, "a session needs the certificate of an enrolled node")
        async with self._gateway.storage.reading(Scope(DEFAULT_TENANT)) as tx:
            identity = await Nodes(tx).by_certificate(certificate)
        if identity is None:
            raise Violation(
                Code.CERTIFICATE_UNKNOWN, "this certificate is revoked, expired or unknown; enrol the node again"
            )
        return identity

    async def _enrol(self, connection: ServerConnection, first: bytes) -> None:
        source = str(connection.remote_address[0])
        await pace(source, self._gateway)
        request = codec.decode_enrolment_request(codec.decode_frame(first).body)
        answer = await enrol(request, source, self._gateway)
        await connection.send(codec.encode_frame(codec.encode(answer)))

    async def _refuse(self, connection: ServerConnection, violation: Violation) -> None:
        code = violation.refusal
        self._gateway.metrics.refusals.labels(code).inc()
        log.info("refused", code=code, reason=str(violation), peer=connection.remote_address)
        refusal = Refusal(code, str(violation)[:500], None if code.final else RETRY_SECONDS)
        try:
            async with asyncio.timeout(REFUSAL_SECONDS):
                await connection.send(codec.encode_frame(codec.encode(refusal)))
                await connection.close(REFUSED, code)
        except (ConnectionClosed, TimeoutError):
            # Whoever does not even read why is cut off.
            connection.transport.abort()


def _violation(cause: Exception) -> Violation:
    if isinstance(cause, Violation):
        return cause
    if isinstance(cause, TimeoutError):
        return Violation(Code.HELLO_EXPECTED, "the first message did not come in time")
    if isinstance(cause, Unavailable):
        return Violation(Code.SERVER_BUSY, str(cause))
    return Violation(Code.REQUEST_INVALID, str(cause))


def _plain(status: http.HTTPStatus, text: str, kind: str = "text/plain; charset=utf-8") -> Response:
    body = text.encode()
    headers = Headers({"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)
