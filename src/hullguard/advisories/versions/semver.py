"""npm versions: Semantic Versioning 2.0.0, section 11; read as loosely as npm does (``v1.2.3``, ``=1.2.3``)."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import IDENTIFIERS, Identifier, prerelease

_GRAMMAR = re.compile(
    rf"[v=\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-({IDENTIFIERS})|((?![0-9-]){IDENTIFIERS}))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)


class SemverOrder(Order):
    """A pre-release comes before its release; its numbers before its words; build metadata does not count."""

    name = "semver"

    def parse(self, text: str) -> tuple[int, int, int, int, tuple[Identifier, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        major, minor, patch, strict, loose = match.groups()
        return int(major), int(minor or 0), int(patch or 0), *prerelease(strict or loose)
