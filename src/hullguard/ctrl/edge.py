"""The outermost layer of every answer: a request id, the security headers and the figures."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import Message, Receive, Scope, Send

from hullguard.ctrl.metrics import Metrics
from hullguard.model.ids import new_id

API: Final = "/api/"
_STATE: Final = "hullguard"

# The component library sets styles from code, hence 'unsafe-inline' for them alone: a style cannot run code, and no
# page holds secrets in attributes that a selector could read.
CONTENT_SECURITY_POLICY: Final = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


def request_id(scope: Any) -> str:
    """The number under which logs, answers and the audit know this request. Never the caller's word."""
    return str(scope.get("state", {}).get(_STATE, ""))


class Edge:
    """Wraps the application, so that unknown routes and faults get the same treatment as everything else."""

    def __init__(self, inner: Asgi, metrics: Metrics, *, secure: bool) -> None:
        self._inner, self._metrics = inner, metrics
        fixed = dict(_HEADERS)
        if secure:
            fixed["strict-transport-security"] = "max-age=31536000"
        self._fixed = [(name.encode(), value.encode()) for name, value in fixed.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._inner(scope, receive, send)
            return
        number = new_id()
        scope.setdefault("state", {})[_STATE] = number
        started = time.perf_counter()

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                added = [*self._fixed, (b"x-request-id", number.encode())]
                if scope["path"].startswith(API):
                    added.append((b"cache-control", b"no-store"))
                message["headers"] = [*message["headers"], *(pair for pair in added if pair[0] not in present)]
                route = str(scope.get("path_template") or "unknown")
                self._metrics.request(str(scope.get("method")), route, message["status"], time.perf_counter() - started)
            await send(message)

        await self._inner(scope, receive, finish)
