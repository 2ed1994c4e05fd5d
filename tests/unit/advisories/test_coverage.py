"""A database that was made of some ecosystems' dumps is not taken for one of all that those name."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest
from tests.support.advisories import TODAY, Record, affected, database, inventory, record

from hullguard.advisories.changes import Change
from hullguard.advisories.database import Advisories
from hullguard.model.package import Package, PackageType

ZERO = {"introduced": "0"}
LOG4J = affected("Maven", "org.apache.logging.log4j:log4j-core", ZERO)
LODASH = affected("npm", "lodash", ZERO)


def test_a_record_that_names_an_ecosystem_by_the_way_does_not_cover_it(tmp_path: Path) -> None:
    # Story: npm's dump has fifty records that name Maven, so an image with Log4Shell was clean and complete.
    advisories = database(tmp_path, record("GHSA-1", LODASH), record("GHSA-2", LODASH, LOG4J))
    package = Package(
        purl="pkg:maven/org.apache.logging.log4j/log4j-core@2.14.0",
        type=PackageType.MAVEN,
        name="org.apache.logging.log4j:log4j-core",
        version="2.14.0",
        ecosystem="Maven",
        locations=("a.jar",),
    )

    (said,) = advisories.match(inventory(package), TODAY).unknowns

    assert (said.what, said.unjudged) == ("Maven", 1)
    assert "none of its own advisories" in said.why
    assert advisories.covers("npm")


@pytest.mark.parametrize(
    ("records", "ecosystem", "expected"),
    [
        ([record("GHSA-1", LOG4J)], "Maven", True),
        ([record("GHSA-1", LODASH, LOG4J)], "Maven", False),
        ([record("GHSA-1", LODASH, LOG4J)], "npm", False),
        ([record("MAL-2025-1", LODASH)], "npm", False),
        ([record("MAL-2025-1", LODASH), record("GHSA-1", LODASH)], "npm", True),
        ([record("DSA-1", affected("Debian:12", "zlib", ZERO))], "Debian:11", True),
        (
            [record("DSA-1", affected("Debian:12", "zlib", ZERO), affected("Debian:11", "zlib", ZERO))],
            "Debian:12",
            True,
        ),
        (
            [
                record(
                    "B-1", affected("Alpaquita:23", "a", ZERO), affected("BellSoft Hardened Containers:23", "a", ZERO)
                )
            ],
            "BellSoft Hardened Containers:23",
            False,
        ),
        (
            [
                record(
                    "B-1", affected("Alpaquita:23", "a", ZERO), affected("BellSoft Hardened Containers:23", "a", ZERO)
                ),
                record("B-2", affected("Alpaquita:23", "b", ZERO)),
            ],
            "BellSoft Hardened Containers:23",
            True,
        ),
    ],
)
def test_an_ecosystem_is_covered_by_records_that_name_it_alone(
    tmp_path: Path, records: list[Record], ecosystem: str, *, expected: bool
) -> None:
    assert database(tmp_path, *records).covers(ecosystem) is expected


def test_its_own_dump_covers_it_later_and_changes_what_is_said_of_it(tmp_path: Path) -> None:
    before = database(tmp_path, record("GHSA-1", LODASH), record("GHSA-2", LODASH, LOG4J))
    after = database(tmp_path, record("GHSA-3", LOG4J))

    assert (before.covers("Maven"), after.covers("Maven"), after.covers("npm")) == (False, True, True)
    assert Change("Maven", "") in after.changes(before.build.generation)
    assert Change("npm", "") not in after.changes(before.build.generation)


def test_a_database_that_was_not_told_covers_what_it_names(tmp_path: Path) -> None:
    made = database(tmp_path, record("GHSA-2", LODASH, LOG4J))
    path = tmp_path / "advisories.db"
    made.close()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM meta WHERE key LIKE 'own:%' OR key LIKE 'newest:%'")
    connection.close()

    assert Advisories.open(path).covers("Maven")
    counted = database(tmp_path, record("GHSA-9", LODASH))
    assert (counted.covers("Maven"), counted.covers("npm")) == (False, True)
    assert counted.status().newest_of == {"npm": date(2025, 1, 1)}
