"""What is wrong with rule files, and where: one line each, all of them at once."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from hullguard.model.errors import Invalid

MOST: Final = 1000
"""Problems that are kept; a file with more has told enough."""
MOST_SUGGESTIONS: Final = 200


class Place(Struct, frozen=True, order=True):
    """A position in a rule file; lines and columns count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Struct, frozen=True):
    """One error, which keeps the files from being used, or one warning."""

    place: Place
    text: str
    error: bool = True

    def __str__(self) -> str:
        return f"{self.place}: {'error' if self.error else 'warning'}: {self.text}"


class InvalidRules(Invalid):
    """Rule files that cannot be used. ``problems`` holds every error and warning; the message is the first error."""

    nature = "rules.invalid"

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        errors = [problem for problem in problems if problem.error]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(f"{errors[0]}{more}", "rules.invalid")
        self.problems = problems


class Problems:
    """Gathers problems; the same one is told once."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._suggestions = 0
        self.left_out = 0

    def near(self, word: str, known: Iterable[str]) -> str:
        """As ``nearest``, for the first of a file's problems: looking for what is near takes a while."""
        self._suggestions += 1
        return nearest(word, known) if self._suggestions <= MOST_SUGGESTIONS else ""

    def error(self, place: Place, text: str) -> None:
        self._add(Problem(place, _one_line(text)))

    def warn(self, place: Place, text: str) -> None:
        self._add(Problem(place, _one_line(text), error=False))

    def _add(self, problem: Problem) -> None:
        # An error always finds room: files with one are refused.
        if len(self._found) < MOST or (problem.error and not self.failed):
            self._found[problem] = None
        elif problem not in self._found:
            self.left_out += 1

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return any(problem.error for problem in self._found)

    def __iter__(self) -> Iterator[Problem]:
        """By file in the order given, then by position."""
        order = {problem.place.file: index for index, problem in reversed(list(enumerate(self._found)))}
        return iter(sorted(self._found, key=lambda one: (order[one.place.file], one.place)))


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean 'proc.name'?``, or nothing where nothing is near."""
    close = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=0.6)
    return f"; did you mean {str(close[0])!r}?" if close else ""


def quoted(text: str, longest: int = 60) -> str:
    """A text of a file inside a message."""
    return repr(text if len(text) <= longest else text[: longest - 1] + "…")


def _one_line(text: str) -> str:
    return " ".join(text.split())
