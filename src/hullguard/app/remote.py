"""A platform that runs elsewhere, as a command asks it over its REST API: signed in by a token, patient, bounded."""

import functools
import random
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from hullguard import __version__
from hullguard.inventory.source.registry import trust
from hullguard.inventory.source.registry.answers import final, plainly, reason, retry_after
from hullguard.inventory.source.registry.proxies import proxy_for
from hullguard.inventory.source.registry.reference import is_loopback
from hullguard.model.decoding import wrong
from hullguard.model.errors import (
    Conflict,
    Denied,
    HullguardError,
    Invalid,
    LimitReached,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from hullguard.model.report import ScanReport
from hullguard.model.submission import Submission

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

T = TypeVar("T")

CONNECT_SECONDS: Final = 15.0
READ_SECONDS: Final = 60.0
ATTEMPTS: Final = 6
PATIENCE_SECONDS: Final = 300.0
"""All waiting of one request together: after that the platform is told to be unavailable."""
_LONGEST_PAUSE: Final = 30.0
_PIECE: Final = 1 << 16
_SMALL: Final = 1 << 20
_LARGEST_REPORT: Final = 1 << 28
_AGAIN: Final = frozenset({429, 502, 503, 504})
_WAITS: Final = "submission.waits"
_NATURES: Final[Mapping[int, type[HullguardError]]] = {
    401: Unauthenticated,
    403: Denied,
    404: NotFound,
    409: Conflict,
    413: LimitReached,
}


class _Problem(Struct):
    """An RFC 9457 problem, as far as it matters here."""

    detail: str = ""
    code: str = ""


class Platform:
    """One server, which a token signs in to."""

    def __init__(
        self,
        server: str,
        token: str,
        ca_file: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        waits: Callable[[HullguardError, float], None] = lambda _why, _seconds: None,
    ) -> None:
        """Raises ``Invalid`` where ``server`` is no address to which a token may go.

        ``waits`` hears why a request failed that is made once more, and in how many seconds.
        """
        self._server = _address(server)
        self._headers = {
            "Authorization": f"Bearer {token}",
            "User-Agent": f"hullguard/{__version__}",
            "Accept-Encoding": "identity",
        }
        self._sleep = sleep
        self._waits = waits
        self._pool = self._connections(ca_file)

    @property
    def url(self) -> str:
        """Where it is, without a slash at the end."""
        return self._server

    def submit(self, body: bytes, key: str, sent: Callable[[int], None]) -> Submission:
        """Hand in what ``wire.submission.pack`` packed, once, however often it has to be sent.

        ``key`` names this one; ``sent`` hears how many more bytes are on their way.
        """
        headers = {
            "Content-Type": "application/json",
            "Content-Encoding": "zstd",
            "Content-Length": str(len(body)),
            "Idempotency-Key": key,
        }
        answer = self._ask("POST", "/submissions", headers, lambda: _pieces(body, sent))
        return self._decoded(answer, Submission, _SMALL)

    def report(self, submission: str, seconds: float) -> ScanReport:
        """What is wrong with it, once that is known; raises ``Unavailable`` where it is not within so many seconds."""
        until = time.monotonic() + seconds
        pause = 0.5
        while True:
            try:
                answer = self._ask("GET", f"/submissions/{quote(submission, safe='')}/report", {}, None)
            except Conflict as waits:
                if waits.code != _WAITS:
                    raise
                if time.monotonic() + pause > until:
                    raise Unavailable(
                        f"the platform {self._server} has not matched it within {seconds:.0f} seconds; it goes on, "
                        "and the console will show what comes of it",
                        "platform.slow",
                    ) from waits
                self._sleep(pause)
                pause = min(pause * 1.5, 5.0)
            else:
                return self._decoded(answer, ScanReport, _LARGEST_REPORT)

    def _connections(self, ca_file: Path | None) -> "PoolManager":
        from urllib3 import Timeout

        from hullguard.net.connections import connections

        context = trust.named(ca_file) if ca_file is not None else None
        timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        return connections(proxy_for(self._server), timeout=timeout, ssl_context=context)

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: Callable[[], Iterator[bytes]] | None
    ) -> "BaseHTTPResponse":
        """An answer of success; asks again where the platform is busy or a connection broke."""
        from urllib3.exceptions import HTTPError

        waited = 0.0
        for attempt in range(1, ATTEMPTS + 1):
            asked = None
            failure: HullguardError
            try:
                answer = self._send(method, path, headers, body)
            except (HTTPError, OSError) as cause:
                failure = self._unreachable(cause)
                if final(cause):
                    raise failure from cause
            else:
                if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
                    return answer
                asked = retry_after(answer.headers.get("Retry-After", ""))
                failure = self._refusal(answer)
                if answer.status not in _AGAIN:
                    raise failure
            pause = asked if asked is not None else min(2.0**attempt / 2, _LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311
            waited += pause
            if attempt == ATTEMPTS or waited > PATIENCE_SECONDS:
                raise failure
            self._waits(failure, pause)
            self._sleep(pause)
        raise AssertionError  # the last attempt returned or raised

    def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: Callable[[], Iterator[bytes]] | None
    ) -> "BaseHTTPResponse":
        return self._pool.request(
            method,
            f"{self._server}/api/v1{path}",
            headers={**self._headers, **headers},
            body=None if body is None else body(),
            redirect=False,
            retries=False,
            preload_content=False,
        )

    def _decoded(self, answer: "BaseHTTPResponse", kind: type[T], most: int) -> T:
        content = self._content(answer, most)
        try:
            return msgspec.json.decode(content, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            sentence = f"{self._server} does not answer as a platform of this version does: {wrong(cause)[:300]}"
            raise Unavailable(sentence, "platform.strange") from cause

    def _content(self, answer: "BaseHTTPResponse", most: int) -> bytes:
        from urllib3.exceptions import HTTPError

        from hullguard.net.pace import Pace

        pace = Pace(f"the platform {self._server}")
        parts: list[bytes] = []
        left = most + 1
        try:
            while left and (data := pace.read(lambda count: answer.read(min(count, _PIECE)), left)):
                parts.append(data)
                left -= len(data)
        except HTTPError as cause:
            raise self._unreachable(cause) from cause
        finally:
            answer.close()
        if not left:
            raise LimitReached(f"the platform {self._server} answers with more than {most} bytes", "platform.too-much")
        return b"".join(parts)

    def _refusal(self, answer: "BaseHTTPResponse") -> HullguardError:
        from urllib3.exceptions import HTTPError

        from hullguard.net.answers import words

        status = answer.status
        if location := answer.headers.get("Location"):
            answer.close()
            sentence = (
                f"{self._server} leads to {location[:200]!r}, where no token is sent; name the platform's own address"
            )
            return Invalid(sentence, "platform.elsewhere")
        body = words(functools.partial(answer.read1, decode_content=False), _SMALL, HTTPError)
        answer.close()
        try:
            problem = msgspec.json.decode(body, type=_Problem)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            problem = _Problem()
        if not problem.detail:
            return Unavailable(f"{self._server} answers {status}, not as a platform does", "platform.strange")
        nature = _NATURES.get(status, Invalid if status < HTTPStatus.INTERNAL_SERVER_ERROR else Unavailable)
        nature = Unavailable if status in _AGAIN else nature
        return nature(f"the platform {self._server} refuses: {problem.detail[:1000].rstrip('.')}", problem.code)

    def _unreachable(self, cause: Exception) -> Unavailable:
        why = reason(cause)
        hint = ""
        if isinstance(why, ssl.SSLCertVerificationError):
            hint = "; if its certificate is the platform's own, say --server-ca"
        return Unavailable(
            f"the platform {self._server} cannot be reached: {plainly(cause)[:500]}{hint}", "platform.unreachable"
        )


def _pieces(body: bytes, sent: Callable[[int], None]) -> Iterator[bytes]:
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE]
        sent(len(piece))
        yield piece


def _address(server: str) -> str:
    try:
        parts = urlsplit(server)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if host is None or parts.scheme not in ("http", "https") or parts.query or parts.fragment or parts.username:
        raise Invalid(
            f"{server[:200]!r} is no address of a platform; write https://HOST or https://HOST:PORT", "platform.address"
        )
    if parts.scheme == "http" and not is_loopback(host):
        sentence = f"{server[:200]} would show the token to everybody on the way; write https://"
        raise Invalid(sentence, "platform.plain")
    return server.rstrip("/")
