"""Lock files of which one reader is enough: Cargo, Bundler, Composer, NuGet, Mix and Dart's pub."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, UNPINNED, Tally
from hullguard.inventory.analyzers.locks.toml import table
from hullguard.inventory.analyzers.php import ComposerPackage
from hullguard.model.decoding import converted
from hullguard.model.package import PackageType

_GEM = re.compile(r"    ([^\s()]+) \(([^\s()-]+)(?:-[^\s()]+)?\)")
_GEM_SECTIONS = ("GEM", "GIT", "PLUGIN SOURCE")
_MIX_ENTRY = re.compile(r"\s*\"[^\"]+\": \{")
_MIX = re.compile(r"\s*\"[^\"]+\": \{:hex, :\"?(\w+)\"?, \"([^\"]+)\",.*")
_PUB_FIELD = re.compile(r"    (source|version): \"?([^\"\s]+)\"?")
_PUB_NAME = re.compile(r"  (\w+):")


class _Crate(msgspec.Struct):
    name: str
    version: str
    source: str = ""


class _CargoLock(msgspec.Struct):
    package: list[_Crate] = []


class _ComposerLock(msgspec.Struct, rename={"development": "packages-dev"}):
    packages: list[msgspec.Raw] = []
    development: list[msgspec.Raw] | None = None


class _Resolved(msgspec.Struct):
    type: str = ""
    resolved: str = ""


class _NugetLock(msgspec.Struct):
    dependencies: dict[str, dict[str, msgspec.Raw]] = {}


class _Library(msgspec.Struct):
    type: str = ""


class _NugetAssets(msgspec.Struct):
    libraries: dict[str, msgspec.Raw] = {}


def cargo_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """A crate without a source is the project's own, so there is always one."""
    crates = converted(table(content), _CargoLock).package
    if not crates:
        yield Doubt("names no crate, not even the project's own; it may be cut off", incomplete=True)
    for crate in crates:
        if crate.source:
            yield Piece(PackageType.CARGO, crate.name, crate.version, known="crates.io" in crate.source)


def gemfile_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """The gems of sections ``GEM``; a version may end in the platform that it was built for."""
    section, tally = "", Tally()
    for line in tally.lines(content):
        if line and not line.startswith(" "):
            section = line.strip()
        elif section in _GEM_SECTIONS and (found := _GEM.fullmatch(line)):
            if section == "GEM":
                yield Piece(PackageType.GEM, found[1], found[2])
            else:
                tally.add(ELSEWHERE)
    yield from tally.doubts()


def composer_lock(content: bytes) -> Iterator[Piece | Doubt]:
    lock = listing(content, _ComposerLock)
    for _, package in each([*lock.packages, *(lock.development or ())], ComposerPackage):
        yield package if isinstance(package, Doubt) else package.piece()


def nuget_lock(content: bytes) -> Iterator[Piece | Doubt]:
    lock, tally = listing(content, _NugetLock), Tally()
    for packages in lock.dependencies.values():
        for name, package in each(packages, _Resolved):
            if isinstance(package, Doubt):
                yield package
                continue
            if package.type == "Project":
                continue
            if package.resolved:
                yield Piece(PackageType.NUGET, name, package.resolved)
            else:
                tally.add(UNPINNED)
    yield from tally.doubts()


def nuget_assets(content: bytes) -> Iterator[Piece | Doubt]:
    """What ``dotnet restore`` chose, below ``obj/``: every package and project as ``NAME/VERSION``."""
    for identity, library in each(listing(content, _NugetAssets).libraries, _Library):
        if isinstance(library, Doubt):
            yield library
        elif library.type == "package":
            name, _, version = identity.rpartition("/")
            yield Piece(PackageType.NUGET, name, version)


def mix_lock(content: bytes) -> Iterator[Piece | Doubt]:
    tally = Tally()
    for line in tally.lines(content):
        if found := _MIX.fullmatch(line):
            yield Piece(PackageType.HEX, found[1], found[2])
        elif _MIX_ENTRY.match(line):
            tally.add(ELSEWHERE)
    yield from tally.doubts()


def unread(content: bytes) -> Iterator[Piece | Doubt]:
    """Lists of CocoaPods, Conan, sbt, Gradle's older ones, Deno, conda, Paket, dep, CPAN, Carthage and others."""
    del content
    yield Doubt("is a list of packages of a kind that is not read")


def dotnet_project(content: bytes) -> Iterator[Piece | Doubt]:
    """It says what is asked for, not what that led to."""
    if b"<PackageReference" in content:
        yield Doubt("names packages that are not read here; `dotnet restore --use-lock-file` lists them")


def pubspec_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """Packages that were fetched from where Dart's packages are published; the SDK's own have no version of theirs."""
    name, source, tally = "", "", Tally()
    for line in tally.lines(content):
        if found := _PUB_NAME.fullmatch(line):
            name, source = found[1], ""
        elif name and (field := _PUB_FIELD.fullmatch(line)):
            if field[1] == "source":
                source = field[2]
            elif source == "hosted":
                yield Piece(PackageType.PUB, name, field[2])
            elif source == "git":
                tally.add(ELSEWHERE)
    yield from tally.doubts()
