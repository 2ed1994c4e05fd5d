"""A migrated SQLite file per test, and a clock that tests turn by hand."""

import asyncio
import functools
import tempfile
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
