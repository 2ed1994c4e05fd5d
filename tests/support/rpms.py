"""rpm databases made by hand, in every format."""

import hashlib
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

_TAGS = {
    "name": 1000, "version": 1001, "release": 1002, "epoch": 1003, "vendor": 1011, "license": 1014, "arch": 1022,
    "source": 1044, "basenames": 1117, "dirnames": 1118, "dirindexes": 1116, "module": 5096, "summary": 1004,
    "digests": 1035, "flags": 1037, "digestkind": 5011,
}  # fmt: skip


def header(name: str, version: str = "1.0", release: str = "1.el9", **fields: str | int | Sequence[str | int]) -> bytes:
    """One header; strings, numbers and lists of either become tags of their types."""
    index, store = b"", b""
    for key, value in {"name": name, "version": version, "release": release, **fields}.items():
        values = [value] if isinstance(value, str | int) else list(value)
        if isinstance(values[0], int):
            kind, data = 4, b"".join(struct.pack(">I", one) for one in values)
            store += b"\0" * (-len(store) % 4)
        else:
            kind, data = 6 if isinstance(value, str) else 8, b"".join(str(one).encode() + b"\0" for one in values)
        index += struct.pack(">IIII", _TAGS[key], kind, len(store), len(values))
        store += data
    return struct.pack(">II", len(index) // 16, len(store)) + index + store


def sealed(blob: bytes, *, sha256: bool = True, sha1: bool = True) -> bytes:
    """The header as rpm keeps it: an immutable region, behind it the digests and the time of the installation."""
    tags, size = struct.unpack_from(">II", blob)
    index, store = blob[8 : 8 + 16 * tags], blob[8 + 16 * tags :]
    region = struct.pack(">IIiI", 63, 7, size, 16) + index
    covered = store + struct.pack(">IIiI", 63, 7, -len(region), 16)
    hashed = b"\x8e\xad\xe8\x01\0\0\0\0" + struct.pack(">II", tags + 1, len(covered)) + region + covered
    beside, data = b"", covered
    for wanted, tag, name in ((sha1, 269, "sha1"), (sha256, 273, "sha256")):
        if wanted:
            beside += struct.pack(">IIII", tag, 6, len(data), 1)
            data += hashlib.new(name, hashed, usedforsecurity=False).hexdigest().encode() + b"\0"
    data += b"\0" * (-len(data) % 4)
    beside += struct.pack(">IIII", 1008, 4, len(data), 1)
    data += struct.pack(">I", 1_700_000_000)
    return struct.pack(">II", (len(region) + len(beside)) // 16, len(data)) + region + beside + data


def ndb(*blobs: bytes) -> bytes:
    """A Packages.db with one page of slots; empty slots between the full ones."""
    slots, data, block = b"", b"", 256
    for number, blob in enumerate(blobs, 1):
        entry = struct.pack("<4sIII", b"BlbS", number, 1, len(blob)) + blob
        entry += b"\0" * (-(len(entry) + 12) % 16)
        entry += struct.pack("<II4s", zlib.adler32(entry), len(blob), b"BlbE")
        slots += struct.pack("<4sIII", b"Slot", number, block, len(entry) // 16) + struct.pack(
            "<4sIII", b"Slot", 0, 0, 0
        )
        data += entry
        block += len(entry) // 16
    first = struct.pack("<4sIIII12x", b"RpmP", 0, 1, 1, len(blobs) + 1) + slots
    first += struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((4096 - len(first)) // 16)
    return first + data


def bdb(*blobs: bytes, order: str = "<", size: int = 512) -> bytes:
    """A Berkeley DB hash: one page of pairs, every value in a chain of pages of its own."""
    pages: list[bytes] = []
    items = [(b"\1" + bytes(4), b"\1" + bytes(4))]
    for number, blob in enumerate(blobs, 1):
        parts = [blob[start : start + size - 26] for start in range(0, len(blob), size - 26)]
        first = len(pages) + 2
        for place, part in enumerate(parts):
            following = first + place + 1 if place + 1 < len(parts) else 0
            pages.append(_page(order, first + place, following, 1, len(part), 7, part, size))
        key = b"\1" + struct.pack(f"{order}I", number)
        items.append((key, struct.pack(f"{order}B3xII", 3, first, len(blob))))
    places, body, end = [], b"", size
    for item in (one for pair in items for one in pair):
        end -= len(item)
        places.append(end)
        body = item + body
    index = struct.pack(f"{order}{len(places)}H", *places)
    filled = index + b"\0" * (end - 26 - len(index)) + body
    table = _page(order, 1, 0, len(places), end, 13, filled, size)
    meta = struct.pack(f"{order}8xIIIIBBBxII", 0, 0x61561, 9, size, 0, 8, 0, 0, len(pages) + 1)
    return meta.ljust(size, b"\0") + table + b"".join(pages)


def _page(
    order: str, number: int, following: int, entries: int, offset: int, kind: int, body: bytes, size: int
) -> bytes:
    return (struct.pack(f"{order}8xIIIHHBB", number, 0, following, entries, offset, 0, kind) + body).ljust(size, b"\0")


class SqliteDatabase:
    """A rpmdb.sqlite that SQLite itself writes; what was written since ``checkpoint`` is in the log."""

    def __init__(self, directory: Path, page_size: int = 512) -> None:
        self._path = directory / "rpmdb.sqlite"
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        for statement in (
            f"PRAGMA page_size={page_size}",
            "PRAGMA journal_mode=WAL",
            "PRAGMA wal_autocheckpoint=0",
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)",
            "CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)",
            "CREATE INDEX 'Name_key_idx' ON 'Name'(key ASC)",
        ):
            self._connection.execute(statement)

    def install(self, blobs: Iterable[bytes]) -> None:
        for blob in blobs:
            row = self._connection.execute("INSERT INTO 'Packages' (blob) VALUES (?)", (blob,)).lastrowid
            self._connection.execute("INSERT INTO 'Name' VALUES (?, ?, 0)", (f"name{row}", row))

    def remove(self, row: int) -> None:
        self._connection.execute("DELETE FROM 'Packages' WHERE hnum=?", (row,))

    def checkpoint(self) -> None:
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @property
    def main(self) -> bytes:
        return self._path.read_bytes()

    @property
    def log(self) -> bytes:
        return self._path.with_name("rpmdb.sqlite-wal").read_bytes()
