"""Go versions: Semantic Versioning 2.0.0 with pseudo-versions and ``+incompatible`` (go.dev/ref/mod, "Versions").

The toolchain and its standard library have names of their own, ``go1.21rc2``, which advisories spell ``1.21.0-rc.2``.
"""

import re

from hullguard.advisories.versions.order import Order, UnreadableVersion
from hullguard.advisories.versions.precedence import STRICT, Identifier, prerelease

# What a vendor appends (`go1.21.4 X:boringcrypto`, `go1.21.4-custom`) is no pre-release.
_RELEASE = re.compile(r"(?:go)?(\d+)\.(\d+)(?:\.(\d+))?(?:(rc|beta)(\d+))?(?:[ +].*)?", re.ASCII)
_VENDOR = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?(?:(rc|beta)(\d+))?-[\w.+:-]+", re.ASCII)


class GoOrder(Order):
    """A pseudo-version is a pre-release that ends in its commit's time; ``(devel)`` is no version at all."""

    name = "Go"

    def parse(self, text: str) -> tuple[int, int, int, int, tuple[Identifier, ...]]:
        version = text.strip()
        module = STRICT.fullmatch(version)
        if module is not None:
            return int(module[1]), int(module[2]), int(module[3]), *prerelease(module[4])
        release = _RELEASE.fullmatch(version) or _VENDOR.fullmatch(version)
        if release is None:
            raise UnreadableVersion(text, self.name)
        major, minor, patch, kind, number = release.groups()
        return int(major), int(minor), int(patch or 0), *prerelease(f"{kind}.{number}" if kind else None)
