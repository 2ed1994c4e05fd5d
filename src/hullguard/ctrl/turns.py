"""Work that takes much of a processor or of memory has few places, and few who wait for one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hullguard.model.errors import Unavailable


class Turns:
    """At most ``places`` work at once in this replica and ``waiting`` more wait; whoever comes then comes later."""

    def __init__(self, places: int, waiting: int, *, retry_seconds: int) -> None:
        self._turn = asyncio.Semaphore(places)
        self._room = places + waiting
        self._here = 0
        self._retry = retry_seconds

    @asynccontextmanager
    async def one(self, what: str) -> AsyncIterator[None]:
        """A place, once there is one. ``what`` says in the plural what too many are asked for: "reports"."""
        if self._here >= self._room:
            raise Unavailable(
                f"Too many {what} are under way just now. Try again in {self._retry} seconds.",
                "too-busy",
                retry_after=self._retry,
            )
        self._here += 1
        try:
            async with self._turn:
                yield
        finally:
            self._here -= 1
