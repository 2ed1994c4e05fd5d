"""The advisory database as it is read: one file, opened read-only, that never changes while it is open."""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullguard.advisories import schema
from hullguard.advisories.changes import EVERYTHING, Build, Change, Log
from hullguard.advisories.match import Key, Known, Matched, Matcher
from hullguard.advisories.osv import Advisory, Kin, Statement
from hullguard.advisories.postings import pairs, unpacked
from hullguard.advisories.severity import CveRating
from hullguard.model.errors import Invalid, NotFound, Unavailable
from hullguard.model.inventory import Inventory
from hullguard.model.report import AdvisoryState

_decode_advisory = msgspec.msgpack.Decoder(Advisory).decode
_decode_kin = msgspec.msgpack.Decoder(Kin).decode
_decode_statements = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode
_decode_statement = msgspec.msgpack.Decoder(Statement).decode


class DatabaseStatus(Struct, frozen=True):
    """What ``db status`` shows."""

    path: str
    size: int
    built: datetime
    records: dict[str, int]
    """Per ecosystem with its release."""
    kev: int
    epss: int
    ratings: int
    updated: dict[str, datetime] = {}
    """When each source was last up to date; only updates and bundles say so."""

    def older_than(self, age: timedelta, now: datetime) -> list[str]:
        """The sources that are older; all of it where no source says its age."""
        stamps = self.updated or {"all of it": self.built}
        return sorted(source for source, at in stamps.items() if now - at > age)


