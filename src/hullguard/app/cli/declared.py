"""Options and arguments of commands, declared without typer, which takes as long to load as a second scan does.

``typed`` has typer read them. ``plain`` reads the ordinary words of a command by itself, and leaves to typer whatever
is not ordinary: help, mistakes, and spellings that typer alone knows.
"""

import functools
import inspect
import os
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct


class Option(Struct, frozen=True):
    """``--name VALUE``, or ``--name`` alone where its type is ``bool``."""

    names: tuple[str, ...]
    help: str
    least: int | None = None
    variable: str | None = None
    """Of the environment, which says it where no word does."""
    shows_default: bool = True


class Argument(Struct, frozen=True):
    """A word without a name."""

    help: str


class _NotPlain(Exception):
    """Typer is to look at the words."""


def typed(command: Callable[..., int]) -> Callable[..., int]:
    """The command with every declaration in its signature as typer wants it; the command itself stays as it is."""
    signature = inspect.signature(command)
    parameters = [each.replace(annotation=_for_typer(each.annotation)) for each in signature.parameters.values()]

    @functools.wraps(command)
    def called(*words: Any, **named: Any) -> int:
        return command(*words, **named)

    vars(called)["__signature__"] = signature.replace(parameters=parameters)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def plain(command: Callable[..., int], words: Sequence[str]) -> dict[str, Any] | None:
    """What typer would give the command for these words; None where that is for typer to say."""
    parameters = {name: _declared(each.annotation) for name, each in inspect.signature(command).parameters.items()}
    named = {word: name for name, (_, said) in parameters.items() if isinstance(said, Option) for word in said.names}
    try:
        given, free = _read(words, named, parameters)
        for name, (kind, said) in parameters.items():
            if isinstance(said, Argument):
                given[name] = _free(kind, free)
            elif name not in given and said.variable and (value := os.environ.get(said.variable)):
                given[name] = _value(kind, said, value)
    except _NotPlain:
        return None
    defaults = {name: each.default for name, each in inspect.signature(command).parameters.items()}
    return None if free else {name: given.get(name, default) for name, default in defaults.items()}


def _read(
    words: Sequence[str], named: Mapping[str, str], parameters: Mapping[str, tuple[Any, Option | Argument]]
) -> tuple[dict[str, Any], list[str]]:
    """The values by parameter, and the words that belong to no option."""
    given, free, left = dict[str, Any](), list[str](), iter(words)
    for word in left:
        if not word.startswith("-"):
            free.append(word)
            continue
        option, equals, value = word.partition("=")
        name = named.get(option, "")
        if not name or (equals and not option.startswith("--")):
            raise _NotPlain
        kind, said = parameters[name]
        if kind is bool:
            if equals:
                raise _NotPlain
            given[name] = True
            continue
        if not equals and (value := next(left, "-")).startswith("-"):
            raise _NotPlain
        if typing.get_origin(kind) is list:
            given.setdefault(name, []).append(_value(typing.get_args(kind)[0], said, value))
        elif name in given:
            raise _NotPlain
        else:
            given[name] = _value(kind, said, value)
    return given, free


def _free(kind: Any, words: list[str]) -> Any:
    """An argument's words, taken from those that are left."""
    if not words:
        raise _NotPlain
    if kind is str:
        return words.pop(0)
    taken, words[:] = words[:], []
    return taken


def _value(kind: Any, said: Option | Argument, word: str) -> Any:
    if kind is str:
        return word
    if kind is Path:
        return Path(word)
    if kind is int and word.isascii() and word.isdigit() and len(word) < 19:
        value = int(word)
        if isinstance(said, Option) and (said.least is None or value >= said.least):
            return value
    raise _NotPlain


def _declared(annotation: Any) -> tuple[Any, Option | Argument]:
    """The type of a parameter, without the None of what may be left out, and what is said of it."""
    kind, said = typing.get_args(annotation)
    if isinstance(kind, types.UnionType):
        kind = next(each for each in typing.get_args(kind) if each is not types.NoneType)
    return kind, said


def _for_typer(annotation: Any) -> Any:
    import typer

    if typing.get_origin(annotation) is not Annotated:
        return annotation
    kind, said = typing.get_args(annotation)
    if isinstance(said, Argument):
        return Annotated[kind, typer.Argument(help=said.help, show_default=False)]
    if isinstance(said, Option):
        return Annotated[
            kind,
            typer.Option(
                *said.names,
                help=said.help,
                min=said.least,
                envvar=said.variable,
                show_default=said.shows_default,
            ),
        ]
    return annotation
