"""Debian versions: ``[epoch:]upstream[-revision]``, Debian Policy 5.6.12 and dpkg's lib/dpkg/version.c."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"(?:(\d{1,9}):)?([A-Za-z0-9.+~:-]+?)(?:-([A-Za-z0-9.+~]*))?", re.ASCII)
_PARTS = re.compile(r"(\D*)(\d*)", re.ASCII)
_End = tuple[int, ...]
_Part = tuple[_End, int]


class DpkgOrder(Order):
    """``~`` sorts before the end, the end before letters, letters before everything else."""

    name = "dpkg"

    def parse(self, text: str) -> tuple[int, tuple[_Part, ...], tuple[_Part, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None or (match[1] is None and ":" in match[2]):
            raise UnreadableVersion(text, self.name)
        return int(match[1] or 0), _sequence(match[2]), _sequence(match[3] or "")


def _sequence(text: str) -> tuple[_Part, ...]:
    """Pairs of a non-digit run and a number; a missing one is empty or zero, also behind the end."""
    pairs = [(_weights(run), int(digits or 0)) for run, digits in _PARTS.findall(text) if run or digits]
    # The end mark lets a longer version be compared at its first further character.
    return (*(pairs or [((0,), 0)]), ((0,), 0))


def _weights(run: str) -> _End:
    return (*(_weight(character) for character in run), 0)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
