"""What an instruction of a Dockerfile does: its commands one by one, each looked at once for every habit."""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.content.image_checks import HABITS, Habit, Sign

# An ampersand beside an angle bracket redirects; it does not end a command.
_SEPARATOR = re.compile(r"(\|\||&&|[;|\n]|(?<![>&])&(?![>&]))")


_PIPED = 4
"""Commands behind a pipe that are looked at: what is fetched may be unpacked first."""


class _Command(Struct, frozen=True):
    text: str
    piped_into: tuple[str, ...]


def habits(instruction: str) -> Iterator[Habit]:
    """The habits that an instruction shows; the time is linear in its length."""
    commands = _commands(instruction)
    for habit in HABITS:
        if _shows(habit.signs, commands) and not _shows(habit.unless, commands):
            yield habit


def _commands(instruction: str) -> list[_Command]:
    parts = _SEPARATOR.split(instruction)
    commands: list[_Command] = []
    behind: tuple[str, ...] = ()
    for at in range(len(parts) - 1, -1, -2):
        commands.append(_Command(parts[at], behind))
        behind = (parts[at], *behind[: _PIPED - 1]) if at and parts[at - 1] == "|" else ()
    return commands[::-1]


def _shows(signs: Sequence[Sign], commands: Iterable[_Command]) -> bool:
    return any(_fits(sign, command) for command in commands for sign in signs)


def _fits(sign: Sign, command: _Command) -> bool:
    first = _compiled(sign.first).search(command.text)
    if first is None or not sign.then:
        return first is not None
    if sign.piped:
        return any(_compiled(sign.then).match(text) for text in command.piped_into)
    return _compiled(sign.then).search(command.text, first.end()) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
