"""What Flatpak deployed: ``app|runtime/ID/ARCH/BRANCH/COMMIT`` with a record ``deploy`` (Flatpak's ``flatpak-dir.c``).

The record is a GVariant with a dictionary of variants at its end. In one of those a string ends in a zero, and another
zero and the letter of its type follow.
"""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.model.package import PackageType

_PLACE = re.compile(r"(?:.*/)?flatpak/(app|runtime)/([^/]+)/[^/]+/([^/]+)/[^/]+/deploy", re.DOTALL)
_VALUE = re.compile(rb"appdata-(version|license)\0{1,8}([^\0]{1,1000})\0\0s")


class FlatpakAnalyzer(LanguageAnalyzer):
    """An application says its version; of a runtime the branch is it. No advisories speak of them."""

    name, version = "flatpak", 1
    paths = r"(?:.*/)?flatpak/(?:app|runtime)/[^/]+/[^/]+/[^/]+/[0-9a-f]{64}/deploy"
    ownable = False
    form = "record of Flatpak"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if (place := _PLACE.fullmatch(path)) is None:
            return
        kind, name, branch = place.groups()
        told = {found[1]: text(found[2]) for found in _VALUE.finditer(content)}
        version = told.get(b"version") or (branch if kind == "runtime" else "")
        if not version:
            raise Unreadable(f"does not say the version of {name}, of which the branch {branch} is installed")
        yield Piece(PackageType.FLATPAK, name, version, (told[b"license"],) if b"license" in told else ())
