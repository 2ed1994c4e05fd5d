"""What an instruction of a Dockerfile does: its commands one by one, each looked at once for every habit."""

import functools
import re
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.content.image_checks import HABITS, Habit, Sign

# An ampersand beside an angle bracket redirects; it does not end a command.
_SEPARATOR = re.compile(r"(\|\||&&|[;|\n]|(?<![>&])&(?![>&]))")


class _Command(Struct, frozen=True):
    text: str
    piped_into: str | None


def habits(instruction: str) -> Iterator[Habit]:
    """The habits that an instruction shows; the time is linear in its length."""
    commands = _commands(instruction)
    for habit in HABITS:
        if _shows(habit.signs, commands) and not _shows(habit.unless, commands):
            yield habit


def _commands(instruction: str) -> list[_Command]:
    texts = _SEPARATOR.split(instruction)
    following = zip(texts[1::2], texts[2::2], strict=True)
    piped = [*(text if separator == "|" else None for separator, text in following), None]
    return [_Command(text, into) for text, into in zip(texts[::2], piped, strict=True)]


def _shows(signs: Sequence[Sign], commands: Iterable[_Command]) -> bool:
    return any(_fits(sign, command) for command in commands for sign in signs)


def _fits(sign: Sign, command: _Command) -> bool:
    first = _compiled(sign.first).search(command.text)
    if first is None or not sign.then:
        return first is not None
    if sign.piped:
        return command.piped_into is not None and _compiled(sign.then).match(command.piped_into) is not None
    return _compiled(sign.then).search(command.text, first.end()) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
