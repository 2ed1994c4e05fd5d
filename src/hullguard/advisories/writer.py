"""Builds a new advisory database beside the old one and puts it in its place in one step."""

import contextlib
import fcntl
import os
import secrets
import shutil
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from hullguard.advisories import schema
from hullguard.advisories.names import canonical
from hullguard.advisories.osv import Record, advisory, statement
from hullguard.model.errors import Conflict, Invalid, Unavailable

_BATCH = 20_000
_encode = msgspec.msgpack.Encoder().encode


class Writer:
    """Adds to a copy of the database; nothing of it is seen by anyone until ``commit``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._records: dict[str, tuple[int, str]] = {
            name: (number, modified)
            for number, name, modified in connection.execute("SELECT id, name, modified FROM record")
        }
        self._packages: dict[tuple[str, str], int] = {
            (ecosystem, name): number
            for number, ecosystem, name in connection.execute("SELECT id, ecosystem, name FROM package")
        }
        # Names as records spell them, so that most look-ups need no canonical form.
        self._places: dict[tuple[str, str], int] = {}
        self._next = 1 + max((number for number, _ in self._records.values()), default=0)
        self._gone: set[int] = set()
        self._record_rows: list[tuple[int, str, str, bytes]] = []
        self._affected_rows: list[tuple[int, int, bytes]] = []
        self._package_rows: list[tuple[int, str, str]] = []

    def record(self, record: Record) -> bool:
        """Adds a record, or replaces the one of the same id; False when the stored one is newer."""
        known = self._records.get(record.id)
        if known is not None:
            if record.modified and record.modified < known[1]:
                return False
            self._gone.add(known[0])
        number = self._next
        self._next += 1
        self._records[record.id] = (number, record.modified)
        self._record_rows.append((number, record.id, record.modified, _encode(advisory(record))))
        rows, places = self._affected_rows, self._places
        for affected in record.affected or ():
            package = affected.package
            if package is None or not (affected.ranges or affected.versions):
                continue  # commits of a repository, or nothing that a version could be compared with
            place = places.get((package.ecosystem, package.name)) or self._package(package.ecosystem, package.name)
            rows.append((place, number, _encode(statement(affected))))
        if len(self._affected_rows) > _BATCH or len(self._record_rows) > _BATCH:
            self._flush()
        return True

    def withdraw(self, record: Record) -> None:
        """Takes a record back, whether or not it was ever here."""
        known = self._records.pop(record.id, None)
        if known is not None:
            self._gone.add(known[0])

    def replace_kev(self, cves: list[str]) -> None:
        """The catalogue is published whole, so it replaces the old one."""
        self._connection.execute("DELETE FROM kev")
        self._connection.executemany("INSERT OR IGNORE INTO kev VALUES (?)", ((cve,) for cve in cves))

    def replace_epss(self, scores: Sequence[tuple[str, float]]) -> None:
        """The scores are published whole, so they replace the old ones."""
        self._connection.execute("DELETE FROM epss")
        self._connection.executemany("INSERT OR REPLACE INTO epss VALUES (?, ?)", scores)

    def replace_ratings(self, ratings: Sequence[tuple[str, str, str, str, str]]) -> None:
        """A table of ratings replaces the old table."""
        self._connection.execute("DELETE FROM rating")
        self._connection.executemany("INSERT INTO rating VALUES (?, ?, ?, ?, ?)", ratings)

    def note(self, key: str, value: str) -> None:
        """Keeps what an update wants to know the next time."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str | None:
        """What was kept under the key."""
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def finish(self) -> None:
        """Everything written, replaced records gone, indexes made."""
        self._flush()
        if self._gone:
            self._connection.execute("CREATE TEMP TABLE gone (id INTEGER PRIMARY KEY)")
            self._connection.executemany("INSERT INTO gone VALUES (?)", ((number,) for number in self._gone))
            self._connection.execute("DELETE FROM affected WHERE record IN (SELECT id FROM gone)")
            self._connection.execute("DELETE FROM record WHERE id IN (SELECT id FROM gone)")
        built = datetime.now(UTC).isoformat(timespec="seconds")
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES ('built', ?)", (built,))
        self._connection.executescript(schema.INDEXES)
        self._count()
        self._connection.commit()

    def _count(self) -> None:
        """Counts once what ``status`` and every report say about the sources."""
        self._connection.execute("DELETE FROM meta WHERE key LIKE 'records:%'")
        rows = self._connection.execute(
            "SELECT p.ecosystem, COUNT(DISTINCT a.record) FROM affected a JOIN package p ON p.id = a.package"
            " GROUP BY p.ecosystem"
        )
        entries = [(f"records:{ecosystem}", str(count)) for ecosystem, count in rows.fetchall()]
        self._connection.executemany("INSERT INTO meta VALUES (?, ?)", entries)

    def _package(self, ecosystem: str, name: str) -> int:
        key = (ecosystem, canonical(ecosystem, name))
        number = self._packages.get(key)
        if number is None:
            number = self._packages[key] = len(self._packages) + 1
            self._package_rows.append((number, *key))
        self._places[ecosystem, name] = number
        return number

    def _flush(self) -> None:
        self._connection.executemany("INSERT INTO package VALUES (?, ?, ?)", self._package_rows)
        self._connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?)", self._record_rows)
        self._connection.executemany("INSERT INTO affected VALUES (?, ?, ?)", self._affected_rows)
        self._package_rows.clear()
        self._record_rows.clear()
        self._affected_rows.clear()


