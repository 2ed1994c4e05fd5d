"""Builds a new advisory database beside the old one and puts it in its place in one step."""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import sqlite3
import stat
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from hullguard.advisories import schema
from hullguard.advisories.leftovers import sweep
from hullguard.advisories.stored import FAULTS, Damaged, check, fault, surroundings
from hullguard.advisories.writer import Writer
from hullguard.model.errors import Conflict, Invalid, Unavailable


class Building:
    """A context in which a database is built; leaving it without ``commit`` leaves the old one as it was."""

    def __init__(self, path: Path) -> None:
        # What a link leads to is built anew, and the link stays; one that leads in a circle stays a link here.
        self._path = path = Path(os.path.realpath(path)) if path.is_symlink() else path
        self._temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        self._lock = path.with_name(f".{path.name}.lock")
        self._stack = contextlib.ExitStack()
        self._connection: sqlite3.Connection | None = None
        self._writer: Writer | None = None

    def __enter__(self) -> Self:
        if os.path.lexists(self._path) and not stat.S_ISREG(self._path.lstat().st_mode):
            # A device or a pipe would be replaced by a file, under the eyes of whoever else uses it.
            raise Invalid(f"{self._path} is no regular file; choose another --db FILE")
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
        sweep(self._path)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.close()
        self._temporary.unlink(missing_ok=True)
        self._stack.close()
        if isinstance(error, (OSError, *FAULTS)):
            if surroundings(error):
                raise Unavailable(f"cannot write the advisory database {self._path}: {error}") from error
            raise fault(self._path, error) from error

    def writer(self) -> Writer:
        """The writer on a copy of the present database, or on an empty one; the copy is made at the first call."""
        if self._writer is not None:
            return self._writer
        fresh = not self._path.exists() or self._path.stat().st_size == 0
        if not fresh:
            fresh = self._look()
            shutil.copyfile(self._path, self._temporary)
        self._connection = sqlite3.connect(self._temporary)
        _prepare(self._connection, fresh=fresh)
        self._writer = Writer(self._connection)
        return self._writer

    def restart(self) -> None:
        """Throws away what was written; the next writer begins with the present database again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._writer = None
        self._temporary.unlink(missing_ok=True)

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

    def _look(self) -> bool:
        """Whether the present file has no tables yet; raises before anything is copied, however large it is."""
        uri = f"file:{quote(str(self._path.absolute()))}?mode=ro&immutable=1"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            application, version = _identity(connection)
            fresh = (application, version) == (0, 0) and not connection.execute(
                "SELECT 1 FROM sqlite_master"
            ).fetchone()
            if not fresh:
                if application != schema.APPLICATION_ID:
                    raise Invalid(f"{self._path} is a database of something else; choose another --db FILE")
                if version != schema.VERSION:
                    raise Invalid(
                        f"{self._path} has the format {version}, not {schema.VERSION}; remove it and import again"
                    )
                check(connection, self._path)
            size = self._path.stat().st_size
            if size > _number(connection, "page_count") * _number(connection, "page_size"):
                raise Damaged("it is longer than its pages")
            if size > shutil.disk_usage(self._path.parent).free:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return fresh


def _prepare(connection: sqlite3.Connection, *, fresh: bool) -> None:
    # A build that dies is thrown away, so it needs neither journal nor fsync; the finished file gets its own.
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "temp_store=MEMORY", "cache_size=-65536"):
        connection.execute(f"PRAGMA {pragma}")
    if fresh:
        connection.execute("PRAGMA page_size=8192")
        connection.executescript(schema.TABLES)
        connection.execute(f"PRAGMA application_id={schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={schema.VERSION}")


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    return _number(connection, "application_id"), _number(connection, "user_version")


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    found: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return found
