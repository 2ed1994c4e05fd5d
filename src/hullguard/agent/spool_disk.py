"""The spool's file: how it is opened so that a full disk finds it prepared."""

import os
import sqlite3
from pathlib import Path

from hullguard.model.ids import new_id

_RESERVED = 1024 * 1024
_PAGE = 4096
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  priority INTEGER NOT NULL,
  key TEXT NOT NULL,
  size INTEGER NOT NULL,
  sequence INTEGER,
  payload BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS records_key ON records (key);
CREATE INDEX IF NOT EXISTS records_next ON records (priority, id) WHERE sequence IS NULL;
CREATE INDEX IF NOT EXISTS records_sent ON records (sequence) WHERE sequence IS NOT NULL;
"""


class Ballast:
    """A file of nothing: deleting it makes room when the disk has none, for the records that matter."""

    def __init__(self, path: Path, size: int = 4 * _RESERVED) -> None:
        self._path, self._size = path, size

    def give_up(self) -> bool:
        """False if it was gone already."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def restore(self, min_free: int) -> None:
        """Lay it down again once the disk has room for it and for everyone else."""
        try:
            if self._path.exists():
                return
            state = os.statvfs(self._path.parent)
            if state.f_bavail * state.f_frsize < min_free + 2 * self._size:
                return
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self.give_up()


def disk_refused(error: sqlite3.Error) -> bool:
    """The disk is full, broken or read-only: something to live with, unlike an error of ours."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN}


def give_back(connection: sqlite3.Connection) -> None:
    """Return some of the pages that acknowledged records left, but for the reserve."""
    (free,) = connection.execute("PRAGMA freelist_count").fetchone()
    if free > _RESERVED // _PAGE + 64:
        # As a script: `execute` takes one step of it, and each step frees one page.
        connection.executescript("PRAGMA incremental_vacuum(128)")


def _damaged() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("its pages contradict each other")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def connect(path: Path | None, ballast: Ballast) -> tuple[sqlite3.Connection, Path | None]:
    """Open the database, in memory if ``path`` is None; the second value names a damaged file that was set aside."""
    if path is None:
        return _open(":memory:"), None
    try:
        return _opened(path, ballast), None
    except sqlite3.DatabaseError as bad:
        if getattr(bad, "sqlite_errorcode", 0) & 0xFF not in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise
    aside = path.with_name(f"{path.name}.damaged-{new_id()}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return _opened(path, ballast), aside


def _opened(path: Path, ballast: Ballast) -> sqlite3.Connection:
    path.touch(mode=0o600)
    try:
        connection = _open(str(path))
    except sqlite3.Error as bad:
        if not disk_refused(bad) or not ballast.give_up():
            raise
        connection = _open(str(path))
    ballast.restore(0)
    return connection


def _open(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, cached_statements=32)
    try:
        # Exclusive: one agent alone, and the log's index lies in memory instead of in a file for which space may lack.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA cache_size = -1024")
        connection.executescript(_SCHEMA)
        if connection.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
            raise _damaged()
        # Room for evictions on a full disk, inside the log and inside the file: both keep the size they once had.
        connection.execute("DELETE FROM records WHERE priority = 9")
        connection.execute(
            "INSERT INTO records(priority, key, size, payload) VALUES (9, '', 0, zeroblob(?))", (_RESERVED,)
        )
        connection.execute("DELETE FROM records WHERE priority = 9")
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
