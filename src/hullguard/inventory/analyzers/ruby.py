"""Installed Ruby gems by the specification that RubyGems writes: a small Ruby program, which is never run.

Copies that projects keep in ``vendor/gems`` have the one that the gem's makers wrote. That may compute its version;
then the directory tells it, which is called by name and version where ``gem unpack`` made it.
"""

import re
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import File, Files, text
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.inventory.analyzers.ownable import GEM_SPECIFICATION
from hullguard.model.package import PackageType

_ASSIGNED = re.compile(r"^[ \t]*\w+\.(name|version|license|licenses)[ \t]*=[ \t]*(.{1,500})$", re.MULTILINE)
_COMMENT = re.compile(r"^=begin\b.*?(?:^=end\b[^\n]*|\Z)", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"""(["'])([^"'\n]{1,200})\1(?:\.freeze)?""")
_COPY = re.compile(r"(.*/)?vendor/gems/([^/]+)/[^/]+", re.DOTALL)
_UNPACKED = re.compile(r"(?P<name>[A-Za-z0-9_.-]{1,200}?)-(?P<version>\d[0-9A-Za-z.]{0,99})(?:-[a-z][\w-]*)?")


class RubyAnalyzer(LanguageAnalyzer):
    """Gems under ``specifications``, the default ones that come with Ruby itself among them, and copies."""

    name, version = "ruby", 3
    paths = GEM_SPECIFICATION
    linked = r"(?:.*/)?specifications(?:/default)?"
    form = "gem specification"

    def variant(self, path: str) -> str:
        return directory[2] if (directory := _COPY.fullmatch(path)) else ""

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        """Without the files of gems that are installed in a directory of that name: their specifications count."""
        for path, file in super().found(files):
            copy = _COPY.fullmatch(path)
            if copy is None or files.file(f"{copy[1] or ''}vendor/specifications/{copy[2]}.gemspec") is None:
                yield path, file

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        found: dict[str, list[str]] = {}
        for key, value in _ASSIGNED.findall(_COMMENT.sub("", text(content[: bounds.METADATA_BYTES]))):
            words = [word for _, word in _QUOTED.findall(value)]
            if not words:
                continue
            if key in found and found[key] != words and key in ("name", "version"):
                yield Doubt(f"gives its {key} twice; the last one was taken, as Ruby does")
            found[key] = words
        if len(content) > bounds.METADATA_BYTES:
            yield Doubt(f"has more than {bounds.METADATA_BYTES} bytes; the rest of it was not read", incomplete=True)
        if "version" not in found and (unpacked := _UNPACKED.fullmatch(self.variant(path))):
            found = {"name": [unpacked["name"]], **found, "version": [unpacked["version"]]}
        if "name" not in found or "version" not in found:
            raise Unreadable("a gem specification without a literal name and version")
        licenses = tuple(found.get("licenses", found.get("license", [])))
        yield Piece(PackageType.GEM, found["name"][0], found["version"][0], licenses)
