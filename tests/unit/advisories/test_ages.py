"""One ecosystem's advisories may be old beside fresh ones of others, and then its packages' reports say so."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

from tests.support.advisories import Record, affected, database, inventory, package, record

from hullguard.advisories.database import Advisories
from hullguard.model.package import Unknown

TODAY = date(2026, 6, 1)
ZERO = {"introduced": "0"}
PACKAGES = inventory(package("one", "1.0.0", "npm"), package("two", "1.0.0", "PyPI"))


def said(advisories: Advisories, today: date = TODAY) -> list[Unknown]:
    found = advisories.match(PACKAGES, today).unknowns
    return [each for each in found if each.what.startswith("advisories of ")]


def of(ecosystem: str, modified: str, identity: str = "GHSA", *more: Record) -> Record:
    name = "one" if ecosystem == "npm" else "two"
    return record(f"{identity}-{ecosystem}", affected(ecosystem, name, ZERO), *more, modified=modified)


def noted(path: Path, **values: str) -> Advisories:
    with sqlite3.connect(path) as connection:
        rows = [(f"updated:{name}", value) for name, value in values.items()]
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
    connection.close()
    return Advisories.open(path)


def test_an_ecosystem_that_ends_long_before_the_others_is_told(tmp_path: Path) -> None:
    # Story: of Maven's advisories the newest was 21 months old, and the report spoke of the day of Debian's.
    old = database(tmp_path, of("npm", "2025-08-01T00:00:00Z"), of("PyPI", "2026-05-30T00:00:00Z"))

    why = (
        "the newest of them is of 2025-08-01, and that of the database of 2026-05-30; what was published in between may "
        "be missing"
    )
    assert said(old) == [Unknown("advisories of npm", why)]
    assert old.status().newest_of == {"npm": date(2025, 8, 1), "PyPI": date(2026, 5, 30)}
    assert old.status().old(datetime(2026, 6, 1, tzinfo=UTC)) == ["npm"]


def test_it_is_fresh_again_by_a_record_of_its_own_and_by_no_other(tmp_path: Path) -> None:
    database(tmp_path, of("npm", "2025-08-01T00:00:00Z"), of("PyPI", "2026-05-30T00:00:00Z")).close()
    beside = affected("npm", "one", ZERO)
    others = [of("PyPI", "2026-05-31T00:00:00Z", "PYSEC", beside), of("npm", "2026-05-31T00:00:00Z", "MAL")]

    assert said(database(tmp_path, *others, of("npm", "2999-01-01T00:00:00Z", "FUTURE")))
    assert not said(database(tmp_path, of("npm", "2026-05-29T00:00:00Z", "NEW")))


def test_a_few_weeks_between_two_publishers_are_nothing(tmp_path: Path) -> None:
    near = database(tmp_path, of("npm", "2026-04-01T00:00:00Z"), of("PyPI", "2026-05-30T00:00:00Z"))

    assert said(near) == []


def test_what_an_update_has_missed_is_told_by_the_day_of_the_last_one(tmp_path: Path) -> None:
    database(tmp_path, of("npm", "2025-08-01T00:00:00Z"), of("PyPI", "2026-05-30T00:00:00Z")).close()
    fresh, missed = "2026-05-26T00:00:00+00:00", "2026-05-24T00:00:00+00:00"

    told = said(noted(tmp_path / "advisories.db", npm=fresh, PyPI=missed))

    # An ecosystem of which nothing was published is none that is old.
    why = "were last known to be up to date on 2026-05-24; what was published since then may be missing"
    assert told == [Unknown("advisories of PyPI", why)]


def test_of_packages_of_other_ecosystems_nothing_is_said(tmp_path: Path) -> None:
    entries = [of("npm", "2026-05-30T00:00:00Z"), of("PyPI", "2026-05-30T00:00:00Z")]
    maven = record("GHSA-m", affected("Maven", "a:b", ZERO), modified="2024-01-01T00:00:00Z")

    assert said(database(tmp_path, *entries, maven)) == []
