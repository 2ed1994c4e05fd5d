"""NuGet versions: "Package versioning" of the NuGet documentation; SemVer 2.0.0 with a fourth number, in any case."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import IDENTIFIERS, Identifier, prerelease

_GRAMMAR = re.compile(
    rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:-({IDENTIFIERS}))?(?:\+{IDENTIFIERS})?", re.ASCII | re.IGNORECASE
)


class NugetOrder(Order):
    """``1.0`` is ``1.0.0.0``; labels are compared without case, build metadata not at all."""

    name = "NuGet"

    def parse(self, text: str) -> tuple[tuple[int, ...], int, tuple[Identifier, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        *numbers, pre = match.groups()
        return tuple(int(number or 0) for number in numbers), *prerelease(pre.lower() if pre else None)
