"""What each build of the database changed: how a server finds the inventories that a new advisory can matter to.

Every build has the *generation* after the last one's; the *lineage* tells databases apart that were begun anew. Of each
generation the database keeps the packages of which something else is said now, up to a bound.
"""

import os
import sqlite3
from typing import NamedTuple

from msgspec import Struct

from hullguard.advisories.stored import first, number, typed

MOST_CHANGES = 100_000
"""Of all generations together; who has missed more matches everything again."""

_LINEAGE, _GENERATION, _COMPLETE = "lineage", "generation", "changes:since"


class Change(NamedTuple):
    """A package of which something else is said than before.

    Without a name it is every package of the ecosystem, without an ecosystem everything there is.
    """

    ecosystem: str
    name: str


EVERYTHING = Change("", "")


class Build(Struct, frozen=True):
    """Names what a database holds."""

    lineage: str
    generation: int

    def follows(self, other: "Build") -> bool:
        """Whether it grew out of the other one, or is it."""
        return self.lineage == other.lineage and self.generation >= other.generation


class Log:
    """The account of changes in a database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def build(self) -> Build:
        """Which build the database is; a database without a record is the generation 0."""
        return Build(self._meta(_LINEAGE) or "", self._number(_GENERATION))

    def add(self, changes: set[Change]) -> None:
        """Notes one more generation."""
        before = self.build()
        if not before.lineage:
            self._note(_LINEAGE, os.urandom(8).hex())
        generation = before.generation + 1
        self._note(_GENERATION, str(generation))
        if len(changes) > MOST_CHANGES // 2:
            changes = {EVERYTHING}
        self._connection.executemany(
            "INSERT INTO change VALUES (?, ?, ?)", ((generation, *change) for change in sorted(changes))
        )
        self._forget()

    def since(self, generation: int) -> set[Change]:
        """What has changed after that generation; everything, if that is no longer known."""
        if not self._number(_COMPLETE) <= generation <= self.build().generation:
            return {EVERYTHING}
        query = "SELECT DISTINCT ecosystem, name FROM change WHERE generation > ?"
        return {Change(*row) for row in typed(self._connection.execute(query, (generation,)), str, str)}

    def _forget(self) -> None:
        """Drops the oldest generations until the rest is within the bound."""
        counts = self._connection.execute(
            "SELECT generation, COUNT(*) FROM change GROUP BY generation ORDER BY generation DESC"
        )
        total = 0
        for generation, count in counts.fetchall():
            total += count
            if total > MOST_CHANGES:
                self._connection.execute("DELETE FROM change WHERE generation <= ?", (generation,))
                self._note(_COMPLETE, str(generation))
                return

    def _number(self, key: str) -> int:
        return number(key, self._meta(key) or "0")

    def _meta(self, key: str) -> str | None:
        row = first(self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)), str)
        return None if row is None else row[0]

    def _note(self, key: str, value: str) -> None:
        self._connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
