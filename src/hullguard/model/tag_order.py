"""Which tags of a repository come first: registries keep no times, so their names must tell."""

import re
from typing import Final

_LATEST: Final = "latest"
_VERSION: Final = re.compile(r"[vV]?(\d{1,9}(?:\.\d{1,9}){0,5})(.*)", re.DOTALL)
_EARLIER: Final = re.compile(r"[._-]?(?:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|[abm]\d)", re.IGNORECASE)
_PIECES: Final = re.compile(r"(\d{1,18})")

_PARTS: Final = 6
_MOST: Final = 10**9
_LONGEST: Final = 180

_Key = tuple[int, tuple[int, ...], int, tuple[tuple[int, int, str], ...], str]


def newest_first(tags: list[str]) -> list[str]:
    """``latest``, then versions from the highest, a release before what came before it, then other names backwards."""
    return sorted(tags, key=_key, reverse=True)


def order(tag: str) -> str:
    """ASCII text by which a database orders tags as ``newest_first`` does, but words forwards.

    Up to 180 characters: what stands behind a version counts as far as that.
    """
    version = _VERSION.fullmatch(tag)
    if tag == _LATEST:
        return "0"
    if version is None:
        return f"2{_falling(tag)}"[:_LONGEST]
    numbers = [*(int(number) for number in version[1].split(".")), *[-1] * _PARTS][:_PARTS]
    falling = "".join(f"{_MOST - number:010d}" for number in numbers)
    return f"1{falling}{1 if _EARLIER.match(version[2]) else 0}{_falling(version[2])}"[:_LONGEST]


def _falling(text: str) -> str:
    """In which higher numbers come first."""
    pieces = _PIECES.split(text)
    return "".join(f"{10**18 - int(piece):019d}" if piece.isdecimal() else piece for piece in pieces)


def _key(tag: str) -> _Key:
    if tag == _LATEST:
        return 2, (), 0, (), tag
    version = _VERSION.fullmatch(tag)
    if version is None:
        return 0, (), 0, _pieces(tag), tag
    numbers = tuple(int(number) for number in version[1].split("."))
    return 1, numbers, 0 if _EARLIER.match(version[2]) else 1, _pieces(version[2]), tag


def _pieces(text: str) -> tuple[tuple[int, int, str], ...]:
    """A name in which numbers count as numbers."""
    return tuple((1, int(piece), "") if piece.isdecimal() else (0, 0, piece) for piece in _PIECES.split(text) if piece)
