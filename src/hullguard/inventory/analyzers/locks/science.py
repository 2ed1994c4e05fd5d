"""Lock files of Julia, R and Haskell."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, STRANGE, Tally
from hullguard.inventory.analyzers.locks.toml import table
from hullguard.model.decoding import converted
from hullguard.model.package import PackageType

_REPOSITORIES = ("cran", "bioconductor", "rspm", "repository", "")
# ``any.aeson ==2.0.0.0,`` of cabal; a line of flags has a sign behind the name instead.
_CABAL = re.compile(r"(?:constraints:)?\s*(?:any\.)?([A-Za-z0-9][A-Za-z0-9-]{0,100}) ==([0-9][0-9.]{0,60}),?\s*")
_CABAL_OTHER = re.compile(r"(?:constraints:)?\s*(?:any\.)?[A-Za-z0-9][A-Za-z0-9-]{0,100} [<>=^].*")
# ``hackage: aeson-2.0.0.0@sha256:…,613`` of Stack.
_STACK = re.compile(r"    hackage: ['\"]?([A-Za-z0-9][A-Za-z0-9-]{0,100})-([0-9][0-9.]{0,60})(?:@\S+)?['\"]?")
_STACK_OTHER = re.compile(r"    (?:git|hg|url|archive|hackage): .*")


class _JuliaPackage(msgspec.Struct):
    version: str = ""
    path: str = ""
    url: str = msgspec.field(default="", name="repo-url")
    tree: str = msgspec.field(default="", name="git-tree-sha1")


class _RPackage(msgspec.Struct):
    package: str = msgspec.field(default="", name="Package")
    version: str = msgspec.field(default="", name="Version")
    source: str = msgspec.field(default="Repository", name="Source")


class _RenvLock(msgspec.Struct):
    packages: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict, name="Packages")


def julia_manifest(content: bytes) -> Iterator[Piece | Doubt]:
    """Lists of packages by name, below ``deps`` since version 2; those of Julia itself have no tree of their own."""
    whole, tally = table(content), Tally()
    listed: Any = whole.get("deps", {}) if "manifest_format" in whole else whole
    for name, entries in listed.items() if isinstance(listed, dict) else ():
        for raw in entries if isinstance(entries, list) else ():
            try:
                entry = converted(raw, _JuliaPackage)
            except msgspec.ValidationError:
                tally.add(STRANGE)
                continue
            if entry.path or entry.url:
                tally.add(ELSEWHERE)
            elif entry.version and entry.tree:
                yield Piece(PackageType.JULIA, name, entry.version)
    yield from tally.doubts()


def renv_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """Packages from CRAN, its mirrors and Bioconductor; others come from where nobody's advisories speak of."""
    tally = Tally()
    for name, entry in each(listing(content, _RenvLock).packages, _RPackage):
        if isinstance(entry, Doubt):
            yield entry
        elif entry.source.lower() not in _REPOSITORIES:
            tally.add(ELSEWHERE)
        elif entry.version:
            yield Piece(PackageType.CRAN, entry.package or name, entry.version)
        else:
            tally.add(STRANGE)
    yield from tally.doubts()


def cabal_freeze(content: bytes) -> Iterator[Piece | Doubt]:
    """``constraints`` that hold a package to one version; flags stand on lines of their own, behind a name."""
    tally, understood = Tally(), False
    for line in tally.lines(content):
        if found := _CABAL.fullmatch(line.rstrip()):
            understood = True
            yield Piece(PackageType.HACKAGE, found[1], found[2])
        elif _CABAL_OTHER.fullmatch(line.rstrip()):
            understood = True
            tally.add(STRANGE)
    if not understood and b"constraints" in content:
        tally.add(STRANGE)
    yield from tally.doubts()


def stack_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """What was completed of the packages that stand beside the snapshot; its own stand in a file elsewhere."""
    tally, section, completed, snapshots = Tally(), "", False, False
    for line in map(str.rstrip, tally.lines(content)):
        if line and not line.startswith((" ", "-", "#")):
            section = line.partition(":")[0]
        elif line.startswith("- "):
            completed = line == "- completed:"
            snapshots = snapshots or section == "snapshots"
        elif line.startswith("  original:"):
            completed = False
        elif section == "packages" and completed and (found := _STACK.fullmatch(line)):
            yield Piece(PackageType.HACKAGE, found[1], found[2])
        elif section == "packages" and completed and _STACK_OTHER.fullmatch(line):
            tally.add(ELSEWHERE)
    if snapshots:
        yield Doubt("names a snapshot of Stackage, whose packages are not listed here; they were not read")
    if not section and content.strip():
        tally.add(STRANGE)
    yield from tally.doubts()
