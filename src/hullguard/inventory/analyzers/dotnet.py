"""What a .NET program was published with: ``NAME.deps.json``."""

from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import DOTNET_DEPENDENCIES
from hullguard.model.package import PackageType

# Packs that a self-contained program carries are listed as packages of the runtime.
_PACK = "runtimepack."


class _Library(msgspec.Struct):
    type: str = ""


class _Dependencies(msgspec.Struct):
    libraries: dict[str, msgspec.Raw] = {}


class DotnetAnalyzer(LanguageAnalyzer):
    """Libraries that are packages; projects of the program itself are not published anywhere."""

    name, version = "dotnet", 3
    paths = DOTNET_DEPENDENCIES
    form = "list of .NET dependencies"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        yield from dependencies(content)


def dependencies(content: bytes) -> Iterator[Piece | Doubt]:
    """The packages of a ``deps.json``; raises msgspec.MsgspecError or Unreadable where it is none."""
    for identity, library in each(listing(content, _Dependencies).libraries, _Library):
        name, _, version = identity.rpartition("/")
        if isinstance(library, Doubt):
            yield library
        elif library.type.lower() in ("package", "runtimepack"):  # the runtime compares without case
            yield Piece(PackageType.NUGET, name.removeprefix(_PACK), version)
