"""What an analyzer is: it declares the paths that it wants and turns their content into packages."""

import abc
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, Protocol, TypeGuard

from msgspec import Struct
from msgspec.structs import replace
from packageurl import PackageURL

from hullguard.inventory import bounds
from hullguard.inventory.distributions import Distribution
from hullguard.inventory.fingerprint import checksums, comparable
from hullguard.inventory.limits import Limits
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Package, PackageType, Unknown

# Files of language packages; an OS package that lists one of them owns that language package.
# Python finds these directories whatever the case of their ending.
_DIST_INFO = r"[dD][iI][sS][tT]-[iI][nN][fF][oO]"
_EGG_INFO = r"[eE][gG][gG]-[iI][nN][fF][oO]"
METADATA = (
    rf"(?:.*/)?(?:[^/]+\.(?:{_DIST_INFO}|{_EGG_INFO})/(?:METADATA|PKG-INFO)"
    rf"|[^/]+\.{_EGG_INFO}|[^/]+\.egg/EGG-INFO/PKG-INFO)"
)
PYTHON_DIRECTORY = rf"(?:.*/)?[^/]+\.(?:{_DIST_INFO}|{_EGG_INFO}|[eE][gG][gG](?:/EGG-INFO)?)"
NODE_DIRECTORY = r"(?:.*/)?node_modules(?:/@[^/]+)?(?:/[^/@.][^/]*)?"
NODE_PACKAGE = r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@][^/]*/package\.json"


NO_PACKAGE = "the package database names no installed package"
_ALTERED = "they are not as the package database's checksums say: what they name was looked up by itself"
_UNPROVEN = (
    "the package database has no checksum of them: they were taken for the packages', which may not be so where "
    "something else was put in their place"
)


class File(Protocol):
    """A wanted file of the squashed image."""

    @property
    def content(self) -> bytes: ...

    @property
    def layer(self) -> int:
        """The number of the layer that wrote it last."""
        ...

    @property
    def origin(self) -> int:
        """The layer that brought this content in."""
        ...

    @property
    def fingerprint(self) -> bytes:
        """Of the whole file, empty where nobody can need it (``Analyzer.ownable``)."""
        ...

    def history(self) -> "Sequence[File]":
        """Every content that the layers gave it, the oldest first."""
        ...


class Files(Protocol):
    """The squashed image as analyzers see it."""

    def file(self, path: str) -> File | None: ...
    def real(self, path: str) -> str | None: ...
    def children(self, directory: str) -> Iterable[tuple[str, File]]: ...
    def links(self, directory: str) -> Iterable[str]: ...
    def matching(self, pattern: str) -> Iterable[tuple[str, File]]: ...
    def stored(self, store: str) -> Iterable[tuple[str, int]]: ...
    def sniffed(self, analyzer: str) -> Iterable[tuple[str, File]]: ...


class Bill(Struct, frozen=True, omit_defaults=True):
    """A bill of materials in an image, as what it names; nothing of that needs to be there."""

    packages: tuple[Package, ...] = ()
    apart: dict[str, tuple[int, str]] = {}
    """Why components of it count for nothing: how many, and the name of the first."""
    inner: str = ""
    """Its place inside an archive."""
    identity: str = ""
    """By which others refer to it."""
    refers: tuple[str, ...] = ()
    """Addresses of other bills to which it refers, the first of them."""
    further: int = 0
    """How many there are besides."""


class Stated(Struct, frozen=True):
    """Such a bill with where it lies."""

    place: str
    layer: str | None
    bill: Bill


class Claim(Struct):
    """What OS packages say of one file that they list."""

    layer: int
    """The number of the layer that brought the package in."""
    sums: frozenset[str]
    """The file's checksum (``fingerprint.checksum``) as each of them has it, ``UNKNOWN`` where one has none."""

    def joined(self, other: "Claim | None") -> "Claim":
        return self if other is None else Claim(max(self.layer, other.layer), self.sums | other.sums)


