"""opam versions: "Version ordering" of the opam manual, which is Debian's order of an upstream version."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"[A-Za-z0-9+._~-]+", re.ASCII)
_PARTS = re.compile(r"(\D*)(\d*)", re.ASCII)
_Part = tuple[tuple[int, ...], int]


class OpamOrder(Order):
    """``~`` sorts before the end, the end before letters, letters before everything else."""

    name = "opam"

    def parse(self, text: str) -> tuple[_Part, ...]:
        version = text.strip()
        if _GRAMMAR.fullmatch(version) is None:
            raise UnreadableVersion(text, self.name)
        pairs = [(_weights(run), int(digits or 0)) for run, digits in _PARTS.findall(version) if run or digits]
        return (*pairs, ((0,), 0))


def _weights(run: str) -> tuple[int, ...]:
    return (*(_weight(character) for character in run), 0)


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 256
