"""``hullguard up``."""

from pathlib import Path
from typing import Annotated

import typer

from hullguard.app.cli.agent_options import Beside
from hullguard.app.settings import (
    DEFAULT_AGENTS_PORT,
    DEFAULT_LISTEN,
    Address,
    Layout,
    default_data_dir,
    parse_address,
)
from hullguard.words import local


def up(
    data: Annotated[Path | None, typer.Option(help="Directory that keeps everything.", show_default=False)] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT of the console and the REST API.")] = DEFAULT_LISTEN,
    agents: Annotated[
        str | None,
        typer.Option(
            help="HOST:PORT that agents connect to; by default port 8441 beside --listen.", show_default=False
        ),
    ] = None,
    no_agent: Annotated[bool, typer.Option("--no-agent", help="Do not watch this machine.")] = False,
    beside: Beside = False,
) -> None:
    """Run the whole platform on this machine: control plane, agents' gateway, worker, console and an agent."""
    import asyncio

    from hullguard.app import logs
    from hullguard.app.up import UpOptions
    from hullguard.app.up import up as run

    logs.configure("up")
    console = parse_address(listen, "--listen")
    options = UpOptions(
        Layout((data or default_data_dir()).absolute()),
        console,
        # Opening the console to other machines is meant to open the gateway to their agents too.
        parse_address(agents, "--agents") if agents else Address(console.host, DEFAULT_AGENTS_PORT),
        agent=not no_agent,
        beside=beside,
    )
    asyncio.run(run(options, lambda line: typer.echo(local(line))))
