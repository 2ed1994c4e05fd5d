"""Snaps, mounted or unpacked: ``snap/NAME/REVISION/meta/snap.yaml`` (Snapcraft's documentation, "The snap format")."""

import re
from collections.abc import Iterator

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.model.package import PackageType

_FIELD = re.compile(r"^(name|version|license):[ \t]+([^\n]*)", re.MULTILINE)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"\\]*)\"")
_STRUCTURE = tuple("'\"#&*!|>{[%@`")
"""What a plain word does not begin with in YAML."""
_READ = 1 << 16
"""Bytes; descriptions have a few thousand."""


class SnapAnalyzer(LanguageAnalyzer):
    """No advisories speak of snaps; what lies in one is looked up by itself."""

    name, version = "snap", 1
    # That nothing follows has ``Endings`` tell them by their beginning.
    paths = r"(?:(?:var/lib/snapd/)?snap/[^/]+/[^/]+/)?meta/snap\.yaml(?!/)"
    ownable = False
    form = "description of a snap"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        fields: dict[str, str] = {}
        for found in _FIELD.finditer(text(content[:_READ])):
            fields.setdefault(found[1], _scalar(found[2]))
        if not fields.get("name") or not fields.get("version"):
            raise Unreadable("it lacks the package's name or its version")
        licenses = (fields["license"],) if fields.get("license") else ()
        yield Piece(PackageType.SNAP, fields["name"], fields["version"], licenses)


def _scalar(written: str) -> str:
    """A word of YAML on one line; empty for what is more than that."""
    if (quoted := _QUOTED.match(written)) is not None:
        return (quoted[1] or quoted[2] or "").strip()
    return "" if written.startswith(_STRUCTURE) else written.partition(" #")[0].strip()
