"""Every difference between SQLite and MySQL/MariaDB: nowhere else does the name of a database stand.

Values that the two keep differently have one type here: an instant is an integer of microseconds, a struct is
msgpack in a blob, a name compares byte by byte.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa
import zstandard
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from hullguard.model.errors import Invalid, LimitReached

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BUSY_SECONDS = 30
"""How long a writer waits for another process's transaction before the caller hears ``Unavailable``."""

UNPACKED_MAX = 256 * 1024 * 1024
"""No compressed column grows beyond this when it is read: what was stored may come from a hostile image."""

WRITES = "hullguard_writes"
"""The execution option that tells the begin hook to take the write lock at once."""


_FIRST = (datetime.min.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_LAST = (datetime.max.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)


def as_kept(value: datetime) -> datetime:
    """The instant that a column gives back for this one."""
    # A runtime's time without a zone is UTC by that runtime's own documentation.
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    # The first day of year 1 in an eastern zone is in UTC before any datetime: kept, no list could be read again.
    return EPOCH + timedelta(microseconds=min(max((aware - EPOCH) // timedelta(microseconds=1), _FIRST), _LAST))


class Instant(sa.types.TypeDecorator[datetime]):
    """Microseconds since 1970 in UTC. SQLite has no time type and MySQL's drops the zone."""

    impl = sa.BigInteger
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        del dialect
        if value is None:
            return None
        return (as_kept(value) - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        del dialect
        return None if value is None else EPOCH + timedelta(microseconds=value)


class Packed(sa.types.TypeDecorator[Any]):
    """A struct, or any msgspec type, as msgpack: validated again when it is read."""

    impl = sa.LargeBinary
    cache_ok = True

    def __init__(self, kind: Any = None, *, large: bool = False) -> None:
        # ``kind`` of None serves migrations, which only need the column's SQL type.
        super().__init__()
        self.kind = kind
        self.large = large

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return dialect.type_descriptor(_BLOB if self.large else sa.LargeBinary())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> bytes | None:
        del dialect
        return None if value is None else self.pack(msgspec.msgpack.encode(value))

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> Any:
        del dialect
        return None if value is None else msgspec.msgpack.decode(self.unpack(value), type=self.kind)

    def pack(self, raw: bytes) -> bytes:
        return raw

    def unpack(self, stored: bytes) -> bytes:
        return stored


class Compressed(Packed):
    """The same, compressed: an inventory of 2 MB is 150 KB at rest."""

    cache_ok = True

    def __init__(self, kind: Any = None) -> None:
        super().__init__(kind, large=True)

    def pack(self, raw: bytes) -> bytes:
        return zstandard.ZstdCompressor(level=3).compress(raw)

    def unpack(self, stored: bytes) -> bytes:
        # The frame's own word is checked first: it is what the decompressor would allocate.
        if zstandard.frame_content_size(stored) > UNPACKED_MAX:
            raise LimitReached("a stored document unpacks to more than 256 MB", "storage.document-too-large")
        return zstandard.ZstdDecompressor().decompress(stored, max_output_size=UNPACKED_MAX)


_BLOB = sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")


def large_binary() -> sa.types.TypeEngine[bytes]:
    """Bytes up to a few megabytes a row."""
    return _BLOB


def text(length: int) -> sa.types.TypeEngine[str]:
    """Text that compares byte by byte, as SQLite's does anyway: ``Nginx`` and ``nginx`` are two images."""
    binary = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def long_text() -> sa.types.TypeEngine[str]:
    """Text without an index."""
    binary = mysql.MEDIUMTEXT(charset="utf8mb4", collation="utf8mb4_bin")
    return sa.Text().with_variant(binary, "mysql", "mariadb")


def is_sqlite(url: str) -> bool:
    """Whether the embedded database is meant."""
    return sa.make_url(url).get_backend_name() == "sqlite"


def create_engine(url: str, *, writes: bool) -> AsyncEngine:
    """An engine for writers or for readers.

    SQLite admits one writer at a time, so this process queues its own on a pool of one connection: asyncio's queue is
    fair, SQLite's busy loop is not. Readers never wait for it in WAL mode.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        size = 1 if writes else 4
        engine = create_async_engine(
            parsed.set(drivername="sqlite+aiosqlite"),
            poolclass=sa.AsyncAdaptedQueuePool,
            pool_size=size,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            connect_args={"timeout": BUSY_SECONDS},
        )
        sa.event.listen(engine.sync_engine, "connect", _sqlite_writer if writes else _sqlite_reader)
        sa.event.listen(engine.sync_engine, "begin", _sqlite_begin)
        sa.event.listen(engine.sync_engine, "invalidate", _sqlite_invalidate)
        return engine
    if parsed.get_backend_name() in {"mysql", "mariadb"}:
        return create_async_engine(
            parsed.set(drivername=f"{parsed.get_backend_name()}+asyncmy"), pool_pre_ping=True, pool_recycle=1800
        )
    raise Invalid(
        f"the database URL names {parsed.get_backend_name()!r}; use sqlite:///FILE or mysql://…", field="database_url"
    )


def _sqlite_invalidate(connection: DBAPIConnection, entry: ConnectionPoolEntry, cause: BaseException | None) -> None:
    # A cancelled task leaves a cursor in its traceback, and SQLite closes a connection that has one only once the
    # cursor is collected (sqlite3_close_v2): until then it would keep the write lock, and everybody else out.
    del entry, cause
    connection.rollback()


def _sqlite_reader(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    _sqlite_writer(connection, entry)
    _pragma(connection, "query_only=ON")


def _sqlite_writer(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
    del entry
    # The driver's own idea of when a transaction begins is late (first write): off, see _sqlite_begin.
    connection.isolation_level = None
    _pragma(connection, f"busy_timeout={BUSY_SECONDS * 1000}")
    _pragma(connection, "foreign_keys=ON")
    # In WAL mode, NORMAL hands each commit to the kernel before it returns and only delays the flush to the medium: a
    # killed process (kill -9, out of memory) loses nothing, a power cut may lose the last commits but never harms the
    # file. The agents keep what was not acknowledged, yet an acknowledgement means "kept", so a commit is flushed too:
    # FULL costs one fdatasync of the log per transaction, and ingest commits in batches.
    _pragma(connection, "synchronous=FULL")
    _pragma(connection, "temp_store=MEMORY")
    _pragma(connection, "cache_size=-16000")
    _pragma(connection, "mmap_size=268435456")


def _pragma(connection: DBAPIConnection, pragma: str) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock now: a deferred transaction that reads, then writes, fails with
    # SQLITE_BUSY_SNAPSHOT when another process wrote in between, and no timeout helps there.
    writes = connection.get_execution_options().get(WRITES)
    if writes is not None:  # prepare_file works outside any transaction
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


async def prepare_file(engine: AsyncEngine) -> None:
    """Switch an SQLite file to WAL; the mode stays with the file.

    SQLite does not wait for the lock here whatever the timeout says, so two first starts at once need this loop.
    """
    if engine.dialect.name != "sqlite":
        return
    async with engine.connect() as connection:
        for attempt in range(100):
            try:
                await connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            except sa.exc.OperationalError as busy:
                if "locked" not in str(busy.orig) or attempt == 99:
                    raise
                await asyncio.sleep(0.05)
            else:
                return


async def lock_migrations(connection: AsyncConnection) -> None:
    """Let one process at a time migrate: on SQLite the transaction itself is that lock."""
    if connection.dialect.name != "sqlite":
        await connection.exec_driver_sql("SELECT GET_LOCK('hullguard-migrations', 300)")


def upsert(
    dialect: str, table: sa.Table, keys: Sequence[str], update: Sequence[str], *, add: Sequence[str] = ()
) -> sa.Insert:
    """Insert, or where ``keys`` exist already overwrite ``update`` and add to the counters ``add``.

    With both empty the row that exists stays as it is.
    """
    if dialect == "sqlite":
        lite = sqlite.insert(table)
        changes: dict[str, Any] = {name: lite.excluded[name] for name in update}
        changes |= {name: table.c[name] + lite.excluded[name] for name in add}
        if not changes:
            return lite.on_conflict_do_nothing(index_elements=list(keys))
        return lite.on_conflict_do_update(index_elements=list(keys), set_=changes)
    my = mysql.insert(table)
    changes = {name: my.inserted[name] for name in update}
    changes |= {name: table.c[name] + my.inserted[name] for name in add}
    return my.on_duplicate_key_update(changes or {keys[0]: table.c[keys[0]]})


def contains(column: sa.ColumnElement[str], part: str, dialect: str) -> sa.ColumnElement[bool]:
    """Whether the column has ``part`` in it, whatever the case; ``%`` and ``_`` stand for themselves.

    SQLite's LIKE ignores the case of ASCII by itself, and without ``lower`` a search takes half the time.
    """
    return (column.contains if dialect == "sqlite" else column.icontains)(part, autoescape=True)


def not_indexed(column: sa.ColumnElement[T], dialect: str) -> sa.ColumnElement[T]:
    """The column, hidden from SQLite's planner, which without statistics prefers a filter's index to the order's."""
    return sa.type_coerce(sa.UnaryExpression(column, operator=_PLUS), column.type) if dialect == "sqlite" else column


_PLUS: sa.sql.operators.custom_op[Any] = sa.sql.operators.custom_op("+")
