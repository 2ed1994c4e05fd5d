import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations

from hullguard.model.errors import Conflict
from hullguard.storage import Storage, migrations
from hullguard.storage.tables import metadata

SCHEMA = (
    "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL ORDER BY type, name"
)


def columns_of(sql: str) -> list[str]:
    """A CREATE statement without the order of its parts: Alembic and ``create_all`` write constraints differently, and
    SQLite appends a column that is added later."""
    return sorted(part.strip() for part in re.split(r",(?![^(]*\))|\n\(?\)?", sql) if part.strip(" ()"))


async def test_migrations_make_exactly_the_tables_of_the_code(storage: Storage, tmp_path: Path) -> None:
    direct = sa.create_engine(f"sqlite:///{tmp_path / 'direct.db'}")
    metadata.create_all(direct)
    with direct.connect() as connection:
        wanted = [(kind, name, columns_of(sql)) for kind, name, sql in connection.exec_driver_sql(SCHEMA)]
    direct.dispose()
    async with storage._reader.connect() as connection:
        made = [(kind, name, columns_of(sql)) for kind, name, sql in await connection.exec_driver_sql(SCHEMA)]
        assert await connection.run_sync(migrations.differences) == []
    assert made == wanted


async def test_migrating_again_changes_nothing(storage: Storage) -> None:
    await storage.migrate()
    async with storage._reader.connect() as connection:
        revisions = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).all()
    assert revisions == [(migrations.scripts().get_current_head(),)]


async def test_a_database_of_a_newer_version_is_left_alone(storage: Storage) -> None:
    async with storage._writer.connect() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Conflict, match="9999"):
        await storage.migrate()


async def test_a_migration_that_fails_leaves_no_half_made_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(connection: sa.Connection) -> None:
        real(connection)
        raise ZeroDivisionError

    real = migrations.upgrade
    monkeypatch.setattr(migrations, "upgrade", breaks)
    opened = Storage.open(f"sqlite:///{tmp_path / 'half.db'}")
    with pytest.raises(ZeroDivisionError):
        await opened.migrate()
    async with opened._reader.connect() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM sqlite_master")).scalar() == 0
    await opened.close()


def test_there_is_one_line_of_migrations() -> None:
    assert len(migrations.scripts().get_heads()) == 1


def test_every_table_belongs_to_a_tenant() -> None:
    for table in metadata.sorted_tables:
        assert next(iter(table.primary_key.columns)).name == "tenant", table.name


def test_findings_that_were_there_before_are_as_old_as_their_match_and_their_images_wait(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'older.db'}")
    directory = migrations.scripts()
    with engine.begin() as connection:
        context = MigrationContext.configure(
            connection, opts={"fn": lambda revision, _: directory._upgrade_revs("0002", revision)}
        )
        with Operations.context(context):
            context.run_migrations()
        connection.exec_driver_sql(
            "INSERT INTO images (tenant, id, names, searched, first_seen, scanned, matched, advisories_built) VALUES"
            " ('t', 'matched', x'90', '', 1, 2, 3, 1), ('t', 'scanned', x'90', '', 1, 2, NULL, NULL),"
            " ('t', 'listed', x'90', '', 1, NULL, NULL, NULL)"
        )
        connection.exec_driver_sql(
            "INSERT INTO findings (tenant, image_id, position, vulnerability, severity, fixable, package)"
            " VALUES ('t', 'matched', 0, 'CVE-1', 5, 1, 'a')"
        )
    with engine.begin() as connection:
        migrations.upgrade(connection)
        waits = connection.exec_driver_sql("SELECT id, waits, first_matched FROM images ORDER BY id").all()
        assert waits == [("listed", 0, None), ("matched", 1, 3), ("scanned", 3, None)]
        assert connection.exec_driver_sql("SELECT first_found FROM findings").all() == [(3,)]
        assert migrations.differences(connection) == []
    engine.dispose()
