"""The advisory database as it is read: one file, opened read-only, that never changes while it is open."""

import contextlib
import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullguard.advisories.ages import OLD, Ages
from hullguard.advisories.changes import EVERYTHING, Build, Change, Log
from hullguard.advisories.coverage import covers, families, family_of
from hullguard.advisories.match import Key, Known, Matched, Matcher
from hullguard.advisories.osv import Advisory, Kin, Statement
from hullguard.advisories.postings import pairs, unpacked
from hullguard.advisories.severity import CveRating
from hullguard.advisories.stored import Damaged, Walked, believed, check, first, number, reader, typed
from hullguard.advisories.twins import identity_of
from hullguard.model.errors import NotFound
from hullguard.model.inventory import Inventory
from hullguard.model.report import AdvisoryState

_COUNTED = ("kev", "epss", "rating")
_OF_A_PACKAGE = 10_000
"""Steps that a look-up may take beside reading everything once."""
_decode_advisory = reader(Advisory)
_decode_kin = reader(Kin)
_decode_statements = reader(list[msgspec.Raw])
_decode_statement = reader(Statement)


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
    confirmed: dict[str, datetime] = {}
    """When all records of an ecosystem were last seen in its archive; what has vanished since then is still here."""
    newest: date | None = None
    """The last day on which a record was changed; None where the database does not say."""
    newest_of: dict[str, date] = {}
    """The same by ecosystem without its release, of those records that speak of it alone."""
    behind: tuple[str, ...] = ()
    """Those whose newest record is far older than ``newest``, and of which nobody knows that they are up to date."""

    def old(self, now: datetime) -> list[str]:
        """The sources that an update has missed, or that are far behind others; all where no source says its age."""
        stamps = self.updated or {"all of it": self.built}
        return sorted({*self.behind, *(source for source, at in stamps.items() if now - at > OLD)})


