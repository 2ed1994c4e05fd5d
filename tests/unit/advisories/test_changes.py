"""The account of changes: nobody may be told less than what changed, and one that is lost is said."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.advisories import TODAY, Record, affected, inventory, package, record, write_records

from hullguard.advisories import changes
from hullguard.advisories.changes import EVERYTHING, Change
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files
from hullguard.advisories.match import Matched

ECOSYSTEMS = ("npm", "PyPI", "Debian:11", "Debian:12")
NAMES = ("a", "b", "c")
IDS = ("GHSA-1", "GHSA-2", "PYSEC-1", "DEBIAN-CVE-1", "DSA-1", "CGA-1")
CVES = ("CVE-1", "CVE-2")
ZERO = {"introduced": "0"}

links = st.lists(st.sampled_from(IDS + CVES), max_size=2, unique=True)
statements = st.builds(
    lambda ecosystem, name, fixed: affected(ecosystem, name, ZERO, *([{"fixed": fixed}] if fixed else [])),
    st.sampled_from(ECOSYSTEMS),
    st.sampled_from(NAMES),
    st.sampled_from(["", "1.5", "2.5"]),
)
records = st.builds(
    lambda identity, said, aliases, upstream, related, severe, withdrawn: record(
        identity,
        *said,
        aliases=aliases,
        upstream=upstream,
        related=related,
        database_specific={"source": "https://example.org/advisories"},
        **({"severity": [{"type": "CVSS_V3", "score": severe}]} if severe else {}),
        **({"withdrawn": "2025-01-01T00:00:00Z"} if withdrawn else {}),
    ),
    st.sampled_from(IDS),
    st.lists(statements, max_size=3),
    links,
    links,
    links,
    st.sampled_from(
        ["", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "CVSS:3.1/AV:L/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"]
    ),
    st.booleans(),
)
builds = st.lists(
    st.tuples(
        st.lists(records, min_size=1, max_size=3),
        st.none() | st.sets(st.sampled_from(CVES), min_size=1),
        st.none() | st.dictionaries(st.sampled_from(CVES), st.sampled_from([0.1, 0.2]), min_size=1),
    ),
    min_size=1,
    max_size=5,
)


def build(directory: Path, database: Path, *said: Record, kev: Any = None, epss: Any = None) -> None:
    files = [write_records(directory / "records.jsonl", *said)]
    if kev is not None:
        files.append(directory / "kev.json")
        files[-1].write_text(json.dumps({"catalogVersion": "1", "vulnerabilities": [{"cveID": cve} for cve in kev]}))
    if epss is not None:
        files.append(directory / "epss.csv")
        files[-1].write_text("cve,epss\n" + "".join(f"{cve},{score}\n" for cve, score in epss.items()))
    import_files(files, database)


def known(database: Path) -> dict[Change, Matched]:
    """Everything that is found for any package there is."""
    advisories = Advisories.open(database)
    found = {}
    for ecosystem in ECOSYSTEMS:
        for name in NAMES:
            wanted = inventory(package(name, "1.0", ecosystem))
            found[Change(ecosystem, name)] = advisories.match(wanted, TODAY)
    advisories.close()
    return found


def covers(change: Change, told: set[Change]) -> bool:
    return bool({change, Change(change.ecosystem, ""), EVERYTHING} & told)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(builds)
def test_whatever_is_found_otherwise_was_told(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        directory, database = Path(place), Path(place) / "advisories.db"
        past: list[tuple[int, dict[Change, Any]]] = []
        held: dict[str, Record] = {"KEEP": record("KEEP", affected("Go", "kept", ZERO))}
        tables: dict[str, Any] = {}
        build(directory, database, held["KEEP"])
        for said, kev, epss in steps:
            build(directory, database, *said, kev=kev, epss=epss)
            for one in said:
                held.pop(one["id"], None)
                if "withdrawn" not in one:
                    held[one["id"]] = one
            tables |= {name: table for name, table in (("kev", kev), ("epss", epss)) if table is not None}
            now = known(database)
            advisories = Advisories.open(database)
            for generation, before in past:
                told = advisories.changes(generation)
                assert [each for each in now if now[each] != before[each] and not covers(each, told)] == []
            past.append((advisories.build.generation, now))
            advisories.close()

        build(directory, directory / "again.db", *held.values(), **tables)
        assert known(directory / "again.db") == past[-1][1], "many small builds come to the same as one"
        again, grown = (Advisories.open(path).status().records for path in (directory / "again.db", database))
        assert again == grown


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "advisories.db"
    build(tmp_path, path, *(record(f"GHSA-{each}", affected("npm", each, ZERO)) for each in NAMES))
    return path


def told(database: Path, since: int) -> set[Change]:
    advisories = Advisories.open(database)
    try:
        return advisories.changes(since)
    finally:
        advisories.close()


def test_a_new_database_changes_everything(db: Path) -> None:
    assert told(db, 0) == {EVERYTHING}
    assert told(db, 1) == set()


def test_a_record_changes_what_it_speaks_of_and_spoke_of(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, record("GHSA-a", affected("npm", "d", ZERO)), record("PYSEC-1", affected("npm", "b", ZERO)))

    assert told(db, 1) == {Change("npm", "a"), Change("npm", "b"), Change("npm", "d")}


def test_the_same_record_again_changes_nothing(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, *(record(f"GHSA-{each}", affected("npm", each, ZERO)) for each in NAMES))

    assert told(db, 1) == set()


def test_only_the_package_of_which_something_else_is_said_has_changed(tmp_path: Path, db: Path) -> None:
    both = record("GHSA-x", affected("npm", "d", ZERO), affected("npm", "e", ZERO))
    build(tmp_path, db, both)
    build(tmp_path, db, {**both, "affected": [both["affected"][0], affected("npm", "e", ZERO, {"fixed": "2"})]})

    assert told(db, 2) == {Change("npm", "e")}
    assert told(db, 1) == {Change("npm", "d"), Change("npm", "e")}


def test_a_withdrawn_record_changes_what_it_spoke_of(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, record("GHSA-b", withdrawn="2025-01-01T00:00:00Z"))

    assert told(db, 1) == {Change("npm", "b")}


def test_a_record_changes_what_those_that_come_from_it_speak_of(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, record("CGA-1", affected("npm", "d", ZERO), upstream=["GHSA-a"]))
    build(tmp_path, db, record("GHSA-a", affected("npm", "a", ZERO), aliases=["CVE-2025-1"]))

    assert told(db, 2) == {Change("npm", "a"), Change("npm", "d")}


def test_a_cve_that_is_exploited_changes_who_has_it(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, record("GHSA-a", affected("npm", "a", ZERO), aliases=["CVE-2025-1"]), kev=["CVE-2024-9"])
    build(tmp_path, db, record("GHSA-b", affected("npm", "b", ZERO)), kev=["CVE-2024-9", "CVE-2025-1"])

    assert told(db, 2) == {Change("npm", "a")}


def test_scores_of_very_many_change_everything(tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullguard.advisories.kinship.MOST_FACTS", 3)
    same = record("GHSA-a", affected("npm", "a", ZERO))
    build(tmp_path, db, same, epss={f"CVE-{number}": 0.1 for number in range(4)})
    assert told(db, 1) == {EVERYTHING}

    build(tmp_path, db, same, epss={f"CVE-{number}": 0.1 if number else 0.2 for number in range(4)})
    assert told(db, 2) == set()


def test_an_ecosystem_that_comes_or_goes_changes_all_its_packages(tmp_path: Path, db: Path) -> None:
    build(tmp_path, db, record("DEBIAN-1", affected("Debian:12", "bash", ZERO)))
    assert told(db, 1) == {Change("Debian:12", ""), Change("Debian:12", "bash")}

    build(tmp_path, db, record("DEBIAN-1", withdrawn="2025-01-01T00:00:00Z"))
    assert told(db, 2) == {Change("Debian:12", ""), Change("Debian:12", "bash")}


def test_what_is_too_long_ago_is_everything(tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGES", 5)
    for number in range(6):
        build(tmp_path, db, record(f"X-{number}", affected("npm", f"new{number}", ZERO)))

    assert told(db, 1) == {EVERYTHING}
    assert told(db, 6) == {Change("npm", "new5")}
    assert told(db, 99) == {EVERYTHING}, "a generation that is still to come is another database's"


def test_a_flood_is_everything(tmp_path: Path, db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_CHANGES", 5)
    build(tmp_path, db, *(record(f"X-{number}", affected("npm", f"new{number}", ZERO)) for number in range(6)))

    assert told(db, 1) == {EVERYTHING}


def test_generations_count_within_a_lineage(tmp_path: Path, db: Path) -> None:
    first = Advisories.open(db).build
    build(tmp_path, db, record("X", affected("npm", "x", ZERO)))
    second = Advisories.open(db).build
    db.unlink()
    build(tmp_path, db, record("X", affected("npm", "x", ZERO)))
    other = Advisories.open(db).build

    assert second.follows(first)
    assert second.follows(second)
    assert not first.follows(second)
    assert not other.follows(first)
    assert (first.generation, second.generation, other.generation) == (1, 2, 1)
