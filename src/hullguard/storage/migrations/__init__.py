"""Alembic, run from code: there is no ini file and no environment script, so it works from an installed wheel."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from hullguard.model.errors import Conflict
from hullguard.storage.tables import metadata


def scripts() -> ScriptDirectory:
    """The migrations, as they lie in the installed package."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(connection: sa.Connection) -> None:
    """Bring the database to the newest revision, inside the caller's transaction."""
    directory = scripts()
    head = directory.get_current_head()
    found = MigrationContext.configure(connection).get_current_revision()
    if found == head:
        return
    if found is not None and found not in {script.revision for script in directory.walk_revisions()}:
        raise Conflict(
            f"the database is at revision {found}, which this version of Hullguard does not know; "
            "start the newer version that wrote it, or restore a backup",
            "storage.newer",
        )
    context = MigrationContext.configure(
        connection,
        opts={"fn": lambda rev, _: directory._upgrade_revs(head or "base", rev)},  # noqa: SLF001 - alembic.command does the same, behind files
    )
    with Operations.context(context):
        context.run_migrations()


def differences(connection: sa.Connection) -> list[object]:
    """What the tables in the database and the ones in code do not have in common; empty after ``upgrade``."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))
