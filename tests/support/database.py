"""A migrated SQLite file per test, and a clock that tests turn by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage import Storage, Transaction

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
    opened = Storage.open(f"sqlite:///{tmp_path / 'hullguard.db'}", clock=clock)
    await opened.migrate()
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def tx(storage: Storage) -> AsyncIterator[Transaction]:
    """A writing transaction of the default tenant; committed when the test ends."""
    async with storage.transaction(SCOPE) as opened:
        yield opened
