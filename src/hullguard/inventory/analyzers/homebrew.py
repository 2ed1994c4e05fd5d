"""What Homebrew installed, on Linux too: a directory each, ``Cellar/NAME/VERSION``, with a receipt in it.

The receipt says from which tap the formula came (Homebrew's ``Library/Homebrew/tab.rb``); newer releases put a bill of
materials beside it, which knows the licence (``sbom.rb``).
"""

import re
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from hullguard.inventory.analyzers.analyzer import Context, File, Files, Findings
from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import HOSTILE, Doubt, LanguageAnalyzer, Piece
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType

_KEG = re.compile(r"(?:.*/)?Cellar/([^/]+)/([^/]+)/[^/]+", re.DOTALL)
_RECEIPT, _BILL = "INSTALL_RECEIPT.json", "sbom.spdx.json"
_OWN_TAP = "homebrew/core"
_SILENT = frozenset({"", "NOASSERTION", "NONE"})


class _Origin(msgspec.Struct):
    tap: str | None = None


class _Receipt(msgspec.Struct):
    source: _Origin = msgspec.field(default_factory=_Origin)


class _Described(msgspec.Struct, rename="camel"):
    name: str = ""
    license_concluded: str = ""


class _Bill(msgspec.Struct):
    packages: list[msgspec.Raw] = []


class HomebrewAnalyzer(LanguageAnalyzer):
    """Names and versions are those of the directories. No advisories speak of them."""

    name, version = "homebrew", 1
    paths = rf"(?:.*/)?Cellar/[^/]+/[^/]+/(?:{re.escape(_RECEIPT)}|{re.escape(_BILL)})"
    ownable = False
    form = "receipt of Homebrew"

    def variant(self, path: str) -> str:
        return path.rpartition("/")[2]

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if (keg := _KEG.fullmatch(path)) is None:
            return
        name, version = keg.groups()
        if path.endswith(_BILL):
            yield Piece(PackageType.BREW, name, version, _licenses(name, content))
            return
        try:
            tap = from_json(content, _Receipt).source.tap or _OWN_TAP
        except HOSTILE:
            yield Doubt(f"is no readable {self.form}; the package is named by its directory alone")
            tap = _OWN_TAP
        yield Piece(PackageType.BREW, name if tap == _OWN_TAP else f"{tap}/{name}", version)

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        for path, file in super().found(files):
            if path.endswith(_RECEIPT) or files.file(f"{path.rpartition('/')[0]}/{_RECEIPT}") is None:
                yield path, file

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = super().analyze(files, context)
        for number, package in enumerate(findings.packages):
            bill = files.file(f"{package.locations[0].rpartition('/')[0]}/{_BILL}")
            for told in self.kept(bill) if bill is not None else ():
                findings.packages[number] = replace(package, licenses=told.licenses)
        return findings


def _licenses(name: str, content: bytes) -> tuple[str, ...]:
    """What the bill of materials says of the formula itself; of what it was built from it speaks, too."""
    try:
        entries = [entry for _, entry in each(listing(content, _Bill).packages, _Described)]
    except HOSTILE:
        return ()
    told = (one.license_concluded for one in entries if isinstance(one, _Described) and one.name == name)
    return tuple(dict.fromkeys(each for each in told if each not in _SILENT))
