"""Of which ecosystems a database has advisories of their own, and of which only what others' dumps say by the way.

A dump of OSV has every record that names its ecosystem, and such a record may name others, too: npm's has dozens that
speak of Maven. Who took in npm's alone knows nothing of Maven, though there are records under that name. What all dumps
but an ecosystem's own lack are the records that name it alone.
"""

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from hullguard.advisories.postings import owners, unpacked
from hullguard.advisories.stored import number, typed
from hullguard.advisories.twins import identity_of

_OWN: Final = "own:"
"""A key of its own that says that there are such, whether or not any is of an ecosystem."""
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
        told = _told(dict(typed(connection.execute("SELECT key, value FROM meta WHERE key LIKE 'own:%'"), str, str)))
        self._counts = _counted(connection) if told is None else Counter(told)
        self._before = self._own()

    def count(self, identity: str, ecosystems: Iterable[str], step: int) -> None:
        """That one record more (1) or less (-1) of this id speaks of these."""
        if (family := _alone(identity, ecosystems)) is not None:
            self._counts[family] += step

    def write(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM meta WHERE key LIKE 'own:%'")
        rows = [(_OWN, "1"), *((f"{_OWN}{family}", str(self._counts[family])) for family in sorted(self._own()))]
        connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def changed(self, ecosystems: Iterable[str]) -> set[str]:
        """Those that were covered before and are not now, or the other way round."""
        own = self._own()
        return {each for each in ecosystems if covers(self._before, each) != covers(own, each)}

    def _own(self) -> frozenset[str]:
        return frozenset(family for family, count in self._counts.items() if count > 0)


def _told(meta: Mapping[str, str]) -> dict[str, int] | None:
    """By family how many records name it alone; None of a database that was made before anybody counted."""
    if _OWN not in meta:
        return None
    return {key.removeprefix(_OWN): number(key, meta[key]) for key in meta if key.startswith(_OWN) and key != _OWN}


def _alone(identity: str, ecosystems: Iterable[str]) -> str | None:
    """The one family that a record names, if it is one and the record is no malicious package's."""
    named = set(map(family_of, ecosystems))
    return named.pop() if len(named) == 1 and not identity.startswith(_MALICIOUS) else None


def _counted(connection: sqlite3.Connection) -> "Counter[str]":
    """Of a database that was made before anybody counted: all its records are looked at."""
    of = dict(typed(connection.execute("SELECT id, ecosystem FROM package"), int, str))
    counts = Counter[str]()
    for name, places in typed(connection.execute("SELECT name, places FROM record"), str, bytes):
        ecosystems = {of.get(package, "") for package in owners(unpacked(places))}
        if (family := _alone(identity_of(name), ecosystems)) is not None:
            counts[family] += 1
    return counts
