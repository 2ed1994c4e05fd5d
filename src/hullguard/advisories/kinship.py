"""Which names one vulnerability has, and from which ones it comes, over all records of the database.

``aliases`` are symmetric and transitive, ``upstream`` leads one way and is transitive, ``related`` says nothing (OSV
schema, the sections of these names). What follows from other records is worked out when a database is built and kept
with each record, so that a look-up need not follow anything.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
from msgspec import Struct

from hullguard.advisories.osv import Advisory, Kin, announces
from hullguard.advisories.stored import reader, typed

MOST_FACTS = 20_000
"""Names of which something else is known than before; with more of them everything may have changed."""

# A record with more aliases is an announcement of several vulnerabilities; osv.dev's own computation of aliases draws
# the line there too (vulnfeeds, "alias_computation"), and at this size of a group.
_MOST_ALIASES = 5
_MOST_NAMES = 32
_MOST_NEAR = 64
"""Of the names beside one only the first are followed, the CVEs before others: no group has room for more."""
_MOST_FOLLOWED = 1000
_DEEPEST = 8

_Said: TypeAlias = tuple[str, str, str, str]
"""A severity under a name: (name, author, vector, word)."""


class _Links(Struct, frozen=True, array_like=True, gc=False):
    """The beginning of a stored record."""

    id: str
    aliases: tuple[str, ...]
    upstream: tuple[str, ...]
    related: tuple[str, ...]


_links = reader(_Links)
_kin = reader(Kin)
_advisory = reader(Advisory)
_encode = msgspec.msgpack.Encoder().encode


class Settled(Struct, frozen=True):
    """The records of which something else is known than before; ``everything`` when they were not counted."""

    records: set[int]
    everything: bool


def settle(connection: sqlite3.Connection, facts: set[str]) -> Settled:
    """Works out what follows for every record and keeps it.

    ``facts`` are the names (CVEs) of which something changed that no record says: KEV, EPSS, ratings.
    """
    graph = _Graph(connection)
    touched, said = _keep_kin(connection, graph)
    facts = facts | _keep_inherited(connection, said)
    everything = len(facts) > MOST_FACTS
    if facts and not everything:
        for core, number, kin in _records(connection):
            if not facts.isdisjoint(_names(_links(core), kin)):
                touched.add(number)
    return Settled(touched, everything)


def _records(connection: sqlite3.Connection) -> Iterator[tuple[bytes, int, bytes | None]]:
    return typed(connection.execute("SELECT core, id, kin FROM record"), bytes, int, bytes | None)


def _keep_kin(connection: sqlite3.Connection, graph: "_Graph") -> tuple[set[int], set[_Said]]:
    """The records whose kin changed, and all severities that other records inherit."""
    updates: list[tuple[bytes | None, int]] = []
    said: set[_Said] = set()
    for core, number, stored in _records(connection):
        links = _links(core)
        kin = graph.kin(links)
        packed = None if kin is None else _encode(kin)
        if packed != stored:
            updates.append((packed, number))
        if links.aliases or links.id in graph.pointed:
            said.update(_said(_advisory(core), graph.stands_for(links.id)))
    connection.executemany("UPDATE record SET kin = ? WHERE id = ?", updates)
    return {number for _, number in updates}, said


def _said(advisory: Advisory, names: Iterable[str]) -> Iterator[_Said]:
    for name in names:
        for rating in advisory.severity:
            if rating.type.startswith("CVSS"):
                yield name, advisory.id, rating.score, ""
        if advisory.rating:
            yield name, advisory.id, "", advisory.rating


def _keep_inherited(connection: sqlite3.Connection, new: set[_Said]) -> set[str]:
    """The names for which an inherited severity changed."""
    old = set(typed(connection.execute("SELECT name, author, vector, word FROM inherited"), str, str, str, str))
    gone, come = old - new, new - old
    query = "DELETE FROM inherited WHERE name = ? AND author = ? AND vector = ? AND word = ?"
    connection.executemany(query, sorted(gone))
    connection.executemany("INSERT INTO inherited VALUES (?, ?, ?, ?)", sorted(come))
    return {row[0] for row in gone | come}


def _names(links: _Links, packed: bytes | None) -> Iterator[str]:
    """Every name by which anything is looked up for a finding of the record."""
    yield links.id
    yield from links.aliases
    yield from links.upstream
    if announces(links.id):
        yield from links.related
    if packed is not None:
        kin = _kin(packed)
        yield from kin.aliases
        for root in kin.roots:
            yield from root


class _Graph:
    """Names as nodes, aliases as edges."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.pointed: set[str] = set()
        """Names that are no CVE and that other records come from."""
        self._near: dict[str, Sequence[str]] = {}
        self._cves: dict[str, list[str]] = {}
        """Of the names beside one those that are CVEs: all of them."""
        self._upstream: dict[str, tuple[str, ...]] = {}
        self._walked: dict[str, tuple[str, ...]] = {}
        near, upstream = dict[str, set[str]](), self._upstream
        for (core,) in typed(connection.execute("SELECT core FROM record"), bytes):
            links = _links(core)
            if 0 < len(links.aliases) <= _MOST_ALIASES:
                for alias in map(spelled, links.aliases):
                    near.setdefault(links.id, set()).add(alias)
                    near.setdefault(alias, set()).add(links.id)
            if links.upstream:
                upstream[links.id] = links.upstream
                if len(links.upstream) > 1 or not links.upstream[0].startswith("CVE-"):
                    self.pointed.update(spelled(name) for name in links.upstream if not is_cve(name))
        while near:
            name, around = near.popitem()
            ordered = sorted(around, key=_cves_first)
            self._near[name] = ordered[:_MOST_NEAR]
            if cves := list(filter(is_cve, ordered)):
                self._cves[name] = cves

    def kin(self, links: _Links) -> Kin | None:
        """What other records add to what this one says; None when that is nothing."""
        aliases = links.aliases
        if links.id in self._near:
            aliases = tuple(dict.fromkeys((*aliases, *self._walk(links.id)[1:])))
        elif not any(map(self._leads_on, links.upstream)):
            return None  # most records of distributions
        roots = self._roots(links.upstream)
        if aliases == links.aliases and roots == tuple((name,) for name in links.upstream):
            return None
        return Kin(aliases, roots)

    def _leads_on(self, name: str) -> bool:
        return name in self._near or not name.startswith("CVE-")

    def stands_for(self, name: str) -> Iterable[str]:
        """The CVEs that it is about; where there is none, every name that may be asked for."""
        names = self._walk(name)
        return list(filter(is_cve, names)) or names

    def _roots(self, upstream: Iterable[str]) -> tuple[tuple[str, ...], ...]:
        """Each vulnerability that the names lead to, with all its names; two names of one are one."""
        found: list[tuple[str, ...]] = []
        seen: set[str] = set()
        waiting = [(spelled(name), 0) for name in reversed(list(upstream))]
        while waiting:
            name, depth = waiting.pop()
            if name in seen:
                continue
            names = self._walk(name)
            seen.update(names)
            ends = any(map(is_cve, names)) or depth >= _DEEPEST or len(seen) >= _MOST_FOLLOWED
            if not ends and (further := self._further(names)):
                waiting += [(spelled(each), depth + 1) for each in reversed(further)]
            else:
                found.append(names)
        return tuple(found)

    def _further(self, names: Iterable[str]) -> list[str]:
        return [above for name in names for above in self._upstream.get(name, ())]

    def _walk(self, start: str) -> tuple[str, ...]:
        """A name and all others for the same vulnerability, the nearest first.

        Another CVE than the nearest ones is another vulnerability, and so is what names one: some records give one
        advisory for two of them.
        """
        around = self._near.get(start)
        if around is None:
            return (start,)
        if len(around) == 1 and len(self._near[(only := around[0])]) == 1:
            return start, only
        if (walked := self._walked.get(start)) is not None:
            return walked
        names = {start: None}
        level = [start]
        while level and len(names) < _MOST_NAMES:
            near = sorted({name for one in level for name in self._near[one]} - names.keys(), key=_cves_first)
            known = set(filter(is_cve, names)) or set(filter(is_cve, near))
            level = [name for name in near if not known or self._agrees(name, known)][: _MOST_NAMES - len(names)]
            names.update(dict.fromkeys(level))
        walked = self._walked[start] = tuple(names)
        return walked

    def _agrees(self, name: str, known: set[str]) -> bool:
        return name in known if is_cve(name) else all(one in known for one in self._cves.get(name, ()))


def is_cve(name: str) -> bool:
    return name.startswith("CVE-")


def _cves_first(name: str) -> tuple[bool, str]:
    return not is_cve(name), name


def spelled(name: str) -> str:
    """Publishers write ``ghsa-…`` and mean ``GHSA-…``."""
    return f"GHSA-{name[5:]}" if name.startswith("ghsa-") else name
