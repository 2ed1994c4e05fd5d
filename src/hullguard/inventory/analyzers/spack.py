"""What Spack built: in each prefix ``.spack/spec.json`` with the package and its dependencies (Spack's ``spec.py``)."""

from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType


class _Node(msgspec.Struct):
    name: str
    version: str
    hash: str = ""


class _Spec(msgspec.Struct):
    nodes: list[msgspec.Raw] = []


class _Document(msgspec.Struct):
    spec: _Spec


class SpackAnalyzer(LanguageAnalyzer):
    """The first node is what lies in the prefix; the others have prefixes of their own. No advisories speak of them."""

    name, version = "spack", 1
    paths = r"(?:.*/)?\.spack/spec\.json"
    ownable = False
    form = "description of a Spack package"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        if not (nodes := listing(content, _Document).spec.nodes):
            raise Unreadable("it names no package")
        node = from_json(nodes[0], _Node)
        # A package is built more than once with other options; its hash tells which.
        qualifiers = (("sha", node.hash),) if node.hash else ()
        yield Piece(PackageType.SPACK, node.name, node.version, qualifiers=qualifiers)
