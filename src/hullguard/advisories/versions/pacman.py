"""Versions of Arch Linux: ``[epoch:]version[-release]``, libalpm's version.c; alike to rpm's, but not the same."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

# A version that ends with a separator has no place: pacman's comparison goes in circles around it.
_GRAMMAR = re.compile(r"(?:(\d{1,9}):)?([^-:/\s]*[A-Za-z0-9])(?:-([0-9.]*[0-9]))?", re.ASCII)
_SEGMENT = re.compile(r"([^A-Za-z0-9]*)(\d+|[A-Za-z]+)", re.ASCII)
_Segment = tuple[int | str, ...]

# Letters that follow without a separator come before the end (``1.0rc1`` is older than ``1.0``), all else behind it.
_END: _Segment = (1,)


class PacmanOrder(Order):
    """A version without a release stands for every release of it."""

    name = "pacman"

    def parse(self, text: str) -> tuple[int, tuple[_Segment, ...], tuple[_Segment, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None or not text.isascii():
            raise UnreadableVersion(text, self.name)
        epoch, version, release = match.groups()
        return int(epoch or 0), _segments(version), _segments(release) if release else ()

    def installed_for(self, installed: str, bound: str) -> str:
        """Without the release where the bound has none: ``1.2-3`` is ``1.2`` then."""
        return installed if "-" in bound else installed.partition("-")[0]


def _segments(text: str) -> tuple[_Segment, ...]:
    return (*(_segment(*pair) for pair in _SEGMENT.findall(text)), _END)


def _segment(separator: str, part: str) -> _Segment:
    """More separators make a segment newer, before anything else is looked at; then numbers beat letters."""
    place = 2 * len(separator)
    return (2 + place, int(part)) if part.isdigit() else (1 + place if place else 0, part)
