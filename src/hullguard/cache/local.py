"""The cache of another process on this machine, reached over its unix socket.

It reconnects by itself and takes its subscriptions up again; messages published meanwhile are lost, as the interface
says. While nobody answers, an attempt to connect is made at most every few seconds, so a dead cache costs no time.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from hullguard.cache import frames
from hullguard.cache.interface import check_sizes
from hullguard.cache.memory import Subscription
from hullguard.model.errors import HullguardError, Invalid, Unavailable

TIMEOUT = 5.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
QUEUE = 1000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pause:
    """How long to leave a cache alone that did not answer: longer each time, and never the same for two clients."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def take(self) -> float:
        pause = self._next * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, hides nothing
        self._next = min(self._next * 2, LONGEST_PAUSE)
        return pause

    def reset(self) -> None:
        self._next = FIRST_PAUSE


class LocalCache:
    """A client of ``serve_local``; safe to share between tasks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams: Streams | None = None
        self._turn = asyncio.Lock()
        self._pause = _Pause()
        self._retry_at = 0.0
        self.dropped = 0
        """Writes and messages that no cache took, and messages that slow listeners here never saw."""

    async def get(self, key: str) -> bytes | None:
        check_sizes(key)
        try:
            value = await self._ask(frames.Get(key))
        except Unavailable:
            return None
        return value if isinstance(value, bytes) else None

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        check_sizes(key, value)
        await self._tell(frames.Set(key, value, frames.seconds(ttl)))

    async def delete(self, key: str) -> None:
        check_sizes(key)
        await self._tell(frames.Delete(key))

    async def incr(self, key: str, window: float) -> int:
        check_sizes(key)
        count = await self._ask(frames.Incr(key, frames.seconds(window)))
        if not isinstance(count, int):
            raise Unavailable(f"the cache at {self._path} did not count", "cache.unavailable")
        return count

    @asynccontextmanager
    async def lock(self, key: str, ttl: float) -> AsyncIterator[bool]:
        check_sizes(key)
        owner = secrets.token_bytes(16)
        try:
            held = await self._ask(frames.Acquire(key, owner, frames.seconds(ttl))) is True
        except Unavailable:
            held = False
        try:
            yield held
        finally:
            if held:
                await self._tell(frames.Release(key, owner))

    async def publish(self, channel: str, message: bytes) -> None:
        check_sizes(channel, message)
        await self._tell(frames.Publish(channel, message))

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        for channel in channels:
            check_sizes(channel)  # the server would hang up, and this listener would never hear why
        subscription = Subscription(frozenset(channels), QUEUE)
        tried = asyncio.Event()
        listening = asyncio.create_task(self._listen(subscription, tried))
        try:
            await tried.wait()
            yield subscription.messages()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def close(self) -> None:
        """Hang up."""
        async with self._turn:
            await self._hang_up()

    async def _tell(self, request: frames.Request) -> None:
        try:
            await self._ask(request)
        except Unavailable:
            self.dropped += 1

    async def _ask(self, request: frames.Request) -> bytes | int | bool | None:
        async with self._turn:
            if self._streams is None and time.monotonic() < self._retry_at:
                raise Unavailable(f"the cache at {self._path} did not answer a moment ago", "cache.unavailable")
            try:
                async with asyncio.timeout(TIMEOUT):
                    answer = await self._exchange(request)
            except (OSError, EOFError, TimeoutError, HullguardError) as cause:
                await self._hang_up()
                self._retry_at = time.monotonic() + self._pause.take()
                raise Unavailable(f"the cache at {self._path} does not answer: {cause}", "cache.unavailable") from cause
            except asyncio.CancelledError:
                # The answer may still come, and would be taken for the next question's.
                await self._hang_up()
                raise
        if answer.error is not None:
            raise Invalid(answer.error, "cache.refused")
        return answer.value

    async def _exchange(self, request: frames.Request) -> frames.Answer:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path), limit=frames.FRAME_MAX)
            self._pause.reset()
        reader, writer = self._streams
        writer.write(frames.pack(request))
        await writer.drain()
        return await frames.read(reader, frames.ANSWERS)

    async def _hang_up(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _listen(self, subscription: Subscription, tried: asyncio.Event) -> None:
        pause = _Pause()
        while True:
            with suppress(OSError, EOFError, HullguardError):
                reader, writer = await asyncio.open_unix_connection(str(self._path), limit=frames.FRAME_MAX)
                try:
                    writer.write(frames.pack(frames.Subscribe(tuple(sorted(subscription.channels)))))
                    await frames.read(reader, frames.ANSWERS)
                    pause.reset()
                    tried.set()
                    while True:
                        message = await frames.read(reader, frames.MESSAGES)
                        self.dropped += subscription.offer(message.channel, message.message)
                finally:
                    writer.close()
            tried.set()
            await asyncio.sleep(pause.take())
