"""Bitnami versions: Semantic Versioning 2.0.0 of the application, which a package's own revision follows.

An image says ``16.3.0-5`` or ``16.3.0-r5`` for the fifth package of 16.3.0, where advisories say only ``16.3.0``.
Programs say their versions as they are: a patch of Java's 11.0.9 is 11.0.9.1, and CPython's candidates are 3.12.0rc1.
"""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import IDENTIFIERS, Identifier, prerelease

_GRAMMAR = re.compile(
    rf"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:\.(\d+))?(?:-({IDENTIFIERS})|((?:a|b|rc)\d+))?(?:\+{IDENTIFIERS})?", re.ASCII
)
_REVISION = re.compile(r"-r?\d+", re.ASCII)


class BitnamiOrder(Order):
    """The revision of a package is no pre-release."""

    name = "Bitnami"

    def parse(self, text: str) -> tuple[int, int, int, int, int, tuple[Identifier, ...]]:
        match = _GRAMMAR.fullmatch(text.strip())
        if match is None:
            raise UnreadableVersion(text, self.name)
        major, minor, patch, fourth, strict, glued = match.groups()
        return int(major), int(minor or 0), int(patch or 0), int(fourth or 0), *prerelease(strict or glued)

    def installed_for(self, installed: str, bound: str) -> str:
        version, dash, revision = installed.rpartition("-")
        return version if dash and "-" not in bound and _REVISION.fullmatch(f"-{revision}") else installed
