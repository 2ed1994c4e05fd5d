"""fnmatch(3) without flags, as ``glob`` means it: ``*`` crosses slashes, a backslash takes what follows as it is.

A pattern becomes an expression of Python's ``re`` whose every ``*`` is settled once, at the first place where what
follows it fits (right for wildcards, since later stars take up the rest). So a match takes time in the order of
pattern times text, whatever they are: nothing is tried twice.
"""

import functools
import re
from typing import Final

LONGEST: Final = 4096
"""Characters of a pattern."""
_CLASSES: Final = {
    "alpha": "a-zA-Z", "digit": "0-9", "alnum": "a-zA-Z0-9", "upper": "A-Z", "lower": "a-z", "space": r"\s",
    "blank": r" \t", "punct": re.escape("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"), "xdigit": "0-9a-fA-F",
    "cntrl": r"\x00-\x1f\x7f", "print": r"\x20-\x7e", "graph": r"\x21-\x7e",
}  # fmt: skip
_LONGEST_CLASS: Final = max(map(len, _CLASSES))


@functools.lru_cache(maxsize=4096)
def compiled(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """The expression to use with ``fullmatch``. Raises ValueError for a pattern that is too long."""
    if len(pattern) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters")
    parts = _parts(pattern)
    first, last = parts[0], parts[-1]
    if len(parts) == 1:
        text = first
    else:
        middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
        text = f"{first}{middle}.*{last}"
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _parts(pattern: str) -> list[str]:
    """What stands between the stars, as expressions without repetition."""
    parts, current, position = [], "", 0
    endless: set[int] = set()
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == "*":
            parts.append(current)
            current = ""
        elif character == "?":
            current += "."
        elif character == "[" and (found := _bracket(pattern, position, endless)) is not None:
            text, position = found
            current += text
        elif character == "\\" and position < len(pattern):
            current += re.escape(pattern[position])
            position += 1
        else:
            current += re.escape(character)
    return [*parts, current]


def _bracket(pattern: str, start: int, endless: set[int]) -> tuple[str, int] | None:
    """The set that begins at ``start``, after its bracket, and where it ends; None if it never does.

    ``endless`` are the places from which no end is reached: brackets that never close go over each of them once.
    """
    position = start + (pattern[start : start + 1] in {"!", "^"})
    negated = position > start
    members, first = "", True
    passed: list[int] = []
    while position < len(pattern) and position not in endless:
        passed.append(position)
        character = pattern[position]
        if character == "]" and not first:
            return (f"[{'^' if negated else ''}{members}]" if members else ("." if negated else "(?!)")), position + 1
        first = False
        name = _class_name(pattern, position)
        if name is not None:
            members += _CLASSES[name]
            position += len(name) + 4
            continue
        if character == "\\" and position + 1 < len(pattern):
            position += 1
            character = pattern[position]
        position += 1
        if pattern[position : position + 1] == "-" and pattern[position + 1 : position + 2] not in {"", "]"}:
            end = pattern[position + 1]
            position += 2
            # A range that runs backwards holds nothing.
            members += f"{re.escape(character)}-{re.escape(end)}" if character <= end else ""
        else:
            members += re.escape(character)
    endless.update(passed[1:])  # the first place means something else to a set that begins there
    return None


def _class_name(pattern: str, position: int) -> str | None:
    if pattern[position : position + 2] != "[:":
        return None
    end = pattern.find(":]", position + 2, position + 2 + _LONGEST_CLASS + 2)
    name = pattern[position + 2 : end] if end > 0 else ""
    return name if name in _CLASSES else None


def literal_start(pattern: str) -> str:
    """The longest beginning without wildcards."""
    start = ""
    position = 0
    while position < len(pattern) and pattern[position] not in "*?[":
        if pattern[position] == "\\":
            position += 1
        start += pattern[position : position + 1]
        position += 1
    return start


def literal_end(pattern: str) -> str:
    """What follows the last star, where it has no wildcards itself."""
    _, star, end = pattern.rpartition("*")
    return end if star and not re.search(r"[?\[\]\\]", end) else ""
