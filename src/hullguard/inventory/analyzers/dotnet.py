"""What a .NET program was published with: ``NAME.deps.json``."""

from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import DOTNET_DEPENDENCIES
from hullguard.model.package import PackageType

# Packs that a self-contained program carries are listed as packages of the runtime.
_PACK = "runtimepack."


class _Library(msgspec.Struct):
    type: str = ""


class _Dependencies(msgspec.Struct):
    libraries: dict[str, _Library] = {}


class DotnetAnalyzer(LanguageAnalyzer):
    """Libraries that are packages; projects of the program itself are not published anywhere."""

    name, version = "dotnet", 2
    paths = DOTNET_DEPENDENCIES
    form = "list of .NET dependencies"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        read = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=_Dependencies)
        for identity, library in read.libraries.items():
            name, _, version = identity.rpartition("/")
            if library.type.lower() in ("package", "runtimepack"):  # the runtime compares without case
                yield Piece(PackageType.NUGET, name.removeprefix(_PACK), version)