class Context(Struct):
    """What the analyzers before this one found out."""

    distribution: Distribution | None = None
    owned: dict[str, Claim] = {}
    """Real paths of language metadata that belong to an OS package."""
    altered: set[str] = set()
    """Those whose content is not what the package brought."""
    unproven: set[str] = set()
    """Those that count as the package's though no checksum tells."""
    unlisted: set[str] = set()
    """OS packages that the distribution built and whose files nobody lists."""
    unshown: dict[str, str] = {}
    """OS packages by the real paths of their programs, where nothing shows that the distribution built them."""
    apart: set[str] = set()
    """Those that bring what names packages."""
    unclaimed: set[str] = set()
    """Files where OS packages put theirs that might be of one of those."""
    layers: tuple[str | None, ...] = ()
    """Diff ids by layer number."""
    reals: dict[str, str] = {}
    """Real paths of files that are wanted by the name of a link, or of one below a link."""
    room: int = Limits().packages
    """How many packages may still be named."""
    packages: list[Package] = []
    """Those that were named."""
    brought: "list[tuple[Analyzer, File]]" = []
    """Files for which OS packages speak, with who read them."""
    bills: list[Stated] = []
    licenses: bool = False
    """Whether somebody asks for licences, so that files are read which tell nothing else."""

    def managed(self, kind: PackageType) -> "Context":
        """The same for packages of one manager: a distribution that does not use it says nothing of them."""
        foreign = self.distribution is not None and not self.distribution.uses(kind)
        return replace(self, distribution=None) if foreign else self

    def owns(self, path: str, file: "File", reader: "Analyzer") -> bool:
        """Whether an OS package speaks for the file: not for one that was put in its place."""
        owned = self._owns(path, file)
        if owned:
            self.brought.append((reader, file))
        return owned

    def _owns(self, path: str, file: "File") -> bool:
        """Whether it does.

        The package's checksum tells; where there is none, whether a later layer wrote the file.
        """
        claim = self.owned.get(self.reals.get(path, path))
        if claim is None:
            if self.unlisted and file.fingerprint:  # which only a file has that may be an OS package's
                self.unclaimed.add(path)
            return False
        if not claim.sums.isdisjoint(checksums(file.fingerprint)):
            return True
        if comparable(file.fingerprint, claim.sums):
            self.altered.add(path)
            return False
        if file.origin > claim.layer:
            return False
        self.unproven.add(path)
        return True

    def doubts(self) -> Iterator[Unknown]:
        """What is to be said of files that OS packages list, when all analyzers have asked."""
        for paths, why in ((self.altered, _ALTERED), (self.unproven, _UNPROVEN)):
            if paths:
                yield Unknown(f"{len(paths)} files of OS packages, {min(paths)} the first of them", why)
        if self.unclaimed:
            first = min(self.unlisted)
            why = (
                f"the package database does not list the files of {len(self.unlisted)} packages, {first} the first of "
                "them: these may be theirs; what they name was looked up by itself"
            )
            yield Unknown(f"{len(self.unclaimed)} files, {min(self.unclaimed)} the first of them", why)


class Findings(Struct):
    """What one analyzer found."""

    packages: list[Package] = []
    unknowns: list[Unknown] = []
    os: OperatingSystem | None = None
    owned: dict[str, Claim] = {}
    unlisted: set[str] = set()
    """Names of OS packages that the distribution built and whose files nobody lists."""
    unshown: dict[str, str] = {}
    """By real path of a program or library the OS package that brought it, and that somebody else may have built."""
    apart: set[str] = set()
    """Names of such that bring what names packages."""
    listed: list[tuple[str, set[str]]] = []
    """Names of OS packages with the real paths of those of their files for which it matters whose they are."""
    room: int = Limits().packages
    left_out: int = 0
    """Packages for which there was no room."""
    unsaid: int = 0
    """Unknowns that were too many."""

    def has_room(self) -> bool:
        """Whether one more package may be named; asked for each, it counts those that may not."""
        if len(self.packages) < self.room:
            return True
        self.left_out += 1
        return False

    def say(self, what: str, why: str, *, incomplete: bool = False) -> None:
        """Adds an unknown."""
        if len(self.unknowns) < bounds.DOUBTS:
            self.unknowns.append(Unknown(what, why, incomplete))
        else:
            self.unsaid += 1