class Building:
    """A context in which a database is built; leaving it without ``commit`` leaves the old one as it was."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._lock = path.with_name(f".{path.name}.lock")
        self._stack = contextlib.ExitStack()
        self._connection: sqlite3.Connection | None = None
        self._writer: Writer | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._stack.enter_context(self._lock.open("wb"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as cause:
            self._stack.close()
            raise Conflict(f"another import into {self._path} is running; wait until it is done") from cause
        except OSError as cause:
            self._stack.close()
            raise Unavailable(f"cannot write beside {self._path}: {cause.strerror}") from cause
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        self._temporary.unlink(missing_ok=True)
        self._stack.close()

    def writer(self) -> Writer:
        """The writer on a copy of the present database, or on an empty one; the copy is made at the first call."""
        if self._writer is not None:
            return self._writer
        try:
            if self._path.exists():
                shutil.copyfile(self._path, self._temporary)
            self._connection = sqlite3.connect(self._temporary)
            self._prepare(self._connection)
        except (OSError, sqlite3.Error) as cause:
            raise Unavailable(f"cannot write beside {self._path}: {cause}") from cause
        self._writer = Writer(self._connection)
        return self._writer

    @property
    def begun(self) -> bool:
        """Whether anyone has asked for the writer."""
        return self._writer is not None

    def commit(self, writer: Writer) -> None:
        """Makes the new database durable, then visible; who reads the old one goes on reading it."""
        writer.finish()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        with self._temporary.open("rb+") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        # A build that dies is thrown away, so it needs neither journal nor fsync; the finished file gets its own.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
            connection.execute(f"PRAGMA {pragma}")
        application, version = _identity(connection)
        if (application, version) == (0, 0) and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.execute("PRAGMA page_size=8192")
            connection.executescript(schema.TABLES)
            connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={schema.VERSION}")
        elif application != schema.APPLICATION_ID:
            raise Invalid(f"{self._path} is a database of something else; choose another --db FILE")
        elif version != schema.VERSION:
            connection.close()
            raise Invalid(f"{self._path} has the format {version}, not {schema.VERSION}; remove it and import again")
        connection.executescript(schema.DROP_INDEXES)


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    return (
        connection.execute("PRAGMA application_id").fetchone()[0],
        connection.execute("PRAGMA user_version").fetchone()[0],
    )
