"""Strict Semantic Versioning 2.0.0, section 11: what Cargo, Hex and Swift packages use."""

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import STRICT, Identifier, prerelease


class StrictSemverOrder(Order):
    """Three numbers are required; build metadata does not count."""

    name = "strict semver"

    def parse(self, text: str) -> tuple[int, int, int, int, tuple[Identifier, ...]]:
        match = STRICT.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        return int(match[1]), int(match[2]), int(match[3]), *prerelease(match[4])
