"""What is kept of a package database: its packages, and of SQLite as much structure as its log needs."""

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.rpm.header import DamagedHeader, Record, parse
from hullguard.model.decoding import from_json


class Cell(Struct, frozen=True, array_like=True):
    """One row of SQLite's table of packages: the pages behind its own, and which record it is (-1: unreadable)."""

    row: int
    chain: tuple[int, ...]
    record: int


class Condensed(Struct):
    """A database as far as it could be read."""

    records: list[Record] = []
    problems: list[str] = []
    root: int = 0
    page_size: int = 0
    empty: bool = False
    """Whether the file has no bytes at all."""
    nodes: dict[int, list[int]] = {}
    leaves: dict[int, list[Cell]] = {}

    def add(self, blob: bytes) -> int:
        """Reads one header; gives the number of its record, or -1."""
        if len(self.records) >= bounds.RPM_PACKAGES:
            self.report(f"it names more than {bounds.RPM_PACKAGES} packages")
            return -1
        try:
            self.records.append(parse(blob))
        except DamagedHeader as bad:
            self.report(str(bad))
            return -1
        return len(self.records) - 1

    def add_all(self, blobs: Iterable[bytes]) -> None:
        for blob in blobs:
            self.add(blob)

    def report(self, problem: str) -> None:
        """Notes something that could not be read; the same is said once."""
        if problem not in self.problems:
            self.problems.append(problem)


def dump(condensed: Condensed) -> bytes:
    return msgspec.json.encode(condensed)


def load(content: bytes) -> Condensed:
    """What ``dump`` made; anything else is a database of which nothing could be read."""
    try:
        return from_json(content, Condensed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Condensed(problems=["it is no database of packages"])
