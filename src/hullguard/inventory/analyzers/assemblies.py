"""Assemblies of .NET of which no ``NAME.deps.json`` says what package they came with: how many there are is said.

An assembly's own versions are none of NuGet's: ``Newtonsoft.Json`` 13.0.3 calls itself 13.0.0.0, and its
file 13.0.3.27908. But those of the runtime have its version, and advisories know it by the packages in which it is
published: where no list names these, as .NET Core 3.1's own does not, they are told by its assemblies.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from hullguard.inventory.analyzers.analyzer import Context, File, Files, Findings
from hullguard.inventory.analyzers.dotnet import DotnetAnalyzer
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer, Piece, add
from hullguard.inventory.analyzers.ownable import DOTNET_DEPENDENCIES
from hullguard.inventory.analyzers.portable import MAGIC, Portable
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import RandomAccess
from hullguard.model.package import PackageType

_RUNTIMES = {
    "system.private.corelib.dll": "Microsoft.NETCore.App.Runtime",
    "microsoft.aspnetcore.dll": "Microsoft.AspNetCore.App.Runtime",
}
"""By an assembly that each of them has, in small letters, the package of the runtime without its platform."""
_LINUX, _WINDOWS = 0x7B79, 0
_PROCESSORS = {0x8664: "x64", 0xAA64: "arm64", 0x01C4: "arm"}
_PLATFORMS = {
    machine ^ system: f"{name}-{processor}"
    for system, name in ((_LINUX, "linux"), (_WINDOWS, "win"))
    for machine, processor in _PROCESSORS.items()
}
"""What the runtime's assemblies are compiled for (dotnet/runtime, pedecoder.h): numbers of a system and a processor."""
_MUSL = frozenset({"alpine", "alpaquita"})
_VERSION = re.compile(
    r"((?:[3-9]|\d{2,3})\.\d{1,3}\.\d{1,5})(?:-servicing\.[\d.]+)?(-(?:alpha|preview|rc)[\w.]*)?(?:\+\w*)?"
)
"""Before .NET Core 3 the runtime's assemblies had versions of their own."""
_CACHE = ".nuget/packages/"
"""Told by itself (``unread``)."""
_BELOW = ("/runtimes/", "/ref/", "/refs/")
"""Parts of an application that its list speaks of, too."""
_RESOURCES = ".resources.dll"
"""Translations lie in a directory for each language."""


class AssembliesAnalyzer(LargeFileAnalyzer):
    """Portable executables with a header for the common language runtime, known by their first bytes."""

    name, version = "assemblies", 2
    magic = (MAGIC,)
    form = ".NET assembly"

    def condense_sniffed(self, names: Sequence[str], content: RandomAccess, budget: Budget | None = None) -> bytes:
        known = (name for name in names if name.rpartition("/")[2].lower() in _RUNTIMES)
        return self.condense(next(known, names[0]), content, budget)

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Piece | Doubt]:
        del budget
        portable = Portable(content)
        if not portable.is_assembly:
            return
        yield Doubt("is a .NET assembly")
        runtime = _RUNTIMES.get(path.rpartition("/")[2].lower())
        version = _VERSION.fullmatch(portable.product_version) if runtime else None
        if runtime and version:
            platform = _PLATFORMS.get(portable.machine, "")
            yield Piece(PackageType.NUGET, f"{runtime}.{platform}", version[1] + (version[2] or ""))

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings(room=context.room)
        found = list(files.sniffed(self.name))
        if not found:
            return findings
        listed: dict[str, set[str]] = {}
        for path, file in files.matching(DOTNET_DEPENDENCIES):
            pieces = DotnetAnalyzer.kept(file)
            owned_list = context.reals.get(path, path) in context.owned and path not in context.altered
            if file.content and not pieces and not owned_list:
                continue  # it was told that it cannot be read, or is empty: it speaks for nothing beside it
            names = listed.setdefault(path.rpartition("/")[0], set())
            names.update(piece.name.lower() for piece in pieces)
            if owned_list:
                names.update(f"{runtime}.".lower() for runtime in _RUNTIMES.values())  # its OS package is judged
        self._name_runtimes(found, listed, context, findings)
        owned = (path for path, _ in found if context.reals.get(path, path) in context.owned)
        alone = sorted({path for path, _ in found}.difference(owned))
        alone = [path for path in alone if not _is_listed(path, listed)]
        if alone:
            why = (
                "no list of .NET dependencies that names a library lies beside them, "
                "so what packages they are of is not known"
            )
            findings.say(f"{len(alone)} .NET assemblies, {alone[0]} the first of them", why)
        return findings

    def _name_runtimes(
        self, found: Iterable[tuple[str, File]], listed: Mapping[str, set[str]], context: Context, findings: Findings
    ) -> None:
        """Adds the runtimes that no list beside them names."""
        runtimes = [(path, file, piece) for path, file in found for piece in self.kept(file)]
        # Those of ASP.NET may be compiled for no platform; they run on a runtime that is.
        platforms = {piece.name.rpartition(".")[2] for _, _, piece in runtimes} - {""}
        for path, file, piece in runtimes:
            pack, _, own = piece.name.rpartition(".")
            named = listed.get(path.rpartition("/")[0], ())
            if any(name.startswith(f"{pack}.".lower()) for name in named):
                continue
            for platform in sorted({own} if own else platforms):
                name = f"{pack}.{_with_library(platform, context)}"
                add(Piece(piece.type, name, piece.version), path, context.layers[file.origin], findings)
            if not own and not platforms:
                findings.say(path, f"a runtime of .NET {piece.version} for an unknown platform; it was not looked up")


def _with_library(platform: str, context: Context) -> str:
    """A platform by the distribution's C library, which the assemblies do not tell."""
    musl = context.distribution is not None and context.distribution.id in _MUSL
    return platform.replace("linux-", "linux-musl-") if musl else platform


def _is_listed(path: str, listed: Collection[str]) -> bool:
    """Whether a list of dependencies speaks of the assembly, or something else does."""
    directory = path.rpartition("/")[0]
    if _CACHE in path or directory in listed:
        return True
    if path.endswith(_RESOURCES) and directory.rpartition("/")[0] in listed:
        return True
    return any(mark in path and path.partition(mark)[0] in listed for mark in _BELOW)
