"""Of which ecosystems a database has advisories of their own, of which day, and of which only what others' dumps say.

A dump of OSV has every record that names its ecosystem, and such a record may name others, too: npm's has dozens that
speak of Maven. Who took in npm's alone knows nothing of Maven, though there are records under that name. What all dumps
but an ecosystem's own lack are the records that name it alone.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from hullguard.advisories.postings import owners, unpacked
from hullguard.advisories.stored import number, typed
from hullguard.advisories.twins import identity_of

_OWN: Final = "own:"
"""A key of its own that says that there are such, whether or not any is of an ecosystem."""
_NEWEST: Final = "newest:"
"""The same of the days on which records were changed last."""
_MALICIOUS: Final = "MAL-"
"""Ids of malicious packages, which have a dump of their own: the vulnerabilities may well be missing beside it."""
_WITH: Final = {"BellSoft Hardened Containers": "Alpaquita"}
"""What its publisher never names alone, and what always stands beside it."""


def family_of(ecosystem: str) -> str:
    """``Debian`` of ``Debian:12``."""
    return ecosystem.partition(":")[0]


def covers(own: Collection[str], ecosystem: str) -> bool:
    """Whether the advisories of an ecosystem are there; ``own`` are the families that ``families`` gives."""
    family = family_of(ecosystem)
    return family in own or _WITH.get(family) in own


def families(meta: Mapping[str, str], known: Iterable[str]) -> frozenset[str]:
    """The families with advisories of their own; all of which any are known where the database was not told."""
    told = _told(meta)
    return frozenset(map(family_of, known)) if told is None else frozenset(told)


def recorded(connection: sqlite3.Connection) -> dict[str, int]:
    """How many records speak of each ecosystem, in whichever dump they came."""
    query = "SELECT substr(key, 9), CAST(value AS INTEGER) FROM meta WHERE key LIKE 'records:%'"
    return dict(typed(connection.execute(query), str, int))


class Coverage:
    """Counts, while records are written, those that name one family alone."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        query = "SELECT key, value FROM meta WHERE key LIKE 'own:%' OR key LIKE 'newest:%'"
        meta = dict(typed(connection.execute(query), str, str))
        told, days = _told(meta), newest_of(meta)
        # A day that is still to come is a mistake of its record.
        self._tomorrow = (datetime.now(UTC) + timedelta(days=1)).date().isoformat()
        self._counts, self._newest = Counter(told or {}), days or {}
        if told is None or days is None:
            self._look_at_all(connection, counts=told is None)
        self._before = self._own()

    def count(self, identity: str, ecosystems: Iterable[str], step: int) -> None:
        """That one record more (1) or less (-1) of this id speaks of these."""
        if (family := _alone(identity, ecosystems)) is not None:
            self._counts[family] += step

    def saw(self, identity: str, ecosystems: Iterable[str], modified: str) -> None:
        """That a record of this id speaks of these, and when it was changed."""
        day = modified[:10]
        if day < self._tomorrow and (family := _alone(identity, ecosystems)) is not None:
            self._newest[family] = max(day, self._newest.get(family, ""))

    def write(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM meta WHERE key LIKE 'own:%' OR key LIKE 'newest:%'")
        own = sorted(self._own())
        rows = [(_OWN, "1"), *((f"{_OWN}{family}", str(self._counts[family])) for family in own)]
        rows += [(_NEWEST, ""), *((f"{_NEWEST}{each}", day) for each in own if (day := self._newest.get(each)))]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def changed(self, ecosystems: Iterable[str]) -> set[str]:
        """Those that were covered before and are not now, or the other way round."""
        own = self._own()
        return {each for each in ecosystems if covers(self._before, each) != covers(own, each)}

    def _look_at_all(self, connection: sqlite3.Connection, *, counts: bool) -> None:
        """Of a database that was made before anybody counted, or kept days."""
        for identity, modified, ecosystems in _records(connection):
            self.saw(identity, ecosystems, modified)
            if counts:
                self.count(identity, ecosystems, 1)

    def _own(self) -> frozenset[str]:
        return frozenset(family for family, count in self._counts.items() if count > 0)


def newest_of(meta: Mapping[str, str]) -> dict[str, str] | None:
    """By family the day on which a record that names it alone was changed last; None where nobody kept that."""
    if _NEWEST not in meta:
        return None
    return {key.removeprefix(_NEWEST): meta[key] for key in meta if key.startswith(_NEWEST) and key != _NEWEST}


def _told(meta: Mapping[str, str]) -> dict[str, int] | None:
    """By family how many records name it alone; None of a database that was made before anybody counted."""
    if _OWN not in meta:
        return None
    return {key.removeprefix(_OWN): number(key, meta[key]) for key in meta if key.startswith(_OWN) and key != _OWN}


def _alone(identity: str, ecosystems: Iterable[str]) -> str | None:
    """The one family that a record names, if it is one and the record is no malicious package's."""
    found = None
    for each in ecosystems:  # of every record there is, so no set is made
        family = each.partition(":")[0]
        if found is None:
            found = family
        elif family != found:
            return None
    return None if identity.startswith(_MALICIOUS) else found


def _records(connection: sqlite3.Connection) -> Iterator[tuple[str, str, set[str]]]:
    """Id, time and ecosystems of each."""
    of = dict(typed(connection.execute("SELECT id, ecosystem FROM package"), int, str))
    query = "SELECT name, modified, places FROM record"
    for name, modified, places in typed(connection.execute(query), str, str, bytes):
        yield identity_of(name), modified, {of.get(package, "") for package in owners(unpacked(places))}
