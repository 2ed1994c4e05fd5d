"""The three formats of databases, whole and damaged."""

import random
import struct
from collections.abc import Callable

import pytest
from tests.support.advisories import shared_data
from tests.support.rpms import SqliteDatabase, bdb, header, ndb

from hullguard.inventory.analyzers.rpm import bdb as bdb_format
from hullguard.inventory.analyzers.rpm import ndb as ndb_format
from hullguard.inventory.analyzers.rpm import sqlite, wal
from hullguard.inventory.analyzers.rpm.condensed import Condensed, dump, load
from hullguard.inventory.analyzers.rpm.header import parse

NAMES = [f"package{number}" for number in range(40)]
# Headers of many sizes: in one page, at its edge and over several pages.
BLOBS = [header(name, summary="s" * (number * 37)) for number, name in enumerate(NAMES)]


@pytest.fixture
def database(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabase:
    return SqliteDatabase(tmp_path_factory.mktemp("rpm"))


def names(found: Condensed) -> list[str]:
    return sorted(record.name for record in found.records)


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
def test_sqlite_with_pages_of_any_size(tmp_path_factory: pytest.TempPathFactory, page_size: int) -> None:
    database = SqliteDatabase(tmp_path_factory.mktemp("rpm"), page_size)
    database.install(BLOBS)
    database.checkpoint()

    found = sqlite.condense(database.main)

    assert names(found) == sorted(NAMES)
    assert found.problems == []


def test_removed_rows_are_gone(database: SqliteDatabase) -> None:
    database.install(BLOBS)
    database.remove(7)
    database.checkpoint()

    assert names(sqlite.condense(database.main)) == sorted(set(NAMES) - {"package6"})


def test_rows_that_are_only_in_the_log(database: SqliteDatabase) -> None:
    database.install(BLOBS[:20])
    database.checkpoint()
    database.install(BLOBS[20:])
    database.remove(3)
    main = load(dump(sqlite.condense(database.main)))

    merged = wal.apply(main, wal.pages_of(wal.condense(database.log)))

    assert len(main.records) == 20
    assert names(merged) == sorted(set(NAMES) - {"package2"})
    assert merged.problems == []


def test_a_database_that_was_never_written_back(database: SqliteDatabase) -> None:
    database.install(BLOBS)

    merged = wal.apply(sqlite.condense(database.main), wal.pages_of(wal.condense(database.log)))

    assert names(merged) == sorted(NAMES)


def test_what_was_not_committed_does_not_count(database: SqliteDatabase) -> None:
    database.install(BLOBS[:5])
    database.checkpoint()
    database.install(BLOBS[5:6])
    log = database.log
    torn = log[: 32 + 24 + 512]  # one frame, and not the last of its transaction

    merged = wal.apply(sqlite.condense(database.main), wal.pages_of(wal.condense(torn)))

    assert names(merged) == sorted(NAMES[:5])
    assert wal.condense(torn) == wal.condense(b"") == b""


def test_frames_of_an_earlier_use_of_the_log_do_not_count(database: SqliteDatabase) -> None:
    database.install(BLOBS[:5])
    log = bytearray(database.log)
    log[16] ^= 1

    assert wal.committed(bytes(log)) == {}
    assert wal.committed(database.log) != {}


def test_ndb() -> None:
    found = ndb_format.condense(ndb(*BLOBS))

    assert names(found) == sorted(NAMES)
    assert found.problems == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_berkeley_db_of_either_order_of_bytes(order: str) -> None:
    found = bdb_format.condense(bdb(*BLOBS[:15], order=order))

    assert names(found) == sorted(NAMES[:15])
    assert found.problems == []


def test_a_berkeley_db_that_rpm_wrote() -> None:
    (record,) = bdb_format.condense((shared_data() / "samples" / "rpm-bdb-libuuid.Packages").read_bytes()).records

    assert (record.name, record.version, record.release) == ("libuuid", "2.32.1", "42.el8_8")
    assert record.source == "util-linux-2.32.1-42.el8_8.src.rpm"


def test_one_damaged_header_costs_only_itself(database: SqliteDatabase) -> None:
    damaged = [BLOBS[0], b"\xff" * 40, BLOBS[1]]
    database.install(damaged)
    database.checkpoint()

    for found in (
        sqlite.condense(database.main),
        ndb_format.condense(ndb(*damaged)),
        bdb_format.condense(bdb(*damaged)),
    ):
        assert names(found) == NAMES[:2]
        assert found.problems == ["a header is longer than what holds it"]


def test_a_file_that_ends_early_gives_what_is_there(database: SqliteDatabase) -> None:
    database.install(BLOBS)
    database.checkpoint()

    cases: list[tuple[Callable[[bytes], Condensed], bytes]] = [
        (sqlite.condense, database.main),
        (ndb_format.condense, ndb(*BLOBS)),
        (bdb_format.condense, bdb(*BLOBS[:15])),
    ]
    for condense, content in cases:
        found = condense(content[: len(content) * 3 // 4])
        assert found.problems, condense
        assert 0 < len(found.records) < len(BLOBS), condense


@pytest.mark.parametrize("condense", [sqlite.condense, ndb_format.condense, bdb_format.condense])
@pytest.mark.parametrize(
    "content", [b"\0", b"\xff" * 5000, sqlite.MAGIC + b"\0" * 100, b"RpmP", b"RpmP" + b"\xff" * 40]
)
def test_other_files_are_no_databases(condense: Callable[[bytes], Condensed], content: bytes) -> None:
    found = condense(content)

    assert found.records == []
    assert found.problems


def test_no_damage_makes_reading_fail(database: SqliteDatabase) -> None:
    database.install(BLOBS[:10])
    database.checkpoint()
    database.install(BLOBS[10:20])
    chance = random.Random(3)
    main, log = database.main, database.log
    for _ in range(150):
        found = sqlite.condense(damaged(main, chance))
        merged = wal.apply(found, wal.pages_of(wal.condense(damaged(log, chance))))
        assert len(merged.records) <= 200
        assert len(ndb_format.condense(damaged(ndb(*BLOBS[:10]), chance)).records) <= 600
        assert len(bdb_format.condense(damaged(bdb(*BLOBS[:10]), chance)).records) <= 600


@pytest.mark.parametrize("value", [0, 1, 5, 13, 255])
def test_no_byte_of_the_structure_of_a_table_hides_packages(database: SqliteDatabase, value: int) -> None:
    # SQLite and rpm refuse such a file; a smaller number of cells in one page was a complete list without some packages.
    database.install(BLOBS)
    database.checkpoint()
    content, whole = database.main, sqlite.condense(database.main)
    silent = []
    for number in {*whole.nodes, *whole.leaves}:
        start = (number - 1) * whole.page_size
        (cells,) = struct.unpack_from(">H", content, start + 3)
        for at in range(start, start + 12 + 2 * cells):
            found = sqlite.condense(content[:at] + bytes([value]) + content[at + 1 :])
            if names(found) != sorted(NAMES) and not found.problems:
                silent.append((number, at - start))

    assert silent == []
    assert len(whole.nodes) > 0


def test_packages_of_ndb_without_a_slot_are_told() -> None:
    content = bytearray(ndb(*BLOBS))
    struct.pack_into("<I", content, 32 + 8, 0)  # the first slot is free now
    fewer = bytearray(ndb(*BLOBS))
    struct.pack_into("<I", fewer, 12, 0)  # no page of slots

    assert ndb_format.condense(ndb(*BLOBS)).problems == []
    assert ndb_format.condense(bytes(content)).problems == ["1 packages lie in it to which no slot points"]
    assert ndb_format.condense(bytes(fewer)).problems == [f"{len(BLOBS)} packages lie in it to which no slot points"]


def test_an_empty_page_in_the_place_of_another_is_told(database: SqliteDatabase) -> None:
    database.install(BLOBS)
    database.checkpoint()
    whole = sqlite.condense(database.main)
    (root,), leaf = whole.nodes, min(whole.leaves)
    empty = bytes([13, 0, 0, 0, 0, *whole.page_size.to_bytes(2), 0]).ljust(whole.page_size, b"\0")

    found = sqlite.condense(database.main[: (leaf - 1) * len(empty)] + empty + database.main[leaf * len(empty) :])
    logged = wal.apply(whole, {leaf: empty})

    assert root != leaf
    assert "a page of the table is damaged" in found.problems
    assert "a page of the table is damaged" in logged.problems


def test_what_many_changes_left_of_pages_is_whole(database: SqliteDatabase) -> None:
    chance, there, row = random.Random(5), dict[int, str](), 0
    for _ in range(300):
        if not there or chance.random() < 0.6:
            row += 1
            which = chance.randrange(len(BLOBS))
            database.install([BLOBS[which]])
            there[row] = NAMES[which]
        else:
            gone = chance.choice([*there])
            database.remove(gone)
            del there[gone]
        if chance.random() < 0.05:
            database.checkpoint()
    main, log = sqlite.condense(database.main), database.log
    database.checkpoint()

    for found in (wal.apply(main, wal.pages_of(wal.condense(log))), sqlite.condense(database.main)):
        assert names(found) == sorted(there.values())
        assert found.problems == []


def damaged(content: bytes, chance: random.Random) -> bytes:
    bad = bytearray(content)
    for _ in range(chance.randrange(1, 40)):
        bad[chance.randrange(len(bad))] = chance.choice([0, 1, 5, 13, 127, 128, 255])
    return bytes(bad[: chance.randrange(1, len(bad))] if chance.random() < 0.3 else bad)


def test_content_that_was_not_condensed_here_is_a_damaged_database() -> None:
    assert load(b"{").problems == ["it is no database of packages"]
    assert wal.pages_of(b"no log") == {}


def test_what_lies_over_one_another_is_not_read_again_and_again() -> None:
    blob = header("package", summary="s" * 3000)
    slots = bytearray(ndb(*[blob] * 60))
    for number in range(60):
        # Every slot points to the first package, which says that it is theirs.
        struct.pack_into("<4sIII", slots, 32 + 32 * number, b"Slot", 1, 256, 1)
    page = bytearray(4096)
    struct.pack_into(">BxxHxxx", page, 0, 13, 200)
    for number in range(200):
        struct.pack_into(">H", page, 8 + 2 * number, 1000)
    page[1000:1003] = b"\x8f\x00\x01"  # a row of 1,920 bytes
    chains = sqlite.Chains({})

    packages = ndb_format.condense(bytes(slots[: len(slots) // 3]))
    rows = sqlite.leaf(bytes(page), 2, chains)

    assert "its packages are larger than itself" in packages.problems
    assert len(packages.records) < 30
    assert [row.number for row in rows or ()] == [1, 1, 0]
    assert rows is not None
    assert rows[-1].payload is None


def test_paths_that_grow_out_of_a_few_bytes_are_left() -> None:
    directory = "/" + "d" * 3000 + "/x.dist-info/"
    fields = {"basenames": ["METADATA"] * 2000, "dirnames": [directory], "dirindexes": [0] * 2000}

    owned = parse(header("package", **fields)).owned

    assert 0 < len(owned) < 2000


@pytest.mark.parametrize("place", [4, 24, 32 + 16])
def test_a_log_that_sqlite_ignores_is_ignored(database: SqliteDatabase, place: int) -> None:
    """An unknown version, a wrong checksum of the header, and one of the first frame."""
    database.install([header("new")])
    log = bytearray(database.log)
    log[place] ^= 1

    assert wal.condense(database.log)
    ignored = wal.condense(bytes(log))
    assert (wal.pages_of(ignored), wal.is_cut(ignored)) == ({}, True)


def test_of_a_log_what_stands_before_a_torn_frame_counts(database: SqliteDatabase) -> None:
    database.install([header("one")])
    whole = len(database.log)
    database.install([header("two")])
    log = bytearray(database.log)
    log[whole + 24] ^= 1

    merged = wal.apply(sqlite.condense(database.main), wal.pages_of(wal.condense(bytes(log))))

    assert "one" in [record.name for record in merged.records]
    assert "two" not in [record.name for record in merged.records]


def test_cells_that_cannot_be_where_the_page_says_are_told(database: SqliteDatabase) -> None:
    database.install([header(f"p{number}") for number in range(3)])
    database.checkpoint()
    found = sqlite.condense(database.main)
    (leaf,) = [number for number, cells in found.leaves.items() if cells][:1]
    content = bytearray(database.main)
    struct.pack_into(">H", content, (leaf - 1) * 512 + 8, 0xFFFF)

    assert "a row of the table is damaged" in sqlite.condense(bytes(content)).problems
    assert "a row of the table is damaged" not in found.problems


def test_a_page_of_no_known_kind_is_told() -> None:
    content = bytearray(bdb(header("one"), header("two")))
    content[512 + 25] = 9

    assert "a page is of no known kind" in bdb_format.condense(bytes(content)).problems


def test_a_package_under_the_number_of_the_counter_is_told() -> None:
    content = bdb(header("one"), header("two"))
    found = bdb_format.condense(content.replace(b"\1" + struct.pack("<I", 2), b"\1" + bytes(4)))

    assert len(found.records) == 1
    assert found.problems == ["two entries have the number of the counter"]


def test_a_berkeley_db_with_fewer_entries_than_it_states_is_told() -> None:
    content = bytearray(bdb(header("one"), header("two")))
    struct.pack_into("<I", content, 88, 3)
    whole = bdb_format.condense(bytes(content))
    struct.pack_into("<I", content, 88, 4)

    assert whole.problems == []
    assert bdb_format.condense(bytes(content)).problems == ["it states 3 entries, of which 2 were found"]


def test_a_package_that_is_not_what_its_checksum_says_is_told() -> None:
    whole = ndb(header("one"), header("two"))
    changed = whole.replace(b"two", b"owt", 1)

    assert ndb_format.condense(whole).problems == []
    assert names(ndb_format.condense(changed)) == ["one", "owt"]
    assert ndb_format.condense(changed).problems == ["a package is not what its checksum says"]
