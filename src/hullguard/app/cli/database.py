"""``hullguard db``: the advisory database."""

import enum
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hullguard.advisories.addresses import EPSS, KEV, OSV
from hullguard.advisories.ages import OLD
from hullguard.app.cli import exits
from hullguard.app.cli.output import progress_of
from hullguard.app.cli.scan_options import default_database
from hullguard.model.errors import Invalid
from hullguard.words import count, local, say
from hullguard.words.columns import padded
from hullguard.words.plain import plain

if TYPE_CHECKING:
    from hullguard.advisories.feeds.feed import Account

db = typer.Typer(help="The advisory database.", no_args_is_help=True)

Database = Annotated[Path | None, typer.Option("--db", help="The database file.", show_default=False)]
_NAMED = 20


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
    with progress_of(say("Importing into {file}", file=path.name), total) as progress:
        if trust is not None:
            from hullguard.advisories.bundle.load import import_bundles

            account = import_bundles(files, path, trust, progress)
        elif bundles := [file for file in files if is_bundle(file)]:
            raise Invalid(f"{bundles[0]} is a bundle: name the public key of who signed it with --trust FILE")
        else:
            from hullguard.advisories.importer import import_files

            account = import_files(files, path, progress)
    _name_refusals(account)
    sentence = say(
        "{file}: {imported} imported, {withdrawn} withdrawn, {older} older than stored, {refused} refused",
        file=path,
        imported=account.imported,
        withdrawn=account.withdrawn,
        older=account.older,
        refused=account.refused,
    )
    typer.echo(sentence)
    for name, entries in account.enriched.items():
        typer.echo(f"  {name}: {say('{count} entries', count=entries)}")
    return exits.WRONG_REQUEST if account.unused else exits.DONE


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
    with progress_of(say("Updating {file}", file=path.name)) as progress:
        outcome = update(path, wanted, progress)
    _name_refusals(outcome.account)
    for each in outcome.updates:
        if not each.why and each.how != "same":
            unit = say("entries") if each.name in ("kev", "epss") else say("records")
            gone = f", {say('{n} no longer there', n=each.dropped)}" if each.dropped else ""
            typer.echo(f"  {each.name:<28} {each.records:>8} {unit}{gone}")
        if each.unconfirmed:
            exits.remark(
                say(
                    "{name}: {count} stored records are not in what could be read of the archive; they are kept",
                    name=each.name,
                    count=each.unconfirmed,
                )
            )
    for each in outcome.failed:
        exits.remark(say("not updated: {name}: {why}", name=each.name, why=local(each.why)))
    if len(outcome.failed) == len(outcome.updates):
        exits.remark(say("without a network, `hullguard db import FILES…` reads advisories from files that you bring"))
        exits.fail(say("nothing could be updated; {file} is as it was", file=path), exits.OUTSIDE_FAILED)
    same = sum(1 for each in outcome.updates if each.how == "same" and not each.why)
    updated = len(outcome.updates) - same - len(outcome.failed)
    typer.echo(say("{file}: {updated} sources updated, {same} unchanged", file=path, updated=updated, same=same))
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
    old = state.old(now)
    if old:
        exits.remark(
            say("older than {days} days: {sources}; see `hullguard db update`", days=OLD.days, sources=", ".join(old))
        )
    if form is Form.JSON:
        typer.echo(msgspec.json.encode({**msgspec.to_builtins(state), "old": old}))
        return exits.DONE
    families: dict[str, int] = {}
    for ecosystem, records in state.records.items():
        family = ecosystem.partition(":")[0]
        families[family] = families.get(family, 0) + records
    built = f"{state.built:%Y-%m-%d %H:%M} UTC"
    for what, fact in (
        ("database", f"{state.path} ({state.size / 1e6:.1f} MB)"),
        ("built", say("{time}, {age} ago", time=built, age=_age((now - state.built).total_seconds()))),
        ("newest", str(state.newest or say("unknown"))),
        ("kev", say("{count} exploited vulnerabilities", count=state.kev)),
        ("epss", say("{count} scores", count=state.epss)),
        ("severity", say("{count} ratings", count=state.ratings)),
    ):
        typer.echo(f"{padded(say(what), 10)}{fact}")
    typer.echo(say("records per ecosystem (a record may speak of several releases)"))
    for family, records in sorted(families.items()):
        releases = sum(name.partition(":")[0] == family and ":" in name for name in state.records)
        several = f"  {say('in {count} releases', count=releases)}" if releases else ""
        day = state.newest_of.get(family)
        newest = f"  {say('newest of {day}', day=day)}" if day else ""
        typer.echo(f"  {plain(family):<28} {records:>8}{several}{newest}")
    if state.updated:
        typer.echo(say("last known to be up to date"))
    for source, at in state.updated.items():
        whole = state.confirmed.get(source)
        said = "" if whole is None else f"; {say('as a whole on {day}', day=f'{whole:%Y-%m-%d}')}"
        typer.echo(f"  {plain(source):<28} {at:%Y-%m-%d %H:%M} UTC, {_age((now - at).total_seconds())} ago{said}")
    return exits.DONE


@db.command()
def keygen(
    output: Annotated[Path, typer.Option("-o", "--output", help="The private key; the public one gets `.pub`.")],
) -> int:
    """Make the pair of keys that signs bundles and lets others trust them."""
    from hullguard.advisories.bundle import keys

    public = keys.make(output)
    typer.echo(say("{file}: signs bundles, keep it secret", file=output))
    typer.echo(say("{file}: give it to those who import them with --trust", file=public))
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
        typer.echo(f"  {plain(member.source):<28} {member.count:>8} {say('entries')} {member.size / 1e6:>8.1f} MB")
    typer.echo(say("{file}: the advisories of {time} UTC", file=output, time=f"{manifest.built:%Y-%m-%d %H:%M}"))
    return exits.DONE


def _name_refusals(account: "Account") -> None:
    for refusal in account.refusals[:_NAMED]:
        exits.remark(say("refused: {where}: {why}", where=refusal.where, why=local(refusal.why)))
    if account.refused > _NAMED:
        exits.remark(say("refused: {count} more", count=account.refused - _NAMED))


def _age(seconds: float) -> str:
    """To the nearest, as the console has it: 47 hours are two days."""
    if seconds < 60:
        return say("less than a minute")
    for one, many, length, enough in (
        ("{n} minute", "{n} minutes", 60, 60),
        ("{n} hour", "{n} hours", 3600, 24),
    ):
        if (number := _nearest(seconds / length)) < enough:
            return count(number, one, many)
    return count(_nearest(seconds / 86400), "{n} day", "{n} days")


def _nearest(number: float) -> int:
    """Halves up; ``round`` has 36 hours be two days and 60 as well."""
    return int(number + 0.5)
