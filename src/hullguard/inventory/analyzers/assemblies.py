"""Assemblies of .NET of which no ``NAME.deps.json`` says what package they came with: how many there are is said.

An assembly's own versions are none of NuGet's: ``Newtonsoft.Json`` 13.0.3 calls itself 13.0.0.0, and its
file 13.0.3.27908.
"""

import struct
from collections.abc import Collection, Iterator

from hullguard.inventory.analyzers.analyzer import Context, Files, Findings
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import DOTNET_DEPENDENCIES
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import RandomAccess

_DOS = b"MZ"
_DOS_HEADER = 64
_SIGNATURE = b"PE\0\0"
_OPTIONAL = 24
"""Where the optional header begins, behind the signature and COFF's header."""
_DIRECTORIES = {0x10B: 96, 0x20B: 112}
"""By the optional header's mark how far in it the directories begin; their number stands before them."""
_CLR = 14
"""Of the directories the one that leads to what the common language runtime needs (ECMA-335, II.25.2.3.3)."""
_FOREIGN = ("usr/lib/", "usr/share/")
"""What a distribution's own package brought lies there."""
_CACHE = ".nuget/packages/"
"""Told by itself (``unread``)."""
_BELOW = ("/runtimes/", "/ref/", "/refs/")
"""Parts of an application that its list speaks of, too."""
_RESOURCES = ".resources.dll"
"""Translations lie in a directory for each language."""


class AssembliesAnalyzer(LargeFileAnalyzer):
    """Portable executables with a header for the common language runtime, known by their first bytes."""

    name, version = "assemblies", 1
    magic = (_DOS,)
    form = ".NET assembly"

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Piece | Doubt]:
        del path, budget
        if is_assembly(content):
            yield Doubt("is a .NET assembly")

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        found = [path for path, _ in files.sniffed(self.name)]
        if not found:
            return findings
        listed = {path.rpartition("/")[0] for path, _ in files.matching(DOTNET_DEPENDENCIES)}
        alone = [path for path in found if not _is_listed(path, listed)]
        if alone:
            why = "no list of .NET dependencies lies beside them, so what packages they are of is not known"
            findings.say(f"{len(alone)} .NET assemblies, {alone[0]} the first of them", why)
        return findings


def is_assembly(content: RandomAccess) -> bool:
    """Whether a file is a portable executable for the common language runtime."""
    head = content[:_DOS_HEADER]
    if len(head) < _DOS_HEADER or not head.startswith(_DOS):
        return False
    (place,) = struct.unpack_from("<I", head, _DOS_HEADER - 4)
    headers = content[place : place + _OPTIONAL + _DIRECTORIES[0x20B] + 8 * (_CLR + 1)]
    if len(headers) < _OPTIONAL + 2 or not headers.startswith(_SIGNATURE):
        return False
    begin = _DIRECTORIES.get(struct.unpack_from("<H", headers, _OPTIONAL)[0])
    if begin is None or len(headers) < _OPTIONAL + begin + 8 * (_CLR + 1):
        return False
    (count,) = struct.unpack_from("<I", headers, _OPTIONAL + begin - 4)
    address, size = struct.unpack_from("<II", headers, _OPTIONAL + begin + 8 * _CLR)
    return bool(count > _CLR and address and size)


def _is_listed(path: str, listed: Collection[str]) -> bool:
    """Whether a list of dependencies speaks of the assembly, or something else does."""
    directory = path.rpartition("/")[0]
    if path.startswith(_FOREIGN) or _CACHE in path or directory in listed:
        return True
    if path.endswith(_RESOURCES) and directory.rpartition("/")[0] in listed:
        return True
    return any(mark in path and path.partition(mark)[0] in listed for mark in _BELOW)
