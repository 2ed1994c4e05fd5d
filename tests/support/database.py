"""A migrated SQLite file per test, a clock that tests turn by hand, and a walk over every page of a list."""

import asyncio
import functools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest_asyncio

from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.model.page import Page
from hullguard.storage import PageRequest, Storage, Transaction

T = TypeVar("T")

SCOPE = Scope(DEFAULT_TENANT)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """Stands still until a test moves it."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        """Let time pass: ``clock.forward(seconds=91)``."""
        self.now += timedelta(**by)
        return self.now


@pytest_asyncio.fixture
async def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def storage(tmp_path: Path, clock: Clock) -> AsyncIterator[Storage]:
    path = tmp_path / "hullguard.db"
    path.write_bytes(await asyncio.to_thread(_migrated))
    opened = Storage.open(f"sqlite:///{path}", clock=clock)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def tx(storage: Storage) -> AsyncIterator[Transaction]:
    """A writing transaction of the default tenant; committed when the test ends."""
    async with storage.transaction(SCOPE) as opened:
        yield opened


class Bench:
    """One writing transaction for tests that are no coroutines, as hypothesis' state machines; never committed.

    A test moves its time by ``tx.now``.
    """

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._directory = tempfile.TemporaryDirectory()
        with ThreadPoolExecutor(1) as thread:  # a thread of its own, since making the file runs a loop of its own
            migrated = thread.submit(_migrated).result()
        path = Path(self._directory.name) / "hullguard.db"
        path.write_bytes(migrated)
        self._open = AsyncExitStack()
        self.tx = self.run(self._begin(path))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to its end."""
        return self._runner.run(work)

    def close(self) -> None:
        """Forget everything."""
        self.run(self._open.aclose())
        self._runner.close()
        self._directory.cleanup()

    async def _begin(self, path: Path) -> Transaction:
        opened = Storage.open(f"sqlite:///{path}", clock=Clock())
        self._open.push_async_callback(opened.close)
        return await self._open.enter_async_context(opened.transaction(SCOPE))


async def walked(
    page: Callable[[PageRequest], Awaitable[Page[T]]], limit: int = 3, *, sort: str | None = None, q: str | None = None
) -> list[T]:
    """Every item of a list, page by page; the total and each page's length are checked on the way."""
    seen: list[T] = []
    cursor: str | None = None
    while True:
        found = await page(PageRequest(limit, cursor, sort, q))
        seen += found.items
        if found.cursor is None:
            assert found.total == len(seen)
            return seen
        assert len(found.items) == limit
        cursor = found.cursor


@functools.cache
def _migrated() -> bytes:
    """A fresh database, made once for all tests of a run by the migrations themselves."""

    async def migrate(path: Path) -> None:
        opened = Storage.open(f"sqlite:///{path}")
        await opened.migrate()
        await opened.close()

    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "hullguard.db"
        asyncio.run(migrate(path))
        return path.read_bytes()