class Advisories:
    """Answers one question: what is known to be wrong with these packages? Safe to share between threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._lock = threading.Lock()
        self._meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        self._matcher = Matcher(self)
        self._ecosystems = frozenset(key[8:] for key in self._meta if key.startswith("records:"))

    @classmethod
    def open(cls, path: Path) -> "Advisories":
        """Raises NotFound when there is none yet, Invalid when the file is something else."""
        if not path.is_file():
            advice = (
                f"make one with: hullguard db update --db {path} (or, without a network, hullguard db import FILES…)"
            )
            raise NotFound(f"there is no advisory database at {path}; {advice}", "db.absent")
        try:
            # The file is replaced, never changed, so SQLite need neither lock it nor look for a journal.
            uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            identity = (
                connection.execute("PRAGMA application_id").fetchone()[0],
                connection.execute("PRAGMA user_version").fetchone()[0],
            )
            if identity != (schema.APPLICATION_ID, schema.VERSION):
                connection.close()
                advice = "import again into a new file"
                raise Invalid(f"{path} is no advisory database of this version; {advice}", "db.foreign")
            return cls(connection, path)
        except sqlite3.DatabaseError as cause:
            raise Invalid(f"{path} is no advisory database: {cause}", "db.damaged") from cause

    def close(self) -> None:
        self._connection.close()

    def match(self, inventory: Inventory, today: date | None = None) -> Matched:
        """The findings, and what could not be judged."""
        today = today or datetime.now(UTC).date()
        try:
            with self._lock:
                return self._matcher.match(inventory, today)
        except (sqlite3.Error, msgspec.MsgspecError, ValueError, LookupError) as cause:
            raise Unavailable(f"the advisory database {self._path} cannot be read: {cause}", "db.unreadable") from cause

    @property
    def state(self) -> AdvisoryState:
        """When it was built and which ecosystems it speaks of."""
        families = sorted({ecosystem.partition(":")[0] for ecosystem in self._ecosystems})
        return AdvisoryState(datetime.fromisoformat(self._meta["built"]), tuple(families))

    @property
    def build(self) -> Build:
        """Which build of which database it is."""
        with self._lock:
            return Log(self._connection).build()

    def changes(self, since: int) -> set[Change]:
        """Of what something else is said than in that generation."""
        with self._lock:
            return Log(self._connection).since(since)

    def inherit(self, earlier: "Advisories") -> None:
        """Keeps what an earlier build found, where it finds the same still."""
        before = earlier.build
        changes = self.changes(before.generation) if self.build.follows(before) else {EVERYTHING}
        if EVERYTHING not in changes:
            self._matcher.inherit(earlier.untouched(changes))

    def untouched(self, changes: Collection[Change]) -> list[tuple[Key, Known]]:
        """What was found of packages of which a later build says nothing else."""
        with self._lock:
            return list(self._matcher.untouched(changes))

    def status(self) -> DatabaseStatus:
        """Sizes and counts."""
        with self._lock:
            kev, epss, ratings = (
                self._connection.execute(query).fetchone()[0]
                for query in ("SELECT COUNT(*) FROM kev", "SELECT COUNT(*) FROM epss", "SELECT COUNT(*) FROM rating")
            )
        records = {ecosystem: int(self._meta[f"records:{ecosystem}"]) for ecosystem in sorted(self._ecosystems)}
        built = datetime.fromisoformat(self._meta["built"])
        updated = {
            key.removeprefix("updated:"): datetime.fromisoformat(value)
            for key, value in sorted(self._meta.items())
            if key.startswith("updated:")
        }
        return DatabaseStatus(str(self._path), self._path.stat().st_size, built, records, kev, epss, ratings, updated)

    def notes(self) -> dict[str, str]:
        """What updates noted for the next one."""
        return {key: value for key, value in self._meta.items() if key.startswith(("seen:", "http:", "updated:"))}

    def modified(self) -> dict[str, str]:
        """When each record was changed last, by its id."""
        with self._lock:
            return dict(self._connection.execute("SELECT name, modified FROM record").fetchall())

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for who reads everything; nobody else asks meanwhile."""
        with self._lock:
            yield self._connection

    def ecosystems(self) -> frozenset[str]:
        """OSV's names, with their releases, that any record speaks of."""
        return self._ecosystems

    def statements(self, ecosystem: str, name: str) -> Sequence[tuple[Advisory, Statement]]:
        """Everything said of one package."""
        query = "SELECT postings FROM package WHERE ecosystem = ? AND name = ?"
        row = self._connection.execute(query, (ecosystem, name)).fetchone()
        if row is None:
            return []
        said: dict[int, list[int]] = {}
        for record, which in pairs(unpacked(row[0])):
            said.setdefault(record, []).append(which)
        query = "SELECT id, core, kin, statements FROM record WHERE id IN (SELECT value FROM json_each(?))"
        found: list[tuple[Advisory, Statement]] = []
        for record, core, kin, packed in self._connection.execute(query, (json.dumps(list(said)),)):
            advisory = _decode_advisory(core)
            if kin is not None:
                advisory = replace(advisory, kin=_decode_kin(kin))
            statements = _decode_statements(packed)
            found += [(advisory, _decode_statement(statements[which])) for which in sorted(said[record])]
        found.sort(key=lambda each: each[0].id)
        return found

    def known_exploited(self, cve: str) -> bool:
        """Whether CISA knows of attacks."""
        return self._connection.execute("SELECT 1 FROM kev WHERE cve = ?", (cve,)).fetchone() is not None

    def epss(self, cve: str) -> float | None:
        """The probability of an attack within 30 days."""
        row = self._connection.execute("SELECT score FROM epss WHERE cve = ?", (cve,)).fetchone()
        return None if row is None else float(row[0])

    def ratings(self, name: str) -> list[CveRating]:
        """Collected ratings of a CVE, one per source and vector; then what advisories under another name say."""
        collected = self._connection.execute("SELECT DISTINCT source, vector, word FROM rating WHERE cve = ?", (name,))
        ratings = [CveRating(source, vector, word) for source, vector, word in collected]
        said = self._connection.execute("SELECT author, vector, word FROM inherited WHERE name = ?", (name,))
        return ratings + [CveRating(author, vector, word) for author, vector, word in said]
