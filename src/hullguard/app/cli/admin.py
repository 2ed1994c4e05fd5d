"""``hullguard admin``: what needs the data directory and no sign-in.

asyncio is imported by the commands that need it: it would be a tenth of the start-up of every other.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from hullguard.app.cli import exits
from hullguard.app.settings import Layout, default_data_dir
from hullguard.model.errors import NotFound
from hullguard.words import say

admin = typer.Typer(help="Administer the platform on its own machine.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Data directory of the platform.", show_default=False)]


def _layout(data: Path | None) -> Layout:
    layout = Layout((data or default_data_dir()).absolute())
    if not layout.database.exists():
        raise NotFound(f"{layout.data} holds no platform; start one with `hullguard up`, or name another with --data")
    return layout


@admin.command("init")
def init(data: Data = None) -> None:
    """Make the database, the keys and the first administrator, for parts that run without `hullguard up`."""
    import asyncio

    from hullguard.app import prepare

    layout = Layout((data or default_data_dir()).absolute())
    layout.make()
    first = asyncio.run(prepare.prepare(layout))
    typer.echo(say("{directory} is ready.", directory=layout.data))
    if first.password:
        typer.echo(
            say("Sign in as {user} with the one-time password {password}", user=first.user, password=first.password)
        )


@admin.command("verify-audit")
def verify_audit(data: Data = None) -> None:
    """Check that no audit record was changed or removed."""
    import asyncio

    from hullguard.app import administer

    found = asyncio.run(administer.verify_audit(_layout(data)))
    if not found.ok:
        sentence = say(
            "the audit is broken at record {number}: it, or what stood before it, was changed or removed",
            number=found.broken_at,
        )
        exits.fail(sentence, exits.FINDING)
    typer.echo(say("The audit is whole: {count} records.", count=found.records))


@admin.command("reset-password")
def reset_password(name: Annotated[str, typer.Argument(help="The user's name.")], data: Data = None) -> None:
    """Give a user a new one-time password and end all of the user's sessions."""
    import asyncio

    from hullguard.app import administer

    password = asyncio.run(administer.reset_password(_layout(data), name))
    typer.echo(say("One-time password of {name}: {password}", name=name, password=password))


@admin.command("enrolment-token")
def enrolment_token(
    data: Data = None,
    name: Annotated[str, typer.Option(help="What it is for, as lists and the audit show it.")] = "command line",
    cluster: Annotated[str, typer.Option(help="The cluster that agents join.")] = "default",
    hours: Annotated[int, typer.Option(min=1, max=24 * 30, help="How long it is good.")] = 24,
    uses: Annotated[int, typer.Option(min=1, max=10_000, help="How many agents may join with it.")] = 1,
) -> None:
    """Make a token that lets agents join."""
    import asyncio

    from hullguard.app import administer

    token = asyncio.run(
        administer.enrolment_token(_layout(data), name=name, cluster=cluster, life=timedelta(hours=hours), uses=uses)
    )
    typer.echo(token)


@admin.command("agent-bundle")
def agent_bundle(
    wheel: Annotated[Path, typer.Argument(help="The wheel of the version that agents should run.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Where the bundle goes.")],
    data: Data = None,
) -> None:
    """Make a signed bundle of a wheel, for the command *update agent*."""
    from hullguard.app import administer

    version = administer.agent_bundle(_layout(data), wheel, output)
    typer.echo(say("{file}: agent {version}, signed with this platform's release key", file=output, version=version))
