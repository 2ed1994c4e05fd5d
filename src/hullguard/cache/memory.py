"""The cache inside one process; ``server.py`` lends it to the others."""

import asyncio
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

from hullguard.cache.interface import check_sizes
from hullguard.model.errors import LimitReached

OVERHEAD = 200
"""What an entry costs beyond its bytes, roughly."""


class _Entry(Struct):
    value: bytes
    expires: float
    count: int = 0


class Subscription:
    """The messages that one listener has not taken yet."""

    def __init__(self, channels: frozenset[str], limit: int) -> None:
        self.channels = channels
        self.dropped = 0
        self._limit = limit
        self._queue: deque[tuple[str, bytes]] = deque()
        self._filled = asyncio.Event()

    def offer(self, channel: str, message: bytes) -> int:
        """Take a message in; the number of old ones that had to go for it."""
        lost = 0
        if len(self._queue) >= self._limit:
            self._queue.popleft()
            self.dropped += 1
            lost = 1
        self._queue.append((channel, message))
        self._filled.set()
        return lost

    async def messages(self) -> AsyncIterator[tuple[str, bytes]]:
        """Oldest first, for ever."""
        while True:
            await self._filled.wait()
            while self._queue:
                yield self._queue.popleft()
            self._filled.clear()


class MemoryCache:
    """Bounded in entries, bytes, subscribers and messages; the entry least recently used goes first."""

    def __init__(
        self,
        *,
        max_entries: int = 100_000,
        max_bytes: int = 64 * 1024 * 1024,
        max_subscriptions: int = 10_000,
        queue: int = 1000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._subscribers: dict[str, set[Subscription]] = {}
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._max_subscriptions, self._queue = max_subscriptions, queue
        self._clock = clock
        self._bytes = 0
        self._subscriptions = 0
        self.dropped = 0
        """Messages that slow listeners never saw."""

    async def get(self, key: str) -> bytes | None:
        check_sizes(key)
        entry = self._live("v:" + key)
        return None if entry is None else entry.value

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        check_sizes(key, value)
        self._put("v:" + key, _Entry(value, self._clock() + ttl))

    async def delete(self, key: str) -> None:
        check_sizes(key)
        for kind in ("v:", "n:"):
            self._drop(kind + key)

    async def incr(self, key: str, window: float) -> int:
        check_sizes(key)
        entry = self._live("n:" + key)
        if entry is None:
            entry = _Entry(b"", self._clock() + window)
            self._put("n:" + key, entry)
        entry.count += 1
        return entry.count

    @asynccontextmanager
    async def lock(self, key: str, ttl: float) -> AsyncIterator[bool]:
        owner = secrets.token_bytes(16)
        held = await self.acquire(key, owner, ttl)
        try:
            yield held
        finally:
            if held:
                await self.release(key, owner)

    async def acquire(self, key: str, owner: bytes, ttl: float) -> bool:
        """Hold ``key`` for ``owner`` unless somebody else does."""
        check_sizes(key, owner)
        entry = self._live("l:" + key)
        if entry is not None and entry.value != owner:
            return False
        self._put("l:" + key, _Entry(owner, self._clock() + ttl))
        return True

    async def release(self, key: str, owner: bytes) -> None:
        """Free ``key``, unless its time ran out and it is another's by now."""
        entry = self._live("l:" + key)
        if entry is not None and entry.value == owner:
            self._drop("l:" + key)

    async def publish(self, channel: str, message: bytes) -> None:
        check_sizes(channel, message)
        for subscription in tuple(self._subscribers.get(channel, ())):
            self.dropped += subscription.offer(channel, message)

    @asynccontextmanager
    async def subscribe(self, *channels: str) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        subscription = self.listen(frozenset(channels))
        try:
            yield subscription.messages()
        finally:
            self.unlisten(subscription)

    def listen(self, channels: frozenset[str]) -> Subscription:
        """A subscription that lasts until ``unlisten``."""
        for channel in channels:
            check_sizes(channel)
        if self._subscriptions >= self._max_subscriptions:
            raise LimitReached(f"the cache has {self._subscriptions} listeners already", "cache.listeners")
        self._subscriptions += 1
        subscription = Subscription(channels, self._queue)
        for channel in channels:
            self._subscribers.setdefault(channel, set()).add(subscription)
        return subscription

    def unlisten(self, subscription: Subscription) -> None:
        """End a subscription."""
        self._subscriptions -= 1
        for channel in subscription.channels:
            listeners = self._subscribers[channel]
            listeners.discard(subscription)
            if not listeners:
                del self._subscribers[channel]

    def _live(self, key: str) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.expires <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry

    def _put(self, key: str, entry: _Entry) -> None:
        self._drop(key)
        self._entries[key] = entry
        self._bytes += _size(key, entry)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size(key, entry)


def _size(key: str, entry: _Entry) -> int:
    return len(key) + len(entry.value) + OVERHEAD
