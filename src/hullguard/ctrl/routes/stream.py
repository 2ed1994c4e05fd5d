"""Server-sent events: that something changed, never what; the console then asks for it and is authorised anew."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import msgspec
from litestar import get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from msgspec import Struct

from hullguard.access.iam import identify
from hullguard.access.iam.authorize import may
from hullguard.ctrl.call import Call
from hullguard.ctrl.guards import SIGNED_IN
from hullguard.model.errors import Denied, TooMany, Unauthenticated
from hullguard.model.identity import Permission

PING_SECONDS: Final = 15
RECHECK_SECONDS: Final = 5
STREAMS_MAX: Final = 500

NEEDED: Final = {
    "incident": Permission.INCIDENTS_READ,
    "node": Permission.NODES_READ,
    "container": Permission.NODES_READ,
    "image": Permission.IMAGES_READ,
    "exception": Permission.EXCEPTIONS_READ,
    "registry": Permission.REGISTRIES_READ,
    "policy": Permission.POLICIES_READ,
    "profile": Permission.POLICIES_READ,
    "command": Permission.COMMANDS_READ,
    "advisories": Permission.ADVISORIES_READ,
}
"""What one must be allowed to read to hear of a kind of thing; a kind that is not here is heard by nobody."""


class Change(Struct, frozen=True):
    """The message on the channel ``stream:TENANT``."""

    kind: str
    id: str


@get("/stream", permission=SIGNED_IN, media="text/event-stream", refusals=(429,))
async def stream(call: NamedDependency[Call]) -> Stream:
    """Changes, as server-sent events.

    `event:` is the kind of thing (incident, node, image, registry, exception, policy, profile, command, container,
    advisories), `data:` is `{"id": "..."}`. Only kinds that the caller may read are sent. A comment comes every 15
    seconds; the stream ends with the session.
    """
    state = call.request.app.state
    if state.streams >= STREAMS_MAX:
        raise TooMany("This server has too many open event streams.", "streams-exhausted", retry_after=PING_SECONDS)
    return Stream(
        _events(call),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(call: Call) -> AsyncIterator[bytes]:
    state = call.request.app.state
    state.streams += 1
    state.metrics.streams.inc()
    closing = asyncio.create_task(state.closing.wait())
    try:
        async with call.services.cache.subscribe(f"stream:{call.actor.scope.tenant}") as messages:
            yield b": connected\n\n"
            async for event in _until_closed(call, messages, closing):
                yield event
    finally:
        closing.cancel()
        state.streams -= 1
        state.metrics.streams.dec()


async def _until_closed(
    call: Call, messages: AsyncIterator[tuple[str, bytes]], closing: asyncio.Task[bool]
) -> AsyncIterator[bytes]:
    """Events and pings until the server stops or the caller is nobody any more.

    The pending read outlives a tick: cancelling it would end the subscription's generator.
    """
    loop = asyncio.get_running_loop()
    pinged = checked = loop.time()
    following = asyncio.create_task(_next(messages))
    try:
        while not closing.done():
            await asyncio.wait([following, closing], timeout=RECHECK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if loop.time() - checked >= RECHECK_SECONDS:
                if not await _still_allowed(call):
                    return
                checked = loop.time()
            if following.done():
                message = following.result()
                if message is None:
                    return
                event = _event(call, message)
                following = asyncio.create_task(_next(messages))
                if event is not None:
                    yield event
            if loop.time() - pinged >= PING_SECONDS:
                yield b": ping\n\n"
                pinged = loop.time()
    finally:
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following


async def _next(messages: AsyncIterator[tuple[str, bytes]]) -> bytes | None:
    async for _, message in messages:
        return message
    return None


def _event(call: Call, message: bytes) -> bytes | None:
    try:
        change = msgspec.msgpack.decode(message, type=Change)
    except msgspec.DecodeError:
        return None
    needed = NEEDED.get(change.kind)
    if needed is None or not may(call.actor, needed):
        return None
    return b"event: %s\ndata: %s\n\n" % (change.kind.encode(), msgspec.json.encode({"id": change.id}))


async def _still_allowed(call: Call) -> bool:
    """A session that ended, or a role that changed, ends the stream: the browser then connects as what it is now."""
    try:
        now = await identify.again(call.services.storage, call.caller)
    except (Unauthenticated, Denied):
        return False
    return now.actor == call.actor


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (stream,)
