"""One id used by several sources: what each says of its own packages stays, in whatever order they come."""

import itertools
from pathlib import Path
from typing import Any

import pytest
from tests.support.advisories import Record, affected, found, package, record, write_records

from hullguard.advisories.bundle import keys
from hullguard.advisories.bundle.load import import_bundles
from hullguard.advisories.bundle.pack import pack
from hullguard.advisories.database import Advisories
from hullguard.advisories.importer import import_files

ZERO = {"introduced": "0"}
GITHUB, RUBYSEC = "https://github.com/github/advisory-database", "https://github.com/rubysec/ruby-advisory-db"
ID = "GHSA-6v96-m24v-f58j"


def said(*packages: str, at: str = "2024-08-21", by: str = "", beside: bool = False, **fields: Any) -> Record:
    """A record of ``ecosystem/name`` packages; the source stands in the record or beside each of its packages."""
    named = (one.split("/") for one in packages)
    entries = [affected(ecosystem, name, ZERO) for ecosystem, name in named]
    file = {"source": f"{by}/blob/main/{ID}.json"}
    if by and beside:
        entries = [{**entry, "database_specific": file} for entry in entries]
    elif by:
        fields["database_specific"] = file
    return record(ID, *entries, modified=f"{at}T00:00:00Z", **fields)


def affected_ones(database: Path) -> set[str]:
    advisories = Advisories.open(database)
    try:
        asked = [("npm", "one"), ("npm", "two"), ("RubyGems", "one"), ("Debian:12", "one")]
        return {f"{family}/{name}" for family, name in asked if found(advisories, package(name, "1", family))}
    finally:
        advisories.close()


def imported(directory: Path, *steps: Record, together: bool = False) -> Path:
    directory.mkdir()
    database = directory / "advisories.db"
    for number, group in enumerate([steps] if together else [[one] for one in steps]):
        import_files([write_records(directory / f"{number}.jsonl", *group)], database)
    return database


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("beside", [True, False])
@pytest.mark.parametrize(("mine", "yours"), [("", ""), (RUBYSEC, ""), (RUBYSEC, GITHUB)])
def test_nothing_vanishes_whichever_comes_first(
    tmp_path: Path, mine: str, yours: str, beside: bool, together: bool
) -> None:
    gem = said("RubyGems/one", by=mine, beside=beside)
    node = said("npm/one", at="2024-11-18", by=yours, beside=beside)
    for number, order in enumerate(itertools.permutations([gem, node])):
        database = imported(tmp_path / str(number), *order, together=together)

        assert affected_ones(database) == {"RubyGems/one", "npm/one"}


def test_each_source_may_say_something_else_later_and_take_it_back(tmp_path: Path) -> None:
    gem, node = said("RubyGems/one", by=RUBYSEC), said("npm/one", at="2024-11-18", by=GITHUB)
    newer = said("npm/two", at="2025-01-01", by=GITHUB)
    taken_back = said("RubyGems/one", at="2024-09-01", by=RUBYSEC, withdrawn="2024-09-01T00:00:00Z")

    database = imported(tmp_path / "a", node, gem, node, gem, newer)
    assert affected_ones(database) == {"RubyGems/one", "npm/two"}
    assert Advisories.open(database).status().records == {"RubyGems": 1, "npm": 1}

    import_files([write_records(tmp_path / "b.jsonl", taken_back)], database)
    assert affected_ones(database) == {"npm/two"}


def test_a_publisher_may_say_that_it_was_another_ecosystem(tmp_path: Path) -> None:
    wrong, right = said("RubyGems/one", by=GITHUB), said("npm/one", at="2024-11-18", by=GITHUB)
    for number, order in enumerate(itertools.permutations([wrong, right])):
        assert affected_ones(imported(tmp_path / str(number), *order)) == {"npm/one"}


def test_who_says_nothing_of_itself_may_change_packages_of_its_ecosystem_only(tmp_path: Path) -> None:
    steps = said("npm/one", "Debian:12/one"), said("npm/two", at="2025-01-01")

    assert affected_ones(imported(tmp_path / "a", *steps)) == {"npm/two", "npm/one", "Debian:12/one"}
    whole = said("npm/two", "Debian:12/one", at="2025-02-01")
    assert affected_ones(imported(tmp_path / "b", *steps, whole)) == {"npm/two", "Debian:12/one"}


def test_a_bundle_says_who_said_what(tmp_path: Path) -> None:
    gem, node = said("RubyGems/one", by=RUBYSEC), said("npm/one", at="2024-11-18", by=GITHUB)
    keys.make(tmp_path / "key")
    pack(imported(tmp_path / "here", gem, node), tmp_path / "bundle", tmp_path / "key")
    there = tmp_path / "there.db"
    import_bundles([tmp_path / "bundle"], there, tmp_path / "key.pub")
    assert affected_ones(there) == {"RubyGems/one", "npm/one"}

    corrected = said("npm/two", at="2025-01-01", by=GITHUB)
    import_files([write_records(tmp_path / "c.jsonl", corrected)], there)
    assert affected_ones(there) == {"RubyGems/one", "npm/two"}


def test_an_update_asks_for_what_any_of_them_lacks(tmp_path: Path) -> None:
    gem, node = said("RubyGems/one", by=RUBYSEC), said("npm/one", at="2024-11-18", by=GITHUB)
    advisories = Advisories.open(imported(tmp_path / "a", node, gem))

    assert advisories.modified() == {ID: "2024-08-21T00:00:00Z"}


def test_more_sources_than_there_can_be_are_refused_by_name(tmp_path: Path) -> None:
    many = [said(f"npm/{number}", by=f"https://example.org/{number}") for number in range(40)]
    account = import_files([write_records(tmp_path / "a.jsonl", *many)], tmp_path / "advisories.db")

    assert (account.imported, account.refused) == (16, 24)
    assert "more than 16 sources" in account.refusals[0].why
