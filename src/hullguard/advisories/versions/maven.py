"""Maven versions: "Version Order Specification" of the Maven POM reference, which ComparableVersion implements."""

import re
from functools import cmp_to_key
from itertools import zip_longest
from typing import Any

from msgspec import Struct

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"[\w.+~-]+")
_TOKEN = re.compile(r"([.-])|([0-9]+)|([^0-9.-]+)")
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_ALIASES = {"ga": "", "final": "", "release": "", "cr": "rc"}
_KNOWN = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")


class _Part(Struct, frozen=True):
    """A number or a qualifier, with the separator before it."""

    separator: str
    value: int | str

    @property
    def null(self) -> bool:
        return self.value in (0, "")


class MavenOrder(Order):
    """A number after a dot is more than one after a hyphen, and both are more than any word."""

    name = "Maven"

    def parse(self, text: str) -> Any:
        version = text.strip().lower()
        if _GRAMMAR.fullmatch(version) is None:
            raise UnreadableVersion(text, self.name)
        return cmp_to_key(_compare)(_trimmed(_parts(version)))


def _parts(version: str) -> list[_Part]:
    tokens = _TOKEN.findall(version)
    parts: list[_Part] = []
    separator, pending = ".", True
    for place, (mark, digits, word) in enumerate(tokens):
        if mark:
            if pending:
                parts.append(_Part(separator, 0))  # an empty token is a zero
            separator, pending = mark, True
            continue
        if digits:
            parts.append(_Part(separator, int(digits)))
        else:
            followed = place + 1 < len(tokens) and tokens[place + 1][1]
            full = _SHORT.get(word, word) if followed else word
            parts.append(_Part("-", _ALIASES.get(full, full)))  # ".qualifier" is "-qualifier"
        # Where digits meet letters there is a hyphen.
        separator, pending = "-", False
    return parts


def _trimmed(parts: list[_Part]) -> tuple[_Part, ...]:
    """Without what is null at the end, and before each hyphen."""
    kept: list[_Part] = []
    for part in reversed(parts):
        # `kept` is in reverse, so its last is what follows this part.
        if part.null and (not kept or kept[-1].separator == "-"):
            continue
        kept.append(part)
    return tuple(kept[::-1])


def _compare(one: tuple[_Part, ...], other: tuple[_Part, ...]) -> int:
    for left, right in zip_longest(one, other):
        first, second = _rank(left or _null(right)), _rank(right or _null(left))
        if first != second:
            return -1 if first < second else 1
    return 0


def _null(beside: _Part) -> _Part:
    return _Part(beside.separator, 0 if beside.separator == "." else "")


def _rank(part: _Part) -> tuple[int, int, str]:
    if isinstance(part.value, int):
        return (2 if part.separator == "." else 1), part.value, ""
    known = _KNOWN.index(part.value) if part.value in _KNOWN else len(_KNOWN)
    return 0, known, part.value
