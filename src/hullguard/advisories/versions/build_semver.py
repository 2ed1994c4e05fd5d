"""Semantic Versioning in which builds are ordered too: Pub (pub_semver's README, "Semantics") and Julia.

Julia's rules are those of its VersionNumber (the Julia manual, "Version Number Literals", and base/version.jl). There
``1.0.0+2`` is the second build of a wrapped library, and often the one with the fix.
"""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import IDENTIFIERS, Identifier, identifiers, prerelease

_GRAMMAR = re.compile(rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-({IDENTIFIERS}))?(?:\+({IDENTIFIERS}))?", re.ASCII)


class BuildSemverOrder(Order):
    """A build comes after the version without one, and builds among each other count like pre-releases."""

    name = "semver with builds"

    def parse(self, text: str) -> tuple[int, int, int, int, tuple[Identifier, ...], tuple[Identifier, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        major, minor, patch, pre, build = match.groups()
        return int(major), int(minor or 0), int(patch or 0), *prerelease(pre), identifiers(build)
