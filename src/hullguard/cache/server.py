"""Lends one process's ``MemoryCache`` to the other processes of this machine, over a unix socket."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hullguard.cache import frames
from hullguard.cache.memory import MemoryCache
from hullguard.model.errors import Conflict, HullguardError, Invalid

CLIENTS_MAX = 1000
GONE = (asyncio.IncompleteReadError, ConnectionError)


@asynccontextmanager
async def serve_local(cache: MemoryCache, path: Path) -> AsyncIterator[None]:
    """Serve ``cache`` at ``path`` while the block runs. Only this user may connect: the socket's mode is 0600."""
    listener = _listen(path)
    clients: set[asyncio.Task[None]] = set()

    # Not a coroutine: asyncio would log the cancellation below as an error of the callback.
    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(clients) >= CLIENTS_MAX:
            writer.close()
            return
        task = asyncio.create_task(_converse(cache, reader, writer))
        clients.add(task)
        task.add_done_callback(clients.discard)

    server = await asyncio.start_unix_server(connected, sock=listener, limit=frames.FRAME_MAX)
    try:
        yield
    finally:
        server.close()
        for task in tuple(clients):
            task.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
        _remove_stale(path)


def _listen(path: Path) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mask, not a later chmod: between bind and chmod anybody could connect.
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as cause:
        listener.close()
        raise Invalid(f"cannot listen at {path} for the cache: {cause.strerror or cause}", "cache.socket") from cause
    finally:
        os.umask(mask)
    return listener


def _remove_stale(path: Path) -> None:
    """Remove the socket of a server that was killed; never anything else, never a living server's."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Conflict(f"{path} is in the way of the cache's socket and is no socket; move it", "cache.socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            raise Conflict(f"another process serves a cache at {path}; stop it or use another data directory")


async def _converse(cache: MemoryCache, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(*GONE, HullguardError):  # a client that sends rubbish, or listens once too often, is hung up on
            while True:
                request = await frames.read(reader, frames.REQUESTS)
                if isinstance(request, frames.Subscribe):
                    await _feed(cache, request, reader, writer)
                    return
                writer.write(frames.pack(await _answer(cache, request)))
                await writer.drain()
    finally:
        writer.close()


async def _answer(cache: MemoryCache, request: frames.Request) -> frames.Answer:
    try:
        return frames.Answer(await _value(cache, request))
    except HullguardError as refused:
        return frames.Answer(error=str(refused))


async def _value(cache: MemoryCache, request: frames.Request) -> bytes | int | bool | None:
    match request:
        case frames.Get():
            return await cache.get(request.key)
        case frames.Incr():
            return await cache.incr(request.key, request.window)
        case frames.Acquire():
            return await cache.acquire(request.key, request.owner, request.ttl)
        case frames.Set():
            await cache.set(request.key, request.value, request.ttl)
        case frames.Delete():
            await cache.delete(request.key)
        case frames.Release():
            await cache.release(request.key, request.owner)
        case frames.Publish():
            await cache.publish(request.channel, request.message)
        case frames.Subscribe():
            raise Invalid("a subscription needs a connection of its own", "cache.frame")
    return None


async def _feed(
    cache: MemoryCache, request: frames.Subscribe, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    async def send() -> None:
        async for channel, message in subscription.messages():
            writer.write(frames.pack(frames.Message(channel, message)))
            await writer.drain()

    subscription = cache.listen(frozenset(request.channels))
    sending = asyncio.create_task(send())
    # Nothing more is expected from the client: the read ends when it goes, and that is how its going is noticed.
    waiting = asyncio.create_task(reader.read(1))
    try:
        writer.write(frames.pack(frames.Answer()))
        await asyncio.wait({sending, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        cache.unlisten(subscription)
        for task in (sending, waiting):
            task.cancel()
        await asyncio.gather(sending, waiting, return_exceptions=True)
