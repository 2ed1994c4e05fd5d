"""The door to the database: open it, migrate it, run transactions in it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from hullguard.model.errors import Unavailable
from hullguard.model.identity import Scope
from hullguard.storage import dialect, migrations
from hullguard.storage.transaction import Transaction


def utc_now() -> datetime:
    """The wall clock; ``Storage`` takes another one in tests."""
    return datetime.now(UTC)


class Storage:
    """A database that several processes may use at once."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, clock: Callable[[], datetime]) -> None:
        self._writer, self._reader, self._clock = writer, reader, clock

    @classmethod
    def open(cls, url: str, *, clock: Callable[[], datetime] = utc_now) -> "Storage":
        """``sqlite:///FILE`` or ``mysql://USER:PASSWORD@HOST/NAME``; connects when it is first used."""
        writer = dialect.create_engine(url, writes=True)
        reader = dialect.create_engine(url, writes=False) if dialect.is_sqlite(url) else writer
        return cls(writer, reader, clock)

    async def migrate(self) -> None:
        """Bring the tables to this version's shape; several processes may do so at once."""
        with _translated():
            await dialect.prepare_file(self._writer)
            async with self._writer.connect() as connection:
                await connection.execution_options(**{dialect.WRITES: True})
                async with connection.begin():
                    await dialect.lock_migrations(connection)
                    await connection.run_sync(migrations.upgrade)

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[Transaction]:
        """A writing transaction: committed when the block ends, rolled back when it raises."""
        async with self._begin(self._writer, scope, writes=True) as tx:
            yield tx
        await tx.committed()

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[Transaction]:
        """A consistent view that cannot write and, on SQLite, waits for no writer."""
        async with self._begin(self._reader, scope, writes=False) as tx:
            yield tx

    @asynccontextmanager
    async def _begin(self, engine: AsyncEngine, scope: Scope, *, writes: bool) -> AsyncIterator[Transaction]:
        with _translated():
            async with engine.connect() as connection:
                await connection.execution_options(**{dialect.WRITES: writes})
                async with connection.begin():
                    yield Transaction(connection, scope, self._clock())

    async def close(self) -> None:
        """Give the connections back."""
        await self._writer.dispose()
        await self._reader.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    """Locked, full, gone, damaged: for the caller all of them are the database being unavailable.

    A broken constraint is not: a store that does not expect it has a fault, which must be seen.
    """
    try:
        yield
    except sa.exc.TimeoutError as cause:
        raise Unavailable("the database is busy: no connection became free in time", "storage.busy") from cause
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.DataError, sa.exc.NotSupportedError):
        raise
    except (sa.exc.DatabaseError, sa.exc.InterfaceError) as cause:
        raise Unavailable(f"the database failed: {cause.orig}", "storage.unavailable") from cause
