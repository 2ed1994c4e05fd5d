"""What a .NET program was published with: ``NAME.deps.json``."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import DOTNET_DEPENDENCIES
from hullguard.model.package import PackageType

# Packs that a self-contained program carries are listed as packages of the runtime.
_PACK = "runtimepack."
_SERVICING = re.compile(r"-servicing\.\d+\.\d+\Z")
"""Lists of .NET Core's own runtime have the number of the build behind the version, which orders it before that."""
_BUILT = re.compile(
    r"(?P<pack>Microsoft\.(?:NETCore|AspNetCore)\.App\.Runtime)"
    r"\.(?P<system>alpine|centos|debian|fedora|gentoo|opensuse|rhel|ubuntu)(?:\.[\d.]+)?-(?P<processor>x64|arm64|arm)",
    re.IGNORECASE,
)


class _Library(msgspec.Struct):
    type: str = ""


class _Dependencies(msgspec.Struct):
    libraries: dict[str, msgspec.Raw] = {}


class DotnetAnalyzer(LanguageAnalyzer):
    """Libraries that are packages; projects of the program itself are not published anywhere."""

    name, version = "dotnet", 6
    paths = DOTNET_DEPENDENCIES
    form = "list of .NET dependencies"
    lists = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        del path
        yield from dependencies(content)


def dependencies(content: bytes) -> Iterator[Piece | Doubt]:
    """The packages of a ``deps.json``; raises msgspec.MsgspecError or Unreadable where it is none."""
    libraries = listing(content, _Dependencies).libraries
    if not libraries:
        yield Doubt("names no library, not even the program's own")
    for identity, library in each(libraries, _Library):
        name, _, version = identity.rpartition("/")
        if isinstance(library, Doubt):
            yield library
        elif library.type.lower() in ("package", "runtimepack"):  # the runtime compares without case
            yield Piece(PackageType.NUGET, _published(name.removeprefix(_PACK)), _SERVICING.sub("", version))


def _published(name: str) -> str:
    """The name of a runtime as advisories have it: those that distributions build are called by their platforms."""
    found = _BUILT.fullmatch(name)
    if found is None:
        return name
    return f"{found['pack']}.{'linux-musl' if found['system'] == 'alpine' else 'linux'}-{found['processor']}"
