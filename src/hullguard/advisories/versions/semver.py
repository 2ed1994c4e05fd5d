"""npm versions: Semantic Versioning 2.0.0, section 11; read as loosely as npm does (``v1.2.3``, ``=1.2.3``)."""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion

_IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_GRAMMAR = re.compile(
    rf"[v=\s]*(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-({_IDENTIFIERS})|((?![0-9-]){_IDENTIFIERS}))?(?:\+[0-9A-Za-z.-]+)?",
    re.ASCII,
)
_Identifier = tuple[int, int | str]


class SemverOrder(Order):
    """A pre-release comes before its release; its numbers before its words; build metadata does not count."""

    name = "semver"
    ecosystems = frozenset({"npm"})

    def parse(self, text: str) -> tuple[int, int, int, int, tuple[_Identifier, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        major, minor, patch, strict, loose = match.groups()
        pre = strict or loose
        identifiers = tuple(_identifier(part) for part in pre.split(".")) if pre else ()
        return int(major), int(minor or 0), int(patch or 0), 0 if pre else 1, identifiers


def _identifier(part: str) -> _Identifier:
    return (0, int(part)) if part.isdigit() else (1, part)
