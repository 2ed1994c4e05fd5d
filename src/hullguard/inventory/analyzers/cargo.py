"""Programs that ``cargo install`` built: ``.crates2.json`` beside their directory (Cargo's ``common_for_install``)."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.model.package import PackageType

_INSTALLED = re.compile(r"([^\s()]+) ([^\s()]+) \(([^()]*)\)")
_OWN_INDEX = "crates.io"


class _Installed(msgspec.Struct):
    installs: dict[str, msgspec.Raw] = {}


class CargoAnalyzer(LanguageAnalyzer):
    """The crate of each program; what is compiled into it is read of the program, if that says so."""

    name, version = "cargo", 2
    paths = r"(?:.*/)?\.crates2\.json"
    ownable = False
    form = "list of what cargo installed"
    lists = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        odd = 0
        for identity in listing(content, _Installed).installs:
            if (found := _INSTALLED.fullmatch(identity)) is None:
                odd += 1
                continue
            # Of what came from a repository or a directory no advisories speak.
            yield Piece(PackageType.CARGO, found[1], found[2], known=_OWN_INDEX in found[3])
        if odd:
            yield Doubt(f"{odd} of its entries are not made of a name, a version and a source")
