"""``hullguard man``: the manual page, made of what the commands say of themselves (groff_man(7), man-pages(7))."""

import re
import sys
from collections.abc import Iterator
from typing import Any

from hullguard import __version__
from hullguard.app.cli.help_page import explained, translate
from hullguard.words import language, say

_BEGINS_A_REQUEST = re.compile(r"^[.']", re.MULTILINE)
_EXITS = (
    (0, "Done."),
    (1, "Done, and something was found that --fail-on asks about, or that the command is there to tell."),
    (2, "The request is wrong: an option, a name, a file."),
    (3, "Something outside failed: a network, an engine, a disk, a right."),
    (4, "A limit was reached: the result is not complete."),
    (130, "Interrupted."),
)
_VARIABLES = (
    ("HULLGUARD_LANG", "The language of commands: en or zh; else the locale's."),
    ("HULLGUARD_REGISTRY_PASSWORD", "The password for the registry, beside --username."),
    ("HULLGUARD_MALWARE_RULES", "A file or directory of YARA-X rules of your own."),
    ("HULLGUARD_MALWARE_HASHES", "A file of SHA-256 digests of malware."),
    ("HULLGUARD_AGENT_BESIDE", "Let this agent run beside another one of the machine."),
    ("HULLGUARD_DEBUG", "Show the whole story of an internal error."),
    ("DOCKER_HOST", "The container engine: unix:///PATH or tcp://HOST:PORT."),
    ("NO_COLOR", "No colours."),
)
_EXAMPLES = (
    ("hullguard up", "the whole platform on this machine"),
    ("hullguard db update", "the advisories that a scan needs"),
    ("hullguard scan --fail-on high app:2", "an image, and an exit code for a pipeline"),
    ("hullguard scan --scanners vuln,secret,config -f html -o report.html app.tar", "a report to pass on"),
    ("hullguard diff app:1 app:2", "what an update brings"),
    ("hullguard agent doctor", "what this kernel allows the agent"),
)


def man() -> int:
    """Print the manual page: `hullguard man | man -l -` shows it."""
    import typer

    from hullguard.app.cli.commands import COMMANDS, build

    command = typer.main.get_command(build(COMMANDS))
    if language() != "en":
        translate(command)
    sys.stdout.write("\n".join(page(command)) + "\n")
    return 0


def page(command: Any) -> Iterator[str]:
    """The lines of the page in roff."""
    context = command.context_class(command, info_name="hullguard")
    yield f'.TH HULLGUARD 1 "" "Hullguard {_text(__version__)}" "{_text(say("Container security"))}"'
    yield ".ad l"  # no blanks between words, and none that could not be there in Chinese
    yield from _section("NAME")
    yield rf"hullguard \- {_text(say('find vulnerable images, see what containers do, stop attacks'))}"
    yield from _section("SYNOPSIS")
    yield rf".B hullguard\fR {_text('[OPTIONS] COMMAND [ARGS]...')}"
    yield from _section("DESCRIPTION")
    yield _text(command.help or "")
    yield from _section("OPTIONS")
    yield from _options(command, context)
    yield from _section("COMMANDS")
    yield from _commands(command, context, "hullguard")
    yield from _section("EXIT STATUS")
    for code, meaning in _EXITS:
        yield from _entry(str(code), say(meaning))
    yield from _section("ENVIRONMENT")
    for name, meaning in _VARIABLES:
        yield from _entry(name, say(meaning))
    yield from _section("EXAMPLES")
    for example, meaning in _EXAMPLES:
        yield from _entry(example, say(meaning))


def _commands(family: Any, context: Any, path: str) -> Iterator[str]:
    for name, command in family.commands.items():
        if command.hidden:
            continue
        inner = command.context_class(command, info_name=name, parent=context)
        if getattr(command, "commands", None):
            yield from _commands(command, inner, f"{path} {name}")
            continue
        usage = " ".join(command.collect_usage_pieces(inner))
        yield f'.SS "{_text(f"{path} {name} {usage}".rstrip())}"'
        yield _text(command.help or "")
        yield from _options(command, inner)


def _options(command: Any, context: Any) -> Iterator[str]:
    for parameter in command.params:
        if record := parameter.get_help_record(context):
            term, meaning = record
            yield from _entry(term, explained(meaning))


def _section(name: str) -> Iterator[str]:
    yield f".SH {_text(say(name))}"


def _entry(term: str, meaning: str) -> Iterator[str]:
    yield ".TP"
    yield rf"\fB{_text(term)}\fR"
    yield _text(meaning)


def _text(words: str) -> str:
    """Words as roff shows them; an empty line would be one, and a dot in front a request."""
    lines = [line.strip() for line in words.replace("\\", r"\e").replace("-", r"\-").splitlines() if line.strip()]
    return _BEGINS_A_REQUEST.sub(lambda found: rf"\&{found[0]}", "\n".join(lines).replace('"', r"\(dq"))
