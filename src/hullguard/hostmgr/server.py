"""The agents' port: one WebSocket path for enrolment, one for sessions, and the CA for whoever has a pin for it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from websockets.asyncio.server import serve as listen

from hullguard.cache import Cache
from hullguard.hostmgr import tls
from hullguard.hostmgr.authority import Authority
from hullguard.hostmgr.config import HostmgrConfig
from hullguard.hostmgr.fleet import Fleet, Gateway
from hullguard.hostmgr.ingest import Ingest
from hullguard.hostmgr.metrics import Metrics
from hullguard.hostmgr.port import Port
from hullguard.hostmgr.rounds import Rounds
from hullguard.hostmgr.wakes import Wakes
from hullguard.storage import Storage
from hullguard.wire import limits

__all__ = ["HostmgrConfig", "serve"]

OPEN_SECONDS = 10
CLOSE_SECONDS = 5
PING_SECONDS = 30
QUEUE_FRAMES = 2
"""Frames of one agent that wait to be read: with the frame's bound, the memory that a silent flood can take."""


async def serve(
    config: HostmgrConfig,
    storage: Storage,
    cache: Cache,
    authority: Authority,
    stop: asyncio.Event,
    *,
    ready: Callable[[], object] | None = None,
) -> None:
    """Serves agents until ``stop`` is set; ``ready`` is called when the first may connect."""
    metrics = Metrics()
    gateway = Gateway(
        config, storage, cache, authority, metrics, Ingest(storage, cache, metrics), Fleet(), Wakes(cache)
    )
    context = tls.server_context(authority, config.names)
    port = Port(gateway)
    async with AsyncExitStack() as running:
        if config.metrics_port is not None:
            figures, _ = metrics.expose(config.metrics_port)
            running.callback(figures.server_close)
            running.callback(figures.shutdown)
        running.push_async_callback(gateway.wakes.close)
        parts = [gateway.ingest.run(), Rounds(gateway).run(), tls.keep_fresh(context, authority, config.names)]
        guard = await running.enter_async_context(_together(parts))
        await running.enter_async_context(
            listen(
                port.serve,
                sock=config.listener,
                ssl=context,
                process_request=port.admit,
                compression=None,
                server_header=None,
                open_timeout=OPEN_SECONDS,
                close_timeout=CLOSE_SECONDS,
                ping_interval=PING_SECONDS,
                ping_timeout=PING_SECONDS,
                max_size=limits.FRAME_BYTES,
                max_queue=QUEUE_FRAMES,
            )
        )
        if ready is not None:
            ready()
        await _either(guard, stop)
        await port.stop(CLOSE_SECONDS)


async def _either(guard: "asyncio.Future[list[None]]", stop: asyncio.Event) -> None:
    """Waits until the server is to stop; raises if one of its parts failed before."""
    stopping = asyncio.create_task(stop.wait())
    try:
        parts: set[asyncio.Future[Any]] = {stopping, guard}
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    if guard.done():
        guard.result()


@asynccontextmanager
async def _together(parts: list[Coroutine[Any, Any, None]]) -> AsyncIterator["asyncio.Future[list[None]]"]:
    """Runs the parts that must never end; the future fails as soon as one of them does."""
    tasks = [asyncio.create_task(part) for part in parts]
    guard = asyncio.gather(*tasks)
    try:
        yield guard
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        # What they ended with was looked at while they mattered.
        guard.cancelled() or guard.exception()
