"""``hullguard serve``: one server part in the foreground, as ``up`` and service managers run it."""

from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from hullguard.app.settings import DEFAULT_AGENTS, DEFAULT_LISTEN, Layout, default_data_dir, parse_address

serve = typer.Typer(help="Run one server part in the foreground.", no_args_is_help=True)

Data = Annotated[Path | None, typer.Option(help="Data directory of the platform.", show_default=False)]


def _run(part: str, work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    from hullguard.app import logs

    logs.configure(part)
    uvloop.run(work)


def _layout(data: Path | None) -> Layout:
    return Layout((data or default_data_dir()).absolute())


@serve.command()
def ctrl(
    data: Data = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT of the console and the REST API.")] = DEFAULT_LISTEN,
    agents_url: Annotated[
        str, typer.Option(help="URL of hostmgr that the console shows for enrolment.")
    ] = f"wss://{DEFAULT_AGENTS}",
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(help="Address or network of a proxy whose X-Forwarded-For is believed; may be repeated."),
    ] = None,
) -> None:
    """The REST API and the console."""
    from hullguard.app import serving

    proxies = tuple(trusted_proxy or ())
    _run("ctrl", serving.ctrl(_layout(data), parse_address(listen, "--listen"), agents_url, trusted_proxies=proxies))


@serve.command()
def hostmgr(
    data: Data = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT that agents connect to.")] = DEFAULT_AGENTS,
) -> None:
    """The agents' gateway."""
    from hullguard.app import serving

    _run("hostmgr", serving.hostmgr(_layout(data), parse_address(listen, "--listen")))


@serve.command()
def worker(data: Data = None) -> None:
    """Matching, schedules and other background work."""
    from hullguard.app import serving

    _run("worker", serving.worker(_layout(data)))


@serve.command()
def cache(data: Data = None) -> None:
    """The cache that the parts of this machine share."""
    from hullguard.app import serving

    _run("cache", serving.cache(_layout(data)))
