"""``hullguard db``: the advisory database."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from hullguard.app.cli import exits
from hullguard.app.cli.scan import default_database, progress_of

db = typer.Typer(help="The advisory database.", no_args_is_help=True)

Database = Annotated[Path | None, typer.Option("--db", help="The database file.", show_default=False)]
_NAMED = 20


@db.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="OSV records, KEV, EPSS; .gz and .zip too.", show_default=False)],
    db: Database = None,
) -> int:
    """Add advisories from files; a record that is there already is replaced unless the stored one is newer."""
    from hullguard.advisories.importer import import_files

    path = db or default_database()
    total = sum(file.stat().st_size for file in files if file.is_file())
    with progress_of(f"Importing into {path.name}", total) as progress:
        account = import_files(files, path, progress)
    for refusal in account.refusals[:_NAMED]:
        sys.stderr.write(f"hullguard: refused: {refusal.where}: {refusal.why}\n")
    if account.refused > _NAMED:
        sys.stderr.write(f"hullguard: refused: {account.refused - _NAMED} more\n")
    typer.echo(
        f"{path}: {account.imported} imported, {account.withdrawn} withdrawn, {account.older} older than stored,"
        f" {account.refused} refused"
    )
    for name, count in account.enriched.items():
        typer.echo(f"  {name}: {count} entries")
    return exits.DONE


@db.command()
def status(db: Database = None) -> int:
    """Show when the database was built and what it holds."""
    from hullguard.advisories.database import Advisories

    advisories = Advisories.open(db or default_database())
    try:
        state = advisories.status()
    finally:
        advisories.close()
    age = datetime.now(UTC) - state.built
    families: dict[str, int] = {}
    for ecosystem, count in state.records.items():
        family = ecosystem.partition(":")[0]
        families[family] = families.get(family, 0) + count
    typer.echo(f"database  {state.path} ({state.size / 1e6:.1f} MB)")
    typer.echo(f"built     {state.built:%Y-%m-%d %H:%M} UTC, {_age(age.total_seconds())} ago")
    typer.echo(f"kev       {state.kev} exploited vulnerabilities")
    typer.echo(f"epss      {state.epss} scores")
    typer.echo(f"severity  {state.ratings} ratings")
    typer.echo("records per ecosystem (a record may speak of several releases)")
    for family, count in sorted(families.items()):
        releases = [name for name in state.records if name.partition(":")[0] == family and ":" in name]
        typer.echo(f"  {family:<28} {count:>8}{f'  in {len(releases)} releases' if releases else ''}")
    return exits.DONE


def _age(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
