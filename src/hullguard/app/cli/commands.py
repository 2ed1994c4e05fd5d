"""Every command, made from the modules beside this one, and the one boundary where errors become a line and a code."""

import enum
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Final

import typer
from typer.exceptions import TyperException

from hullguard import __version__, words
from hullguard.app.cli import exits
from hullguard.app.cli.declared import typed
from hullguard.words import choice, local, say

COMMANDS: Final = {
    "up": "up.up",
    "scan": "scan.scan",
    "sbom": "scan.sbom",
    "diff": "diff.diff",
    "submit": "submit.submit",
    "db": "database.db",
    "serve": "serve.serve",
    "agent": "agent.agent",
    "rules": "rules.rules",
    "admin": "admin.admin",
    "man": "man.man",
}
"""Name -> module beside this one, and in it a command or a family of commands."""
_IN_SHORT: Final = {
    "up": "Run the whole platform on this machine.",
    "scan": "Find what is wrong with images.",
    "sbom": "List the packages of an image.",
    "diff": "Compare two images.",
    "submit": "Have a platform watch what is read here.",
    "man": "Print the manual page.",
}
"""For the list of commands, which would cut their whole sentences off."""


def build(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands: making all of them takes as long as a small scan."""
    app = typer.Typer(
        name="hullguard",
        help="Container security in one system: finds vulnerable images, sees what containers do, stops attacks.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name in names:
        module, _, what = COMMANDS[name].partition(".")
        command = getattr(importlib.import_module(f"hullguard.app.cli.{module}"), what)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name, short_help=_IN_SHORT.get(name))(typed(command))
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"hullguard {__version__}")
        raise typer.Exit


class Spoken(enum.StrEnum):
    """What ``--lang`` takes."""

    EN = "en"
    ZH = "zh"


def _options(
    lang: Annotated[
        Spoken | None,
        typer.Option(
            choice.OPTION,
            help="Speak this language, not that of HULLGUARD_LANG or of the locale.",
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    del lang, version  # the commands were made in that language already, and that option has left


def _explained(error: TyperException) -> str:
    """One line: what is wrong with the words of the command, and where its help is."""
    sentence = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    sentence = local(" ".join(str(sentence).rstrip(".").split()))
    if context is None:
        return sentence
    return say("{sentence} (see `{command} --help`)", sentence=sentence, command=context.command_path)


def made(arguments: Sequence[str]) -> Any:
    """The command line in the language asked for, with no more commands than the arguments may mean."""
    words.use(choice.chosen(arguments, os.environ, sys.stdout.encoding))
    name = named(arguments)
    command = typer.main.get_command(build(COMMANDS if name is None else (name,)))
    if words.language() != "en":
        from hullguard.app.cli.help_page import translate

        translate(command)
    return command


def named(arguments: Sequence[str]) -> str | None:
    """The command that the arguments begin with, if it is one."""
    return next((word for word in choice.without(arguments)[:1] if word in COMMANDS), None)


def run(command: Any, arguments: Sequence[str]) -> int:
    """Runs what was made; returns the exit code, or leaves with one and a line that says why."""
    return exits.guarded(lambda: _run(command, arguments))


def _run(command: Any, arguments: Sequence[str]) -> object:
    output = sys.stdout
    try:
        code = command.main(args=arguments, prog_name="hullguard", standalone_mode=False)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # a name that typer does not export
            sys.stderr.write(f"{error}\n")
            sys.exit(exits.WRONG_REQUEST)
        exits.fail(_explained(error), exits.WRONG_REQUEST)
    except typer.Abort as cause:
        raise KeyboardInterrupt from cause
    except SystemExit:
        if sys.stdout is output:
            raise
        # Typer has met a broken pipe: it changed the output and chose 1, which is our word for a finding.
        sys.exit(exits.broken_pipe())
    if code == exits.INTERRUPTED:  # what typer makes of Ctrl-C, and says nothing
        raise KeyboardInterrupt
    return code
