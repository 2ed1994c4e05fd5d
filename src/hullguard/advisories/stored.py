"""What a database file holds, believed only as far as it has the form in which it was written.

A disk may damage the file, and anybody may name a file of their own making: whatever reads rows reads them through
here, so that every fault of the content is one exception, and the file's name is put to it in one place.
"""

import functools
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from hullguard.advisories import schema
from hullguard.model.errors import HullguardError, Invalid, Unavailable

_DIGITS = 15

# Of what goes wrong in SQLite this is not the content's fault (https://www.sqlite.org/rescode.html).
_SURROUNDINGS = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)


class Damaged(Exception):
    """What is stored cannot have been written by an import."""


_EVERY = 100_000
_SLACK = 1_000_000
_OF_A_BYTE = 4
"""SQLite's steps: to walk over everything once takes some ten a row, and a row has more bytes than three."""
_SHORTEST = 1 << 20


class Walked:
    """How far SQLite walks in a file for one question: pages that lead to one another in circles have no end."""

    def __init__(self, connection: sqlite3.Connection, size: int) -> None:
        """``size``: the file's in bytes; no value in it can be longer."""
        self._whole = size * _OF_A_BYTE + _SLACK
        self._left = self._whole
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(max(size, _SHORTEST), 1 << 30))
        connection.set_progress_handler(self._step, _EVERY)

    def begin(self, more: int = 0) -> None:
        """A new question, which may take so many steps more than to read everything."""
        self._left = self._whole + more

    def _step(self) -> bool:
        self._left -= _EVERY
        return self._left < 0


# SQLite quotes the schema in what it says of it, and Python then fails to read that.
FAULTS = (sqlite3.Error, UnicodeDecodeError, Damaged)
"""What reading a damaged file raises."""


def typed(found: Iterable[tuple[Any, ...]], *kinds: Any) -> Iterator[tuple[Any, ...]]:
    """Rows of the types that the schema gives them; SQLite itself lets every value stand in every column."""
    try:
        for row in found:
            if not all(map(isinstance, row, kinds)):
                raise Damaged("a row has values of other types than an import writes")
            yield row
    except MemoryError as cause:  # SQLite's word for a length that cannot be
        raise Damaged("a value is larger than the memory") from cause


def first(found: Iterable[tuple[Any, ...]], *kinds: Any) -> tuple[Any, ...] | None:
    """The first row, if there is any."""
    return next(typed(found, *kinds), None)


def single(found: Iterable[tuple[Any, ...]], *kinds: Any) -> tuple[Any, ...]:
    """A row that other rows say is there."""
    row = first(found, *kinds)
    if row is None:
        raise Damaged("a row is missing that others speak of")
    return row


def reader(form: Any) -> Callable[[Any], Any]:
    """A decoder of what is packed inside a column."""
    decode = msgspec.msgpack.Decoder(form).decode

    def read(content: Any) -> Any:
        try:
            return decode(content)
        except (msgspec.MsgspecError, RecursionError, TypeError) as cause:
            raise Damaged(f"a record cannot be read: {cause}") from cause

    return read


def number(key: str, text: str) -> int:
    """A count that is kept as text."""
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS):
        raise Damaged(f"{key} is no number")
    return int(text)


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raises Invalid unless it is an advisory database of this version, with its tables and nothing else in it."""
    identity = tuple(connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if identity != (schema.APPLICATION_ID, schema.VERSION):
        advice = "import again into a new file"
        raise Invalid(f"{path} is no advisory database of this version; {advice}", "db.foreign")
    # A view in the place of a table would have its own program run by every look-up.
    if _schema(connection) != _ours():
        raise Damaged("its tables are others than an import makes")


def fault(path: Path, cause: Exception) -> HullguardError:
    """The one error for whatever is wrong with the file, or with where it lies."""
    if _code(cause) == sqlite3.SQLITE_NOTADB:
        advice = "name another file with --db"
        return Invalid(f"{path} is no advisory database: {cause}; {advice}", "db.foreign")
    if _code(cause) == sqlite3.SQLITE_INTERRUPT:
        cause = Damaged("its pages lead to one another without an end")
    if surroundings(cause):
        return Unavailable(f"the advisory database {path} cannot be read: {cause}", "db.unreadable")
    advice = f"remove it and make it again with: hullguard db update --db {path}"
    return Unavailable(f"the advisory database {path} is damaged: {cause}; {advice}", "db.damaged")


def surroundings(cause: Exception) -> bool:
    """Whether it is not the content's fault: no room, no permission, a disk that fails."""
    return isinstance(cause, OSError) or _code(cause) in _SURROUNDINGS


@contextmanager
def believed(path: Path) -> Iterator[None]:
    """Whatever turns out to be wrong with the file is said with its name, and what to do."""
    try:
        yield
    except FAULTS as cause:
        raise fault(path, cause) from cause


def _code(cause: Exception) -> int | None:
    """SQLite's primary code; what Python's module finds itself, such as text that is none, has none."""
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _schema(connection: sqlite3.Connection) -> frozenset[tuple[Any, ...]]:
    found = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master LIMIT 100")
    return frozenset(tuple(" ".join(str(value).split()) for value in row) for row in typed(found))


@functools.cache
def _ours() -> frozenset[tuple[Any, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(schema.TABLES + schema.INDEXES)
        return _schema(connection)
    finally:
        connection.close()
