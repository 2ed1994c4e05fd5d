"""``hullguard scan`` and ``hullguard sbom``: one image, from wherever it lies."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hullguard.app.cli import exits
from hullguard.app.settings import default_data_dir
from hullguard.model.errors import Invalid, Unavailable

Target = Annotated[
    str,
    typer.Argument(
        help="docker:NAME, docker-archive:FILE, oci-archive:FILE, oci-dir:DIR or dir:PATH; without a prefix an existing"
        " path is recognised by its content, and any other name asked of the Docker engine.",
        show_default=False,
    ),
]
Output = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.", show_default=False)]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every layer anew and keep nothing.")]
PlatformOption = Annotated[
    str | None, typer.Option("--platform", help="OS/ARCH, when there are several.", show_default=False)
]
DockerHost = Annotated[
    str | None,
    typer.Option(
        "--docker-host", envvar="DOCKER_HOST", help="The engine: unix:///PATH or tcp://HOST:PORT.", show_default=False
    ),
]


def default_database() -> Path:
    """Where ``db import`` writes and every scan reads unless told otherwise."""
    return default_data_dir() / "advisories.db"


def default_cache() -> Path:
    """Where indexes of layers are kept between scans (XDG base directory specification)."""
    if os.geteuid() == 0 and "XDG_CACHE_HOME" not in os.environ:
        return Path("/var/cache/hullguard/layers")
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "hullguard" / "layers"


def scan(  # noqa: PLR0917 - typer makes each parameter an option
    target: Target,
    format_: Annotated[str, typer.Option("-f", "--format", help="table or json.")] = "table",
    output: Output = None,
    db: Annotated[Path | None, typer.Option("--db", help="The advisory database.", show_default=False)] = None,
    severity: Annotated[str, typer.Option("--severity", help="Only these, for example critical,high.")] = "",
    ignore_unfixed: Annotated[bool, typer.Option("--ignore-unfixed", help="Only what an update fixes.")] = False,
    fail_on: Annotated[str, typer.Option("--fail-on", help="Exit with 1 from this severity on.")] = "",
    no_cache: NoCache = False,
    platform: PlatformOption = None,
    docker_host: DockerHost = None,
) -> int:
    """Find the vulnerable packages of an image."""
    from hullguard.advisories.database import Advisories
    from hullguard.imagescan.formats.catalog import FORMATS
    from hullguard.imagescan.formats.format import Page
    from hullguard.imagescan.scan import Scanner
    from hullguard.imagescan.select import parse_severities, parse_severity, reaches, select
    from hullguard.inventory import LayerCache, recognise

    chosen = {known.name: known for known in FORMATS}.get(format_)
    if chosen is None:
        raise Invalid(f"there is no format {format_!r}; choose among {', '.join(known.name for known in FORMATS)}")
    severities = parse_severities(severity)
    bound = parse_severity(fail_on) if fail_on else None
    _check_output(output)
    recognise(target)  # a wrong target is said before a missing database is
    advisories = Advisories.open(db or default_database())
    with progress_of(f"Reading {target}") as progress:
        report = Scanner(advisories).scan(
            target,
            cache=None if no_cache else LayerCache(default_cache()),
            docker_host=docker_host,
            platform=platform,
            progress=progress,
        )
    found = len(report.vulnerabilities)
    report = select(report, severities, fixable_only=ignore_unfixed)
    hidden = found - len(report.vulnerabilities)
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    page = Page(hidden=hidden) if output else Page(_width(), colour, hidden)
    write(chosen.render(report, page), output)
    if not report.complete:
        why = next((unknown.why for unknown in report.unknowns if unknown.what == "the rest of the image"), None)
        sys.stderr.write(f"hullguard: the report is incomplete: {why or 'a file is larger than the limits allow'}\n")
        return exits.LIMIT_REACHED
    return exits.FINDING if bound is not None and reaches(report, bound) else exits.DONE


def sbom(
    target: Target,
    output: Output = None,
    no_cache: NoCache = False,
    platform: PlatformOption = None,
    docker_host: DockerHost = None,
) -> int:
    """List the packages of an image, as JSON, without asking what is wrong with them."""
    from hullguard.inventory import LayerCache, read

    _check_output(output)
    with progress_of(f"Reading {target}") as progress:
        inventory = read(
            target,
            cache=None if no_cache else LayerCache(default_cache()),
            docker_host=docker_host,
            platform=platform,
            progress=progress,
        )
    write(msgspec.json.format(msgspec.json.encode(inventory), indent=2) + b"\n", output)
    return exits.DONE if inventory.complete else exits.LIMIT_REACHED


@contextmanager
def progress_of(title: str, total: int | None = None) -> Iterator[Callable[[str, int], None] | None]:
    """A bar on standard error when a person is watching, else nothing."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title[:60], total=total)
        yield lambda _, count: bar.advance(task, count)


def write(content: bytes, output: Path | None) -> None:
    """To the file, or to standard output as it is."""
    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as cause:
        raise Unavailable(f"cannot write {output}: {cause.strerror}") from cause


def _check_output(output: Path | None) -> None:
    """Said before the work, not after it."""
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise Invalid(f"cannot write {output}: it is a directory, or lies in none")


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((120, 40)).columns
