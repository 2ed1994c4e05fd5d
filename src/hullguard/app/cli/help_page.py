"""Help pages in another language than English: the texts of commands, on pages that know of wide characters."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from hullguard.words import say
from hullguard.words.columns import columns, padded, wrapped

_WIDEST = 80
_NARROWEST = 50
_INDENT = 2
_FIRST_COLUMN = 30
_FACTS = re.compile(r"^(.*?)(?:  )?\[([^\[\]]+)\]$", re.DOTALL)
_FACT = re.compile(r"(default|env var): (.*)", re.DOTALL)


def translate(command: Any) -> None:
    """Puts every text of a command, and of all below it, into the language that this process speaks."""
    command.context_class = _Context
    for name in ("help", "short_help", "epilog"):
        if text := getattr(command, name, None):
            setattr(command, name, say(text))
    # Typer makes the short text of the first English words.
    command.short_help = command.short_help or command.help
    for parameter in command.params:
        if text := getattr(parameter, "help", None):
            parameter.help = say(text)
    for below in getattr(command, "commands", {}).values():
        translate(below)


class _Page:
    """What typer writes a help page on, in place of its own, which takes every character for one column wide."""

    def __init__(self, width: int | None = None, max_width: int | None = None) -> None:
        del max_width
        self.width = width or max(min(shutil.get_terminal_size().columns, _WIDEST) - 2, _NARROWEST)
        self._lines: list[str] = []
        self._margin = 0

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """``prefix`` is typer's English word for it."""
        del prefix
        begin = f"{say('Usage:')} {prog} "
        words = " ".join(say(word) for word in args.split(" "))
        first, *more = wrapped(words, self.width - columns(begin)) or [""]
        self._lines += [begin + first, *(" " * columns(begin) + line for line in more)]

    def write_heading(self, heading: str) -> None:
        self._line(say(f"{heading}:"))

    def write_paragraph(self) -> None:
        if self._lines:
            self._lines.append("")

    def write_text(self, text: str) -> None:
        for number, paragraph in enumerate(text.split("\n\n")):
            if number:
                self.write_paragraph()
            for line in wrapped(" ".join(paragraph.split()), self.width - self._margin):
                self._line(line)

    def write_dl(self, rows: Sequence[tuple[str, str]], col_max: int = _FIRST_COLUMN, col_spacing: int = 2) -> None:
        """Terms with their explanations beside them."""
        first = min(max(columns(term) for term, _ in rows), col_max) + col_spacing
        for term, explanation in rows:
            lines = wrapped(explained(explanation), max(self.width - first - self._margin, 10))
            beside = columns(term) + col_spacing <= first and bool(lines)
            if not beside:
                self._line(term)
            for number, line in enumerate(lines):
                self._line(padded(term if beside and number == 0 else "", first) + line)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        self.write_paragraph()
        self.write_heading(name)
        with self.indentation():
            yield

    @contextmanager
    def indentation(self) -> Iterator[None]:
        self._margin += _INDENT
        try:
            yield
        finally:
            self._margin -= _INDENT

    def getvalue(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def _line(self, text: str) -> None:
        self._lines.append((" " * self._margin + text).rstrip())


class _Context(typer.Context):
    formatter_class: Any = _Page


def explained(text: str) -> str:
    """A help text with the facts that typer puts behind it in brackets: ``[default: 3; x>=1; required]``."""
    match = _FACTS.match(text)
    if match is None:
        return say(text)
    facts = (_FACT.fullmatch(fact) for fact in match[2].split("; "))
    said = [
        say(f"{fact[1]}: {{value}}", value=fact[2]) if fact else say(plain)
        for fact, plain in zip(facts, match[2].split("; "), strict=True)
    ]
    return f"{say(match[1])}  [{'; '.join(said)}]".strip()
