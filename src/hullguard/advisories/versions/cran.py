"""R versions: "The DESCRIPTION file" of Writing R Extensions, compared as R's ``compareVersion`` does."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_GRAMMAR = re.compile(r"\d+(?:[.-]\d+)*", re.ASCII)
_SEPARATOR = re.compile(r"[.-]")


class CranOrder(Order):
    """Numbers from left to right, whether dots or hyphens part them; ``1.0`` comes before ``1.0.0``."""

    name = "CRAN"

    def parse(self, text: str) -> tuple[int, ...]:
        version = text.strip()
        if _GRAMMAR.fullmatch(version) is None:
            raise UnreadableVersion(text, self.name)
        return tuple(int(part) for part in _SEPARATOR.split(version))
