"""``hullguard db``: the advisory database."""

import enum
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullguard.advisories.addresses import EPSS, KEV, OSV
from hullguard.app.cli import exits
from hullguard.app.cli.exits import fail
from hullguard.app.cli.output import progress_of
from hullguard.app.cli.scan_options import default_database
from hullguard.model.errors import Invalid

if TYPE_CHECKING:
    from hullguard.advisories.feeds.feed import Account

db = typer.Typer(help="The advisory database.", no_args_is_help=True)

Database = Annotated[Path | None, typer.Option("--db", help="The database file.", show_default=False)]
_NAMED = 20
_OLD = timedelta(days=7)


class Form(enum.StrEnum):
    """How ``status`` writes."""

    TEXT = "text"
    JSON = "json"


@db.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="OSV records, KEV, EPSS; .gz and .zip too.", show_default=False)],
    db: Database = None,
    trust: Annotated[
        Path | None, typer.Option(help="The public key of who signed the bundles given.", show_default=False)
    ] = None,
) -> int:
    """Add advisories from files or signed bundles; a record is replaced unless the stored one is newer."""
    from hullguard.advisories.bundle.manifest import is_bundle

    path = db or default_database()
    total = sum(file.stat().st_size for file in files if file.is_file())
    with progress_of(f"Importing into {path.name}", total) as progress:
        if trust is not None:
            from hullguard.advisories.bundle.load import import_bundles

            account = import_bundles(files, path, trust, progress)
        elif bundles := [file for file in files if is_bundle(file)]:
            raise Invalid(f"{bundles[0]} is a bundle: name the public key of who signed it with --trust FILE")
        else:
            from hullguard.advisories.importer import import_files

            account = import_files(files, path, progress)
    _name_refusals(account)
    typer.echo(
        f"{path}: {account.imported} imported, {account.withdrawn} withdrawn, {account.older} older than stored,"
        f" {account.refused} refused"
    )
    for name, count in account.enriched.items():
        typer.echo(f"  {name}: {count} entries")
    return exits.DONE


@db.command()
def update(  # noqa: PLR0917
    db: Database = None,
    mirror: Annotated[str, typer.Option(help="A mirror of OSV's dumps.")] = OSV,
    ecosystem: Annotated[
        list[str] | None, typer.Option(help="Only this one, as OSV names it; repeatable.", show_default=False)
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Fetch everything, whatever is there already.")] = False,
    kev: Annotated[str, typer.Option(help="CISA's catalogue; `none` leaves it out.")] = KEV,
    epss: Annotated[str, typer.Option(help="FIRST's scores; `none` leaves them out.")] = EPSS,
) -> int:
    """Fetch what is new from a mirror of OSV's dumps, KEV and EPSS; only what has changed is asked for."""
    from hullguard.advisories.update.run import Wanted, update

    path = db or default_database()
    wanted = Wanted(
        mirror, "" if kev == "none" else kev, "" if epss == "none" else epss, tuple(ecosystem or ()), full=full
    )
    with progress_of(f"Updating {path.name}") as progress:
        outcome = update(path, wanted, progress)
    _name_refusals(outcome.account)
    for each in outcome.updates:
        if not each.why and each.how != "same":
            unit = "entries" if each.name in ("kev", "epss") else "records"
            typer.echo(f"  {each.name:<28} {each.records:>8} {unit}")
    for each in outcome.failed:
        sys.stderr.write(f"hullguard: not updated: {each.name}: {each.why}\n")
    if len(outcome.failed) == len(outcome.updates):
        fail(f"nothing could be updated; {path} is as it was", exits.OUTSIDE_FAILED)
    same = sum(1 for each in outcome.updates if each.how == "same" and not each.why)
    typer.echo(f"{path}: {len(outcome.updates) - same - len(outcome.failed)} sources updated, {same} unchanged")
    return exits.OUTSIDE_FAILED if outcome.failed else exits.DONE


@db.command()
def status(
    db: Database = None,
    form: Annotated[Form, typer.Option("-f", "--format", help="How it is written.")] = Form.TEXT,
) -> int:
    """Show when the database was built and what it holds."""
    import msgspec

    from hullguard.advisories.database import Advisories

    advisories = Advisories.open(db or default_database())
    try:
        state = advisories.status()
    finally:
        advisories.close()
    now = datetime.now(UTC)
    old = state.older_than(_OLD, now)
    if old:
        sys.stderr.write(f"hullguard: older than {_OLD.days} days: {', '.join(old)}; see `hullguard db update`\n")
    if form is Form.JSON:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(state), "old": old}))
        return exits.DONE
    age = now - state.built
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
    if state.updated:
        typer.echo("last known to be up to date")
    for source, at in state.updated.items():
        typer.echo(f"  {source:<28} {at:%Y-%m-%d %H:%M} UTC, {_age((now - at).total_seconds())} ago")
    return exits.DONE


@db.command()
def keygen(
    output: Annotated[Path, typer.Option("-o", "--output", help="The private key; the public one gets `.pub`.")],
) -> int:
    """Make the pair of keys that signs bundles and lets others trust them."""
    from hullguard.advisories.bundle import keys

    public = keys.make(output)
    typer.echo(f"{output}: signs bundles, keep it secret")
    typer.echo(f"{public}: give it to those who import them with --trust")
    return exits.DONE


@db.command()
def pack(
    output: Annotated[Path, typer.Option("-o", "--output", help="A file, or a directory that is there.")],
    key: Annotated[Path, typer.Option(help="The private key that signs it; see `hullguard db keygen`.")],
    db: Database = None,
    ecosystem: Annotated[
        list[str] | None, typer.Option(help="Only this one, as OSV names it; repeatable.", show_default=False)
    ] = None,
) -> int:
    """Write the database as a signed bundle, for `hullguard db import` where there is no network."""
    from hullguard.advisories.bundle.pack import pack

    manifest = pack(db or default_database(), output, key, ecosystem or ())
    for member in manifest.files.values():
        typer.echo(f"  {member.source:<28} {member.count:>8} entries {member.size / 1e6:>8.1f} MB")
    typer.echo(f"{output}: the advisories of {manifest.built:%Y-%m-%d %H:%M} UTC")
    return exits.DONE


def _name_refusals(account: "Account") -> None:
    for refusal in account.refusals[:_NAMED]:
        sys.stderr.write(f"hullguard: refused: {refusal.where}: {refusal.why}\n")
    if account.refused > _NAMED:
        sys.stderr.write(f"hullguard: refused: {account.refused - _NAMED} more\n")


def _age(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
