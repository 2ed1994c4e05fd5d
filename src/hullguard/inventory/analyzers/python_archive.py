"""Packages of Python in one zip file, from which it imports as they lie there: eggs, applications of pex or shiv."""

import re
from collections.abc import Iterator

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import is_name, text
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer, Piece
from hullguard.inventory.analyzers.python import headers, headers_of, licenses
from hullguard.inventory.analyzers.zip_archive import BadArchive, BadMember, Member, ZipArchive
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import RandomAccess
from hullguard.model.package import PackageType

_OF_EGG = b"EGG-INFO/PKG-INFO"
_METADATA = re.compile(rb"(?:.*/)?[^/]+\.(?:dist-info/METADATA|egg-info/PKG-INFO|egg/EGG-INFO/PKG-INFO)", re.DOTALL)
_NAMELESS = "metadata of a Python package without its name or version"


class PythonArchiveAnalyzer(LargeFileAnalyzer):
    """Each package by its metadata; before the archive there may be a line that names the interpreter."""

    name, version = "python-archive", 3
    paths = r"(?:.*/)?[^/]+\.(?:egg|pex|pyzw?)"
    form = "archive of Python packages"

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Piece | Doubt]:
        egg = path.endswith(".egg")
        found = 0
        try:
            archive = ZipArchive(content, budget or Budget(Limits()))
            for member in archive:
                if member.name == _OF_EGG if egg else _METADATA.fullmatch(member.name):
                    found += 1
                    yield _package(archive, member, "" if egg else text(member.name))
        except BadArchive as why:
            yield Doubt(f"is no readable {self.form}: it {why}")
            return
        if egg and not found:
            yield Doubt(_NAMELESS)


def _package(archive: ZipArchive, member: Member, inner: str) -> Piece | Doubt:
    content = bytearray()
    try:
        for piece in archive.unpacked(member, bounds.METADATA_BYTES):
            content += piece
    except BadMember:
        pass  # what there is of it decides; the headers come first
    fields = headers(headers_of(bytes(content))[0])
    name, version = (fields.get(key, [""])[0].rstrip() for key in ("name", "version"))
    if not is_name(name) or not version:
        return Doubt(_NAMELESS, inner)
    return Piece(PackageType.PYPI, name, version, licenses(fields), inner)
