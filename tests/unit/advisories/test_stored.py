"""Databases that a disk damaged or somebody else made: one error with the file's name and what to do."""

import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.advisories import TODAY, affected, database, inventory, package, record, write_records

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.model.errors import HullguardError, Unavailable

ZERO = {"introduced": "0"}
IMAGE = inventory(package("a", "1.0.0", "npm"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = [record(f"X-{n}", affected("npm", f"a{n or ''}", ZERO), summary="s" * 500) for n in range(100)]
    database(tmp_path, *made).close()
    return tmp_path / "advisories.db"


def change(path: Path, *statements: str) -> None:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def match(path: Path) -> object:
    advisories = Advisories.open(path)
    try:
        return advisories.match(IMAGE, TODAY).vulnerabilities
    finally:
        advisories.close()


def add(path: Path) -> object:
    new = record("X-0", affected("npm", "b", ZERO), modified="2025-02-01T00:00:00Z")
    return import_files([write_records(path.with_name("more.jsonl"), new)], path)


def bundle(path: Path) -> object:
    key = path.with_name("key")
    if not key.exists():
        keys.make(key)
    return pack(path, path.with_name("made.bundle"), key)


def status(path: Path) -> object:
    advisories = Advisories.open(path)
    try:
        return advisories.status()
    finally:
        advisories.close()


EVERY = [match, add, bundle, status]


@pytest.mark.parametrize("use", EVERY)
def test_a_file_that_was_cut_off_is_said(path: Path, use: Callable[[Path], object]) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 8192 * 8192])

    with pytest.raises(
        Unavailable, match=r"advisories\.db is damaged: .*; remove it and make it again with: hullguard"
    ):
        use(path)


@pytest.mark.parametrize("use", [match, add, bundle])
def test_bad_pages_are_said(path: Path, use: Callable[[Path], object]) -> None:
    content = bytearray(path.read_bytes())
    content[8192:] = bytes(range(256)) * ((len(content) - 8192) // 256)
    path.write_bytes(content)

    with pytest.raises(Unavailable, match=r"is damaged: .*malformed.*; remove it"):
        use(path)


@pytest.mark.parametrize("use", EVERY)
def test_a_view_in_the_place_of_a_table_never_runs(path: Path, use: Callable[[Path], object]) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'npm', 'a', x'' FROM n"
    change(path, "DROP TABLE package", f"CREATE VIEW package (id, ecosystem, name, postings) AS {endless}")

    with pytest.raises(Unavailable, match="its tables are others than an import makes"):
        use(path)


@pytest.mark.parametrize("use", EVERY)
@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE kev",
        "ALTER TABLE record DROP COLUMN kin",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM package; END",
        "DROP INDEX package_name",
    ],
)
def test_other_tables_are_said(path: Path, statement: str, use: Callable[[Path], object]) -> None:
    change(path, statement)

    with pytest.raises(Unavailable, match="is damaged: its tables"):
        use(path)


LIE = msgspec.msgpack.encode([1, 2, 3]).hex()


@pytest.mark.parametrize(
    ("statement", "uses"),
    [
        ("UPDATE package SET postings = 'text'", [match, add]),
        ("UPDATE package SET postings = x'010203'", [match, add]),
        ("UPDATE package SET postings = x'ffff000001000000'", [match]),
        ("UPDATE record SET core = 7", [match, add, bundle]),
        (f"UPDATE record SET core = x'{LIE}'", [match, add, bundle]),
        (f"UPDATE record SET core = x'{'91' * 5000}'", [match, add, bundle]),
        ("UPDATE record SET statements = x'90'", [match, bundle]),
        ("UPDATE record SET statements = 'text'", [match, add, bundle]),
        ("UPDATE record SET places = x'01'", [add, bundle]),
        ("UPDATE record SET places = x'0000000000090000'", [add, bundle]),
        ("UPDATE record SET places = x'0900000001000000'", [bundle]),
        ("UPDATE record SET kin = x'c1'", [match]),
        ("UPDATE record SET modified = x'05'", [add]),
        ("UPDATE record SET id = 4294967297 WHERE id = 1", [add]),
        ("UPDATE package SET name = CAST(x'ff' AS TEXT) WHERE id = 1", [bundle]),
        ("UPDATE meta SET value = 'yesterday' WHERE key = 'built'", [status, bundle]),
        ("UPDATE meta SET value = '2025-01-01T00:00:00' WHERE key = 'built'", [status, bundle]),
        ("UPDATE meta SET value = x'ff'", [match, status]),
        ("UPDATE meta SET value = 'many' WHERE key LIKE 'records:%'", [status]),
        ("UPDATE meta SET value = '-1' WHERE key = 'generation'", [add]),
        ("INSERT INTO epss VALUES ('CVE-1', 'likely')", [bundle]),
        ("INSERT INTO kev VALUES (x'ff')", [bundle]),
        ("INSERT INTO inherited VALUES (x'00', 'a', 'b', 'c')", [add]),
    ],
)
def test_rows_that_no_import_writes_are_said(path: Path, statement: str, uses: list[Callable[[Path], object]]) -> None:
    change(path, statement)

    for use in uses:
        with pytest.raises(Unavailable, match=r"is damaged: .*; remove it and make it again"):
            use(path)


@pytest.mark.parametrize("use", EVERY)
def test_what_is_no_database_is_not_to_be_removed(tmp_path: Path, use: Callable[[Path], object]) -> None:
    (tmp_path / "advisories.db").write_text("a letter " * 500)

    with pytest.raises(HullguardError, match=r"no advisory database.*name another file with --db"):
        use(tmp_path / "advisories.db")


def test_a_damaged_file_is_as_it_was_after_an_import_failed(path: Path) -> None:
    change(path, "UPDATE record SET core = 7")
    before = path.read_bytes()

    with pytest.raises(Unavailable):
        add(path)

    assert path.read_bytes() == before
    assert sorted(file.name for file in path.parent.glob(".advisories.db.*")) == [".advisories.db.lock"]


def test_pages_that_lead_to_one_another_without_an_end_are_said(path: Path) -> None:
    cves = ", ".join(f"('CVE-2024-{number:06}')" for number in range(20_000))
    change(path, "INSERT INTO kev VALUES ('CVE-1')", f"INSERT INTO kev VALUES {cves}")
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'kev'").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    top = bytes(content[(root - 1) * size : root * size])
    (count,) = struct.unpack_from(">H", top, 3)
    cells = struct.unpack_from(f">{count}H", top, 12)
    below = sorted({struct.unpack_from(">I", top, cell)[0] for cell in cells})
    levels = [root, *below[:12]]
    for here, next_ in zip(levels, [*levels[1:], below[12]], strict=True):
        page = bytearray(top)
        for place in (8, *cells):
            struct.pack_into(">I", page, place, next_)
        content[(here - 1) * size : here * size] = page
    path.write_bytes(content)

    with pytest.raises(Unavailable, match="is damaged: its pages lead to one another without an end; remove it"):
        status(path)
