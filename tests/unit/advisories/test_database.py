"""Opening the database, and what it says of itself."""

import sqlite3
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.support.advisories import TODAY, affected, database, inventory, package, record

from hullguard.advisories import schema
from hullguard.advisories.database import Advisories
from hullguard.model.errors import Invalid, NotFound

ZERO = {"introduced": "0"}


def test_no_database_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="make one with: hullguard db update"):
        Advisories.open(tmp_path / "absent.db")


@pytest.mark.parametrize("content", [b"", b"text", b"SQLite format 3\0" + bytes(200)])
def test_a_file_that_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)

    with pytest.raises(Invalid, match="no advisory database"):
        Advisories.open(tmp_path / "file")


def test_a_database_of_another_version_is_refused(tmp_path: Path) -> None:
    database(tmp_path, record("X", affected("npm", "a", ZERO))).close()
    with sqlite3.connect(tmp_path / "advisories.db") as connection:
        connection.execute(f"PRAGMA user_version={schema.VERSION + 1}")
    connection.close()

    with pytest.raises(Invalid, match="import again"):
        Advisories.open(tmp_path / "advisories.db")


def test_a_path_with_odd_characters_is_opened(tmp_path: Path) -> None:
    odd = tmp_path / "a?b#c%20d é"
    database(odd, record("X", affected("npm", "a", ZERO)))

    assert Advisories.open(odd / "advisories.db").ecosystems() == {"npm"}


def test_the_state_names_families_and_the_status_releases(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        record(
            "X", affected("Debian:11", "a", ZERO), affected("Debian:12", "a", ZERO), affected("Debian:12", "b", ZERO)
        ),
        record("Y", affected("npm", "a", ZERO)),
    )

    assert advisories.state.sources == ("Debian", "npm")
    assert advisories.state.built is not None
    assert abs((datetime.now(UTC) - advisories.state.built).total_seconds()) < 60
    assert advisories.status().records == {"Debian:11": 1, "Debian:12": 1, "npm": 1}


def test_records_of_commits_alone_are_kept_out_of_the_match(tmp_path: Path) -> None:
    advisories = database(
        tmp_path,
        {"id": "PSF-1", "affected": [{"ranges": [{"type": "GIT", "events": [ZERO], "repo": "r"}]}]},
        record("Y", affected("npm", "a", ZERO), affected("npm", "b")),
    )

    assert advisories.ecosystems() == {"npm"}
    assert advisories.statements("npm", "b") == []


def test_threads_may_share_it(tmp_path: Path) -> None:
    advisories = database(tmp_path, record("X", affected("npm", "a", ZERO)))
    counts: list[int] = []

    def ask() -> None:
        wanted = inventory(package("a", "1.0.0", "npm"))
        counts.extend(len(advisories.match(wanted, TODAY).vulnerabilities) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1] * 80


def test_a_lookup_reads_no_table_from_end_to_end(tmp_path: Path) -> None:
    advisories = database(tmp_path, record("X", affected("npm", "a", ZERO)))
    asked: list[str] = []

    with advisories.reading() as connection:
        connection.set_trace_callback(asked.append)
    advisories.statements("npm", "a")
    advisories.known_exploited("CVE-2024-1")
    advisories.epss("CVE-2024-1")
    advisories.ratings("CVE-2024-1")

    with advisories.reading() as connection:
        connection.set_trace_callback(None)
        steps = [row[3] for query in asked for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert len(asked) == 6
    assert len([step for step in steps if step.startswith("SEARCH")]) == 6
    assert [step for step in steps if step.startswith("SCAN") and "json_each" not in step] == []
