"""Adds records to a database that nobody reads yet, and keeps account of what that changes for whom."""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from hullguard.advisories import kinship, schema
from hullguard.advisories.changes import EVERYTHING, Change, Log
from hullguard.advisories.coverage import Coverage, family_of, recorded
from hullguard.advisories.names import canonical
from hullguard.advisories.newest import newest
from hullguard.advisories.osv import Advisory, Package, Record, advisory, statements
from hullguard.advisories.postings import HALF, Postings, owners, packed, pairs, postings, unpacked
from hullguard.advisories.products import speaks_of_every_release
from hullguard.advisories.stored import Damaged, first, reader, single, typed
from hullguard.advisories.twins import MOST_SOURCES, Speaker, identity_of, is_older, is_version, names_of, twin

_BATCH = 20_000
_encode = msgspec.msgpack.Encoder().encode
_decode = reader(list[Raw])
_decode_advisory = reader(Advisory)


class _Package(Struct, gc=False):
    """A package that this import speaks of."""

    number: int
    ecosystem: str
    name: str
    postings: Postings
    new: bool = False
    lost: set[int] | None = None
    """Postings that are true no more; they are taken out together, at the end."""


_Row: TypeAlias = tuple[int, str]
"""The number of a stored record, and when it was changed."""


class Writer:
    """Adds to a copy of the database; nothing of it is seen by anyone until it is committed.

    The account of changes is what lets stored inventories be matched again selectively: it must name every package of
    which anything is said now that was not said before, or is said no more.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._fresh = connection.execute("SELECT 1 FROM record LIMIT 1").fetchone() is None
        self._next = 1 + _last(connection, "record")
        self._last_package = _last(connection, "package")
        self._seen: dict[str, tuple[_Row, ...]] = {}
        """The rows of each id that this import has met."""
        # By their names as records spell them, so that most look-ups need no canonical form.
        self._places: dict[str, dict[str, _Package]] = {}
        self._packages: dict[int, _Package] = {}
        self._rows: list[tuple[int, str, str, bytes, bytes, bytes]] = []
        self._counts = Counter(recorded(connection))
        self._known = frozenset(self._counts)
        self._coverage = Coverage(connection)
        self._changed: set[int] = set()
        self._facts: set[str] = set()
        self._gone: dict[str, str | None] = {}
        """Ids of records that were taken back by this import, and when; or came again."""

    def record(self, record: Record) -> bool:
        """Adds a record, or replaces the one of the same id; False when the stored one is newer.

        What another source says of other packages under this id stays (see twins.py).
        """
        core = advisory(record)
        said, of = statements(record.affected or ())
        places = [(self._place(package), which) for package, which in of]
        kept = postings([one.number << HALF | which for one, which in places])
        own = self._own(record, Speaker(core.publisher, frozenset(owners(kept)), self._family))
        ecosystems = {one.ecosystem for one, _ in places}
        if any(is_older(record, modified) for _, modified in own):
            return False
        gone = None if own else self._withdrawn(record.id)
        if gone is not None:
            if is_older(record, gone):
                return False
            self._gone[record.id] = None
        self._coverage.saw(record.id, ecosystems, record.modified)
        if own:
            for number, _ in own[1:]:
                self._drop(record.id, number)
            self._replace(record, own[0][0], _encode(core), _encode(said), kept)
            return True
        number = self._next
        self._next += 1
        others = self._find(record.id)
        self._seen[record.id] = (*others, (number, record.modified))
        for one, which in places:
            one.postings.append(number << HALF | which)
        self._count(record.id, ecosystems, 1)
        if not self._fresh:
            self._changed.update(owners(kept))
        name = twin(record.id, number) if others else record.id
        self._rows.append((number, name, record.modified, _encode(core), _encode(said), packed(kept)))
        if len(self._rows) >= _BATCH:
            self._flush()
        return True

    def withdraw(self, record: Record) -> bool:
        """Takes a record back, whether or not it was ever here; False when a newer one is."""
        rows, gone = self._find(record.id), self._withdrawn(record.id)
        if rows:
            places = postings(
                [self._place(package).number << HALF for package, _ in statements(record.affected or ())[1]]
            )
            about = Speaker(advisory(record).publisher, frozenset(owners(places)), self._family)
            # Mostly nothing is left in it, and then it is meant for whoever speaks of anything.
            rows = tuple(self._own(record, about)) if about.owners else rows
        latest = max((modified for _, modified in rows), default=gone)
        if latest is not None and is_older(record, latest):
            return False
        self._gone[record.id] = record.modified
        for number, _ in rows:
            self._drop(record.id, number)
        return True

    def stale(self, ecosystem: str, seen: Collection[str], before: str) -> list[str]:
        """The ids of records that only speak of one ecosystem, were changed before an instant and are not among these.

        Only ids of a kind that is among them: what somebody imported under other names is no business of theirs.
        """
        if self._fresh:
            return []
        self._flush()
        kinds = json.dumps(sorted({_kind(identity) for identity in seen}))
        query = "SELECT id FROM package WHERE ecosystem = ? OR substr(ecosystem, 1, ?) = ?"
        asked = (ecosystem, len(ecosystem) + 1, f"{ecosystem}:")
        own = {number for (number,) in typed(self._connection.execute(query, asked), int)}
        own.update(one.number for one in self._packages.values() if family_of(one.ecosystem) == ecosystem)
        query = (
            "SELECT name, places FROM record WHERE modified < ? "
            "AND substr(name, 1, instr(name || '-', '-') - 1) IN (SELECT value FROM json_each(?))"
        )
        return [
            name
            for name, places in typed(self._connection.execute(query, (before, kinds)), str, bytes)
            if identity_of(name) not in seen and places and set(owners(unpacked(places))) <= own
        ]

    def drop(self, name: str) -> None:
        """Takes a record out that its publisher no longer has, by the name of its row."""
        self._flush()
        found = first(self._connection.execute("SELECT id FROM record WHERE name = ?", (name,)), int)
        if found is not None:
            self._drop(identity_of(name), found[0])

    def _drop(self, identity: str, number: int) -> None:
        self._seen[identity] = tuple(row for row in self._find(identity) if row[0] != number)
        self._flush()
        _, _, places = self._stored(number)
        self._move(identity, number, places, postings())
        self._changed.update(owners(places))
        self._connection.execute("DELETE FROM record WHERE id = ?", (number,))

    def replace_kev(self, cves: list[str]) -> None:
        """The catalogue is published whole, so it replaces the old one."""
        self._replace_table("kev", [(cve,) for cve in cves])

    def replace_epss(self, scores: Sequence[tuple[str, float]]) -> None:
        """The scores are published whole, so they replace the old ones; the last of one CVE counts."""
        self._replace_table("epss", list(dict(scores).items()))

    def replace_ratings(self, ratings: Sequence[tuple[str, str, str, str, str]]) -> None:
        """A table of ratings replaces the old table."""
        self._replace_table("rating", ratings)

    def _replace_table(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        """The first column is the CVE; what became of which is noted."""
        new = dict.fromkeys(rows)
        query = f"SELECT * FROM {table}"  # noqa: S608 - one of our own three names
        old = set(typed(self._connection.execute(query)))
        if changed := new.keys() ^ old:
            self._facts.update(str(row[0]) for row in changed)
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608
            values = ", ".join("?" * len(rows[0]))
            # In the order of the publisher, which is that of the key or near it.
            self._connection.executemany(f"INSERT INTO {table} VALUES ({values})", new)  # noqa: S608

    def note(self, key: str, value: str) -> None:
        """Keeps what an update wants to know the next time."""
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str | None:
        """What was kept under the key."""
        row = first(self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)), str)
        return None if row is None else row[0]

    def finish(self) -> None:
        """Everything written, everything that follows from it worked out, and the changes noted."""
        self._flush()
        self._write_packages()
        self._write_withdrawn()
        self._connection.executescript(schema.INDEXES)
        settled = kinship.settle(self._connection, set() if self._fresh else self._facts)
        now = datetime.now(UTC)
        self.note("built", now.isoformat(timespec="seconds"))
        self.note("newest", newest(self._connection, now.date()))
        self._write_counts()
        self._coverage.write(self._connection)
        Log(self._connection).add({EVERYTHING} if self._fresh else self._changes(settled))
        self._connection.commit()

    def _withdrawn(self, identity: str) -> str | None:
        """When a record was changed that took it back, None where nobody did or it came again."""
        if identity in self._gone or self._fresh:
            return self._gone.get(identity)
        query = "SELECT modified FROM withdrawn WHERE name = ?"
        row = first(self._connection.execute(query, (identity,)), str)
        return None if row is None else row[0]

    def _find(self, identity: str) -> tuple[_Row, ...]:
        """Every row of the id."""
        known = self._seen.get(identity)
        if known is not None or self._fresh:
            return known or ()
        query = "SELECT name, id, modified FROM record WHERE name >= ? AND name < ?"
        found = typed(self._connection.execute(query, names_of(identity)), str, int, str)
        return tuple((number, modified) for name, number, modified in found if identity_of(name) == identity)

    def _own(self, record: Record, about: Speaker) -> list[_Row]:
        """The rows of which it is another version; raises msgspec.ValidationError when too many use the id."""
        rows = self._find(record.id)
        if not rows:
            return []
        self._flush()
        own = []
        for number, modified in rows:
            core, _, places = self._stored(number)
            stored = frozenset(owners(places))
            if stored == about.owners:
                own.append((number, modified))
                continue
            other = Speaker(_decode_advisory(core).publisher, stored, self._family)
            if is_version(*(about, other) if is_older(record, modified) else (other, about)):
                own.append((number, modified))
        if not own and len(rows) >= MOST_SOURCES:
            raise msgspec.ValidationError(f"more than {MOST_SOURCES} sources speak under the id {record.id[:50]}")
        return own

    def _family(self, package: int) -> str:
        return family_of(self._package(package).ecosystem)

    def _replace(self, record: Record, number: int, core: bytes, said: bytes, places: Postings) -> None:
        modified = record.modified
        rows = self._find(record.id)
        self._seen[record.id] = tuple((number, modified) if row[0] == number else row for row in rows)
        self._flush()
        old_core, old_said, old_places = self._stored(number)
        if (core, said, places) == (old_core, old_said, old_places):
            self._connection.execute("UPDATE record SET modified = ? WHERE id = ?", (modified, number))
            return
        self._move(record.id, number, old_places, places)
        if core != old_core:
            self._changed.update(owners(old_places), owners(places))
        else:
            before, after = _each(old_said), _each(said)
            if any(which >= len(before) for _, which in pairs(old_places)):
                raise Damaged("a place has no statement")
            changed = {(package, before[which]) for package, which in pairs(old_places)}
            changed ^= {(package, after[which]) for package, which in pairs(places)}
            self._changed.update(package for package, _ in changed)
        self._connection.execute(
            "UPDATE record SET modified = ?, core = ?, statements = ?, places = ? WHERE id = ?",
            (modified, core, said, packed(places), number),
        )

    def _move(self, identity: str, number: int, old: Postings, new: Postings) -> None:
        """The record speaks of other packages now, or with other statements of its own."""
        for which in set(old) - set(new):
            package, posting = self._posted(number, which)
            package.lost = package.lost or set()
            package.lost.add(posting)
        for which in set(new) - set(old):
            package, posting = self._posted(number, which)
            if package.lost and posting in package.lost:
                package.lost.remove(posting)
            else:
                package.postings.append(posting)
        for places, step in ((old, -1), (new, 1)):
            self._count(identity, {self._package(package).ecosystem for package in owners(places)}, step)

    def _count(self, identity: str, ecosystems: Collection[str], step: int) -> None:
        self._coverage.count(identity, ecosystems, step)
        for ecosystem in ecosystems:
            self._counts[ecosystem] += step

    def _posted(self, number: int, place: int) -> tuple[_Package, int]:
        """A place of the record as the package sees it."""
        ((package, which),) = pairs((place,))
        return self._package(package), number << HALF | which

    def _stored(self, number: int) -> tuple[bytes, bytes, Postings]:
        query = "SELECT core, statements, places FROM record WHERE id = ?"
        core, said, places = single(self._connection.execute(query, (number,)), bytes, bytes, bytes)
        return core, said, unpacked(places)

    def _place(self, package: Package) -> _Package:
        known = self._places.get(package.ecosystem)
        if known is None:
            known = self._places[package.ecosystem] = {}
        return known.get(package.name) or self._look_up(package, known)

    def _look_up(self, package: Package, known: dict[str, _Package]) -> _Package:
        """A name that was not read yet in this spelling: the package may be there under another one."""
        name = canonical(package.ecosystem, package.name)
        found = known.get(name)
        if found is None and not self._fresh:
            query = "SELECT id, postings FROM package WHERE ecosystem = ? AND name = ?"
            row = first(self._connection.execute(query, (package.ecosystem, name)), int, bytes)
            if row is not None:
                found = _Package(row[0], package.ecosystem, name, unpacked(row[1]))
        if found is None:
            self._last_package += 1
            found = _Package(self._last_package, package.ecosystem, name, postings(), new=True)
        self._packages[found.number] = known[name] = known[package.name] = found
        return found

    def _package(self, number: int) -> _Package:
        package = self._packages.get(number)
        if package is None:
            query = "SELECT ecosystem, name, postings FROM package WHERE id = ?"
            ecosystem, name, content = single(self._connection.execute(query, (number,)), str, str, bytes)
            package = self._packages[number] = _Package(number, ecosystem, name, unpacked(content))
            self._places.setdefault(ecosystem, {})[name] = package
        return package

    def _flush(self) -> None:
        query = "INSERT INTO record (id, name, modified, core, statements, places) VALUES (?, ?, ?, ?, ?, ?)"
        self._connection.executemany(query, self._rows)
        self._rows.clear()

    def _write_packages(self) -> None:
        for one in self._packages.values():
            if one.lost:
                one.postings = postings(posting for posting in one.postings if posting not in one.lost)
        self._connection.executemany(
            "INSERT INTO package VALUES (?, ?, ?, ?)",
            ((one.number, one.ecosystem, one.name, packed(one.postings)) for one in self._packages.values() if one.new),
        )
        self._connection.executemany(
            "UPDATE package SET postings = ? WHERE id = ?",
            ((packed(one.postings), one.number) for one in self._packages.values() if not one.new),
        )

    def _write_withdrawn(self) -> None:
        self._connection.executemany("DELETE FROM withdrawn WHERE name = ?", ((name,) for name in self._gone))
        self._connection.executemany(
            "INSERT INTO withdrawn VALUES (?, ?)", (pair for pair in self._gone.items() if pair[1] is not None)
        )

    def _write_counts(self) -> None:
        """What ``status`` and every report say about the sources."""
        self._connection.execute("DELETE FROM meta WHERE key LIKE 'records:%'")
        entries = [(f"records:{ecosystem}", str(count)) for ecosystem, count in self._counts.items() if count > 0]
        self._connection.executemany("INSERT INTO meta VALUES (?, ?)", entries)

    def _changes(self, settled: kinship.Settled) -> set[Change]:
        """An ecosystem that came or went changes what is said of all its packages: that nobody knows anything."""
        known = {ecosystem for ecosystem, count in self._counts.items() if count > 0}
        changes = {Change(ecosystem, "") for ecosystem in (known ^ self._known) | self._coverage.changed(known)}
        if settled.everything:
            changes.add(EVERYTHING)
        for number in settled.records:
            self._changed.update(owners(self._stored(number)[2]))
        query = "SELECT ecosystem, name FROM package WHERE id = ?"
        for number in self._changed:
            changes.add(Change(*single(self._connection.execute(query, (number,)), str, str)))
        return {EVERYTHING} if any(speaks_of_every_release(change.ecosystem) for change in changes) else changes


def _kind(identity: str) -> str:
    """``GHSA`` of ``GHSA-…``."""
    return identity.partition("-")[0]


def _each(said: bytes) -> list[bytes]:
    """The statements, each as it is kept."""
    return list(map(bytes, _decode(said)))


def _last(connection: sqlite3.Connection, table: str) -> int:
    """The highest number; a posting has room for half of 64 bits."""
    last: int
    (last,) = single(connection.execute(f"SELECT IFNULL(MAX(id), 0) FROM {table}"), int)  # noqa: S608
    if not 0 <= last < 1 << HALF - 1:
        raise Damaged(f"{last} is no number of a {table}")
    return last
