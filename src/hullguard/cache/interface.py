"""What a cache promises.

Losing the cache loses speed, never data: whatever stands in it can be computed or read again. So a cache that cannot
be reached answers like an empty one: ``get`` finds nothing, ``set`` and ``publish`` are dropped (and counted), ``lock``
yields False. ``incr`` alone raises ``Unavailable``: it throttles sign-ins, and a throttle that cannot count must not
guess; its callers fail closed with 503.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hullguard.model.errors import Invalid

KEY_MAX = 512
VALUE_MAX = 1024 * 1024
"""Larger keys and values raise ``Invalid``: they are a fault of the caller, not of the cache."""


class Cache(Protocol):
    """Values with a time to live, counters, locks, and messages to whoever listens."""

    async def get(self, key: str) -> bytes | None:
        """The value, if it was set and its time has not run out."""

    async def set(self, key: str, value: bytes, ttl: float) -> None:
        """Keep ``value`` for ``ttl`` seconds, or less when room is needed."""

    async def delete(self, key: str) -> None:
        """Forget ``key``: its value and its counter."""

    async def incr(self, key: str, window: float) -> int:
        """Count one more; the count starts again ``window`` seconds after the first."""

    def lock(self, key: str, ttl: float) -> AbstractAsyncContextManager[bool]:
        """Try once to hold ``key``; yields whether it is held. ``ttl`` seconds later it is free whatever happened."""

    async def publish(self, channel: str, message: bytes) -> None:
        """Hand ``message`` to everyone who listens now; nobody else will ever see it."""

    def subscribe(self, *channels: str) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes]]]:
        """Listen from the moment the block is entered; a listener that is too slow loses its oldest messages."""


def check_sizes(key: str, value: bytes = b"") -> None:
    """Raise ``Invalid`` for a key or a value that no cache takes."""
    if len(key) > KEY_MAX or len(value) > VALUE_MAX:
        raise Invalid(
            f"the cache takes keys up to {KEY_MAX} characters and values up to {VALUE_MAX} bytes; "
            f"this one has {len(key)} and {len(value)}",
            "cache.too-large",
        )
