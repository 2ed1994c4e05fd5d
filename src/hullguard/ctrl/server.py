"""The application, and how one process serves it."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import uvicorn
from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import Receive, Scope, Send

from hullguard.ctrl import console
from hullguard.ctrl.addresses import networks
from hullguard.ctrl.call import provide_call, provide_filters, provide_visit
from hullguard.ctrl.decoding import StrictRequest
from hullguard.ctrl.edge import Edge
from hullguard.ctrl.errors import HANDLERS
from hullguard.ctrl.guards import gate
from hullguard.ctrl.metrics import Metrics
from hullguard.ctrl.routes import image_reports, registries, submissions
from hullguard.ctrl.routes.catalog import ROUTES
from hullguard.ctrl.services import Services

BODY_MAX: Final = 1024 * 1024
_GRACE_SECONDS: Final = 5
_CONNECTIONS_MAX: Final = 2000
_HEADERS_MAX: Final = 64 * 1024


class ControlPlane(Litestar):
    """Litestar inside the edge, which also covers what no route matches."""

    edge: Edge

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Every request of the process comes through here."""
        await self.edge(scope, receive, send)

    async def inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The framework, without the edge."""
        await super().__call__(scope, receive, send)


def create_app(services: Services) -> Litestar:
    """The ASGI application. Raises ``ValueError`` if a trusted proxy's address cannot be read."""
    metrics = Metrics()
    app = ControlPlane(
        [*ROUTES, console.console],
        dependencies={
            "call": Provide(provide_call, sync_to_thread=False),
            "visit": Provide(provide_visit, sync_to_thread=False),
            "filters": Provide(provide_filters, sync_to_thread=False),
        },
        exception_handlers=dict(HANDLERS),  # type: ignore[arg-type]
        guards=[gate],
        logging_config=None,  # app/logs.py has set it up for the whole process
        openapi_config=None,
        request_class=StrictRequest,
        request_max_body_size=BODY_MAX,
        state=State(
            {
                "services": services,
                "metrics": metrics,
                "trusted_proxies": networks(services.settings.trusted_proxies),
                "console": console.load(services.settings.static),
                "closing": asyncio.Event(),
                "streams": 0,
                "uploading": asyncio.Lock(),
                "reporting": image_reports.make_turns(),
                "submitting": submissions.make_turns(),
                "testing_registries": registries.make_turns(),
                "uploading_advisories": asyncio.Lock(),
            }
        ),
    )
    app.edge = Edge(app.inside, metrics, secure=services.settings.secure_cookies)
    return app


class _Server(uvicorn.Server):
    """Leaves signals to the supervisor, which sets ``stop``, and says when it has started."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()


async def serve(
    services: Services,
    listener: socket.socket,
    stop: asyncio.Event,
    *,
    certificate: Path | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve on a listening socket until ``stop`` is set; ``ready`` is called once requests are answered.

    ``certificate`` is one PEM file with the key, the certificate and its chain. Requests in flight get a few seconds to
    finish, event streams end at once.
    """
    app = create_app(services)
    if listener.family != socket.AF_UNIX:
        # Head and body of an answer are two writes: without this the second waits 40 ms for the client's
        # acknowledgement of the first. Accepted connections inherit it; asyncio sets it only where the
        # listener names its protocol.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # ctrl/addresses.py decides whom to believe
        lifespan="off",
        ws="none",
        ssl_certfile=certificate,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=_HEADERS_MAX,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve([listener]))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        app.state.closing.set()
        server.should_exit = True
        stopping.cancel()
        await serving
