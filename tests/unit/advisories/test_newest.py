"""How new the newest advisory of a database is."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.advisories import affected, database, record

from hullguard.advisories.newest import newest

ZERO = {"introduced": "0"}
TODAY = datetime.now(UTC).date()


def test_the_state_and_the_status_tell_the_newest_record(tmp_path: Path) -> None:
    old = record("X", affected("npm", "a", ZERO)) | {"modified": "2023-04-05T06:07:08Z"}
    older = record("Y", affected("npm", "b", ZERO)) | {"modified": "2019-12-31T23:59:59.123456Z"}

    made = database(tmp_path, old, older)

    assert made.state.newest == made.status().newest == date(2023, 4, 5)


@pytest.mark.parametrize(
    "modified", [f"{TODAY + timedelta(days=2)}T00:00:00Z", "2023-02-31T00:00:00Z", "yesterday", ""]
)
def test_a_day_that_cannot_be_is_none(tmp_path: Path, modified: str) -> None:
    made = database(tmp_path, record("X", affected("npm", "a", ZERO)))
    with made.reading() as connection:
        connection.execute("CREATE TEMP TABLE record (modified TEXT)")
        connection.executemany("INSERT INTO temp.record VALUES (?)", [(modified,), ("2020-01-02T03:04:05Z",)])

        assert newest(connection, TODAY) == "2020-01-02"


def test_a_database_of_before_says_nothing_of_it(tmp_path: Path) -> None:
    made = database(tmp_path, record("X", affected("npm", "a", ZERO)))
    made._meta.pop("newest")

    assert made.state.newest is None
