"""``hullguard``: every command, and the one boundary where errors become a line and an exit code."""

import select
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from hullguard import __version__
from hullguard.app.cli import exits
from hullguard.app.cli.admin import admin
from hullguard.app.cli.agent import agent
from hullguard.app.cli.database import db
from hullguard.app.cli.diff import diff
from hullguard.app.cli.scan import sbom, scan
from hullguard.app.cli.serve import serve
from hullguard.app.cli.up import up
from hullguard.model.errors import HullguardError

app = typer.Typer(
    name="hullguard",
    help="Container security in one system: finds vulnerable images, sees what containers do, stops attacks.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(up)
app.command()(scan)
app.command()(sbom)
app.command()(diff)
app.add_typer(db, name="db")
app.add_typer(serve, name="serve")
app.add_typer(agent, name="agent")
app.add_typer(admin, name="admin")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hullguard {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def _explained(error: TyperException) -> str:
    """One line: what is wrong with the words of the command, and where its help is."""
    sentence = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    where = f" (see `{context.command_path} --help`)" if context is not None else ""
    return " ".join(f"{str(sentence).rstrip('.')}{where}".split())


def _nobody_reads() -> bool:
    """The reader of our output left (`hullguard scan … | head`): that is its right, not an error."""
    watch = select.poll()
    watch.register(1, 0)
    return bool(watch.poll(0))


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code."""
    command = typer.main.get_command(app)
    output = sys.stdout
    try:
        code = command.main(args=arguments, prog_name="hullguard", standalone_mode=False)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a name that typer does not export
            sys.stderr.write(f"{error}\n")
            sys.exit(exits.WRONG_REQUEST)
        exits.fail(_explained(error), exits.WRONG_REQUEST)
    except (typer.Abort, KeyboardInterrupt):
        exits.fail("interrupted", exits.INTERRUPTED)
    except HullguardError as error:
        exits.fail(str(error), exits.exit_code(error))
    except PermissionError as error:
        exits.fail(f"no permission for {error.filename}; be root, or name a place of your own", exits.OUTSIDE_FAILED)
    except SystemExit:
        if sys.stdout is output:
            raise
        # Typer has met a broken pipe: it changed the output and chose 1, which is our word for a finding.
        sys.exit(exits.DONE if _nobody_reads() else exits.OUTSIDE_FAILED)
    except Exception as error:  # noqa: BLE001 - the boundary of the process
        exits.unexpected(error)
    sys.exit(code if isinstance(code, int) else exits.DONE)