class Analyzer(abc.ABC):
    """Base of every analyzer; ``version`` grows whenever ``condense`` keeps something else: caches ask for it."""

    name: ClassVar[str]
    version: ClassVar[int]
    paths: ClassVar[str] = r"(?!)"
    """A regular expression that fits whole normal paths; without one no file is wanted by its name."""
    fixed: ClassVar[tuple[str, ...]] = ()
    """Files and directories with one fixed place, which an image may replace by a link to another place."""
    entered: ClassVar[tuple[str, ...]] = ()
    """Directories in which a link to a directory stands for one."""
    linked: ClassVar[str] = ""
    """A regular expression of directories of which one may stand anywhere, and a link to one stands for it."""
    stores: ClassVar[tuple[str, ...]] = ()
    """Directories in which each directory is a package by its name, whatever lies in it (``Files.stored``)."""
    magic: ClassVar[tuple[bytes, ...]] = ()
    """First bytes by which files are wanted that fit no analyzer's path, if they have at least 64 bytes.

    ``condense`` is given their content; what it returns empty is not kept. ``Files.sniffed`` yields the others.
    """
    endings: ClassVar[tuple[str, ...]] = ()
    """Ends of names of files that are wanted for no more than what they begin with, where nothing else wants them.

    ``begins`` is shown that; what it returns empty is not kept, and ``Files.sniffed`` yields the others.
    """
    ownable: ClassVar[bool] = False
    """Whether OS packages bring such files, too, and then speak for them: fingerprints tell whether they still do."""
    trees_only: ClassVar[bool] = False
    """Whether its files count in a scanned directory only: in an image they say nothing of what is installed."""
    images_only: ClassVar[bool] = False
    """Whether its files are looked for in images only: of a directory something else tells them."""
    for_licenses: ClassVar[bool] = False
    """Whether its files tell licences only: they are read where somebody asks for those."""

    def condense(self, path: str, content: bytes) -> bytes:
        """The part of a file that ``analyze`` needs; it runs on hostile bytes and must never raise."""
        del path
        return content

    def begins(self, path: str, head: bytes, size: int) -> bytes:
        """What to keep of a file of so many bytes, by its first megabyte; hostile, and must not raise."""
        del path, head, size
        return b""

    def variant(self, path: str) -> str:
        """Which of its kinds of files this is, where ``condense`` reads them differently.

        A file that a link leads to may have a name of another kind; then it does not serve.
        """
        del path
        return ""

    def told(self, path: str) -> frozenset[str]:
        """What the name of a file tells that is wanted for its first bytes; any of its names may tell it."""
        del path
        return frozenset()

    def told_by_link(self, path: str) -> frozenset[str]:
        """The part of that which the name of a symbolic link tells of the file that it leads to."""
        del path
        return frozenset()

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        """The packages with their versions in what was kept of a file, for which an OS package may speak."""
        del content
        return ()

    @abc.abstractmethod
    def analyze(self, files: Files, context: Context) -> Findings:
        """Turns wanted files into packages; what cannot be read becomes an unknown."""


def is_name(text: str | None) -> TypeGuard[str]:
    """Whether it can name a package: a purl takes away the blanks and slashes around a name."""
    return bool(text and text.strip().strip("/").strip())


def os_purl(kind: str, context: Context, name: str, version: str, arch: str | None) -> str:
    """The purl of an OS package; the distribution is its namespace and, with its release, a qualifier."""
    distribution = context.distribution
    qualifiers = {"arch": arch} if arch else {}
    if distribution is not None:
        qualifiers["distro"] = distribution.qualifier
    return PackageURL(kind, distribution.id if distribution else None, name, version, qualifiers).to_string()


def text(content: bytes) -> str:
    """Bytes of unknown encoding as text that can always be encoded again."""
    return content.decode("utf-8", "backslashreplace")
