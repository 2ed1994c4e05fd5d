"""How the names that a pattern fits begin or end, read off the pattern: that alone tells most files of an image apart.

Trying a pattern on a name takes several microseconds, looking its last letters up takes a tenth of one.
"""

import itertools
import re
from collections.abc import Iterable, Sequence
from re import _parser as parser  # type: ignore[attr-defined] # no other door leads to a parsed pattern
from typing import Any

_MOST = 256
"""Ways for a pattern to end, and words for one way."""
_TAIL = 4
_SHORT_TAIL = 3
_HEAD = 24
_SEVERAL_CASES = frozenset("iks")
"""Beside the two cases that everybody knows there are the dotless i, the long s and the sign of the kelvin."""

_Way = tuple[frozenset[str] | None, ...]
"""For every place of a name the characters that may stand there; None where anything may, any number of times."""


class Endings:
    """Tells most names that no pattern fits.

    Where neither the beginning nor the end of a pattern's names is known, a word inside decides; where there is none of
    that kind either, every name is possible.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        heads: set[str] = set()
        tails: set[str] = set()
        short_tails: set[str] = set()
        inside: set[str] = set()
        for pattern in patterns:
            for way in _ways(parser.parse(pattern), ignoring_case=False):
                found = {word[::-1] for word in _words(way[::-1], _TAIL)}
                shortest = min(map(len, found))
                if shortest == _TAIL:
                    tails |= found
                elif shortest == _SHORT_TAIL:
                    short_tails |= {word[-_SHORT_TAIL:] for word in found}
                elif "" not in (found := _words(way, _HEAD)):
                    heads |= found
                else:
                    inside.add(_word(way))
        self._heads, self._tails, self._short_tails = tuple(heads), frozenset(tails), frozenset(short_tails)
        # One search for all of them, which begin alike as a rule.
        self._inside = re.compile("|".join(map(re.escape, sorted(inside)))).search if inside else None

    def possible(self, name: str) -> bool:
        """Whether some pattern may fit; False is certain."""
        if name[-_TAIL:] in self._tails or name[-_SHORT_TAIL:] in self._short_tails or name.startswith(self._heads):
            return True
        return self._inside is not None and self._inside(name) is not None


def _ways(items: Sequence[tuple[Any, Any]], *, ignoring_case: bool) -> list[_Way]:
    """What the parts of a pattern fit one after the other; where there are too many ways, their middle is anything."""
    ways: list[_Way] = [()]
    for kind, value in items:
        steps = _steps(str(kind), value, ignoring_case=ignoring_case)
        if len(ways) * len(steps) > _MOST:
            steps = [(None,)]
        ways = [way + step for way in ways for step in steps]
    return ways


def _steps(kind: str, value: Any, *, ignoring_case: bool) -> list[_Way]:
    """The ways of one part, as ``re`` names its kinds."""
    if kind == "LITERAL":
        return [(_cases(chr(value), ignoring_case=ignoring_case),)]
    if kind == "IN" and all(str(each) == "LITERAL" for each, _ in value):
        cases = [_cases(chr(each), ignoring_case=ignoring_case) for _, each in value]
        return [(None if None in cases else frozenset().union(*filter(None, cases)),)]
    if kind == "BRANCH":
        branches = [_ways(branch, ignoring_case=ignoring_case) for branch in value[1]]
        return list(itertools.chain.from_iterable(branches))
    if kind == "SUBPATTERN":
        _, more, fewer, inside = value
        ignoring_case = (ignoring_case or bool(more & re.IGNORECASE)) and not fewer & re.IGNORECASE
        return _ways(inside, ignoring_case=ignoring_case)
    if kind == "FAILURE" or (kind == "ASSERT_NOT" and not value[1]):
        return []  # (?!) fits nothing
    if kind == "MAX_REPEAT" and value[:2] == (0, 1):
        return [(), *_ways(value[2], ignoring_case=ignoring_case)]
    return [(None,)]


def _cases(character: str, *, ignoring_case: bool) -> frozenset[str] | None:
    if not ignoring_case:
        return frozenset(character)
    if character.isascii() and character.lower() not in _SEVERAL_CASES:
        return frozenset((character.lower(), character.upper()))
    return None


def _words(way: _Way, longest: int) -> set[str]:
    """The words that a name of this way can begin with; the empty one when that is not known."""
    words = {""}
    for characters in itertools.islice(way, longest):
        if characters is None or len(words) * len(characters) > _MOST:
            break
        words = {word + character for word in words for character in characters}
    return words


def _word(way: _Way) -> str:
    """The longest word that every name of this way has somewhere."""
    found, word = "", ""
    for characters in way:
        word = word + next(iter(characters)) if characters is not None and len(characters) == 1 else ""
        found = max(found, word, key=len)
    return found
