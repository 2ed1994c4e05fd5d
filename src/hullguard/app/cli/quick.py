"""The commands about an image, when they are asked for in plain words: what makes all the others is not loaded."""

import os
import sys
from collections.abc import Callable, Sequence

from hullguard import words
from hullguard.app.cli import exits
from hullguard.app.cli.declared import plain as plainly
from hullguard.words import choice

_COMMANDS = ("scan", "sbom")


def plain(arguments: Sequence[str]) -> tuple[str, Callable[[], int]] | None:
    """The command's name and what it does; None where typer is to look at the words."""
    if not arguments or (name := arguments[0]) not in _COMMANDS:
        return None
    from hullguard.app.cli import scan

    command = scan.scan if name == "scan" else scan.sbom
    given = plainly(command, arguments[1:])
    if given is None:
        return None
    words.use(choice.chosen(arguments, os.environ, sys.stdout.encoding))
    return name, lambda: exits.guarded(lambda: command(**given))
