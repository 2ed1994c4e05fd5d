"""Haskell versions: the Package Versioning Policy (pvp.haskell.org), section "Version numbers"."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"(\d+(?:\.\d+)*)(?:-[0-9A-Za-z-]+)?", re.ASCII)


class PvpOrder(Order):
    """Numbers from left to right, and ``1.0`` comes before ``1.0.0``; the deprecated tags do not count."""

    name = "PVP"

    def parse(self, text: str) -> tuple[int, ...]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        return tuple(int(part) for part in match[1].split("."))