class Advisories:
    """Answers one question: what is known to be wrong with these packages? Safe to share between threads."""

    def __init__(self, connection: sqlite3.Connection, path: Path, walked: Walked) -> None:
        """Raises what SQLite and ``stored`` raise."""
        self._connection = connection
        self._walked = walked
        self._path = path
        self._lock = threading.Lock()
        self._meta = dict(typed(connection.execute("SELECT key, value FROM meta"), str, str))
        self._matcher = Matcher(self)
        self._ecosystems = frozenset(key[8:] for key in self._meta if key.startswith("records:"))
        self._own = families(self._meta, self._ecosystems)
        self._ages = Ages(self._meta, self._instants("updated:"), self._newest())

    @classmethod
    def open(cls, path: Path) -> "Advisories":
        """Raises NotFound when there is none yet, Invalid when the file is something else, Unavailable if damaged."""
        if not path.is_file():
            advice = (
                f"make one with: hullguard db update --db {path} (or, without a network, hullguard db import FILES…)"
            )
            raise NotFound(f"there is no advisory database at {path}; {advice}", "db.absent")
        # The file is replaced, never changed, so SQLite need neither lock it nor look for a journal.
        uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        with believed(path), contextlib.ExitStack() as stack:
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            stack.callback(connection.close)
            walked = Walked(connection, path.stat().st_size)
            check(connection, path)
            opened = cls(connection, path, walked)
            stack.pop_all()
        return opened

    def close(self) -> None:
        self._connection.close()

    def match(self, inventory: Inventory, today: date | None = None) -> Matched:
        """The findings, and what could not be judged."""
        today = today or datetime.now(UTC).date()
        with self._asking(len(inventory.packages) * _OF_A_PACKAGE):
            return self._matcher.match(inventory, today)

    @property
    def state(self) -> AdvisoryState:
        """When it was built, how new it is, and which ecosystems it speaks of."""
        named = sorted(set(map(family_of, self._ecosystems)))
        with believed(self._path):
            return AdvisoryState(self._instant("built"), tuple(named), self._newest())

    @property
    def build(self) -> Build:
        """Which build of which database it is."""
        with self._asking():
            return Log(self._connection).build()

    def changes(self, since: int) -> set[Change]:
        """Of what something else is said than in that generation."""
        with self._asking():
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
        with self._asking():
            kev, epss, ratings = (
                self._connection.execute(query).fetchone()[0]
                # Counted row by row: SQLite's own way to count asks nobody whether to go on.
                for query in [f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT -1)" for table in _COUNTED]  # noqa: S608
            )
            counted = {
                key.removeprefix("records:"): self._number(key)
                for key in sorted(self._meta)
                if key.startswith("records:")
            }
            built, newest = self._instant("built"), self._newest()
            updated, confirmed = self._instants("updated:"), self._instants("seen:whole:")
        size = self._path.stat().st_size
        return DatabaseStatus(
            *(str(self._path), size, built, counted, kev, epss, ratings, updated, confirmed, newest),
            newest_of=self._ages.newest,
            behind=tuple(self._ages.behind),
        )

    def notes(self) -> dict[str, str]:
        """What updates noted for the next one."""
        return {key: value for key, value in self._meta.items() if key.startswith(("seen:", "http:", "updated:"))}

    def modified(self) -> dict[str, str]:
        """When each record was changed last, by its id; of several sources' the one that was changed first."""
        query = "SELECT name, modified FROM record ORDER BY modified DESC"
        with self._asking():
            return {identity_of(name): modified for name, modified in typed(self._connection.execute(query), str, str)}

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for who reads everything; nobody else asks meanwhile."""
        with self._asking():
            yield self._connection

    @contextlib.contextmanager
    def _asking(self, steps: int = 0) -> Iterator[None]:
        """Nobody else asks meanwhile, and what is wrong with the file is said with its name."""
        with self._lock, believed(self._path):
            self._walked.begin(steps)
            yield

    def _instant(self, key: str) -> datetime:
        try:
            found = datetime.fromisoformat(self._meta.get(key, ""))
        except ValueError as cause:
            raise Damaged(f"{key} is no instant") from cause
        if found.tzinfo is None:
            raise Damaged(f"{key} is no instant: it has no time zone")
        return found

    def _newest(self) -> date | None:
        try:
            return date.fromisoformat(day) if (day := self._meta.get("newest", "")) else None
        except ValueError as cause:
            raise Damaged("newest is no instant") from cause

    def _instants(self, prefix: str) -> dict[str, datetime]:
        return {key.removeprefix(prefix): self._instant(key) for key in sorted(self._meta) if key.startswith(prefix)}

    def _number(self, key: str) -> int:
        return number(key, self._meta[key])

    def ecosystems(self) -> frozenset[str]:
        """OSV's names, with their releases, that any record speaks of."""
        return self._ecosystems

    def covers(self, ecosystem: str) -> bool:
        """Whether it has the advisories of an ecosystem, and not only those of others that name it by the way."""
        return covers(self._own, ecosystem)

    def doubt(self, ecosystem: str, today: date) -> str | None:
        """What must be said of the age of its advisories; None where they are fresh."""
        return self._ages.doubt(ecosystem, today)

    def statements(self, ecosystem: str, name: str) -> Sequence[tuple[Advisory, Statement]]:
        """Everything said of one package."""
        query = "SELECT postings FROM package WHERE ecosystem = ? AND name = ?"
        row = first(self._connection.execute(query, (ecosystem, name)), bytes)
        if row is None:
            return []
        said: dict[int, list[int]] = {}
        for record, which in pairs(unpacked(row[0])):
            said.setdefault(record, []).append(which)
        query = "SELECT id, core, kin, statements FROM record WHERE id IN (SELECT value FROM json_each(?))"
        found: list[tuple[Advisory, Statement]] = []
        rows = self._connection.execute(query, (msgspec.json.encode(list(said)).decode(),))
        for record, core, kin, packed in typed(rows, int, bytes, bytes | None, bytes):
            advisory = _decode_advisory(core)
            if kin is not None:
                advisory = replace(advisory, kin=_decode_kin(kin))
            statements = _decode_statements(packed)
            if max(said[record]) >= len(statements):
                raise Damaged("a package speaks of a statement that is not there")
            found += [(advisory, _decode_statement(statements[which])) for which in sorted(said[record])]
        found.sort(key=lambda each: each[0].id)
        return found

    def named_in(self, ecosystems: Collection[str], names: Collection[str]) -> frozenset[str]:
        """Those of the names of which any of the ecosystems speaks."""
        query = (
            "SELECT name FROM package WHERE ecosystem IN (SELECT value FROM json_each(?)) "
            "AND name IN (SELECT value FROM json_each(?)) AND postings <> x''"
        )
        asked = [msgspec.json.encode(sorted(values)).decode() for values in (ecosystems, names)]
        return frozenset(name for (name,) in typed(self._connection.execute(query, asked), str))

    def known_exploited(self, cve: str) -> bool:
        """Whether CISA knows of attacks."""
        return self._connection.execute("SELECT 1 FROM kev WHERE cve = ?", (cve,)).fetchone() is not None

    def epss(self, cve: str) -> float | None:
        """The probability of an attack within 30 days."""
        row = first(self._connection.execute("SELECT score FROM epss WHERE cve = ?", (cve,)), float)
        return None if row is None else row[0]

    def ratings(self, name: str) -> list[CveRating]:
        """Collected ratings of a CVE, one per source and vector; then what advisories under another name say."""
        collected = self._connection.execute("SELECT DISTINCT source, vector, word FROM rating WHERE cve = ?", (name,))
        ratings = [CveRating(*rating) for rating in typed(collected, str, str, str)]
        said = self._connection.execute("SELECT author, vector, word FROM inherited WHERE name = ?", (name,))
        return ratings + [CveRating(*rating) for rating in typed(said, str, str, str)]
