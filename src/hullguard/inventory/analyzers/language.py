"""What the analyzers of language packages share: one file read into pieces within bounds, and pieces into packages."""

import abc
import lzma
import posixpath
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec
from msgspec import structs
from packageurl import PackageURL

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import Analyzer, Bill, Context, File, Files, Findings, Stated, is_name
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.inventory.limits import Budget
from hullguard.inventory.paths import normal
from hullguard.inventory.random_access import RandomAccess
from hullguard.model.decoding import from_json
from hullguard.model.package import Package, PackageType

ECOSYSTEMS = {
    PackageType.MAVEN: "Maven",
    PackageType.GOLANG: "Go",
    PackageType.CARGO: "crates.io",
    PackageType.GEM: "RubyGems",
    PackageType.COMPOSER: "Packagist",
    PackageType.NUGET: "NuGet",
    PackageType.NPM: "npm",
    PackageType.PYPI: "PyPI",
    PackageType.HEX: "Hex",
    PackageType.PUB: "Pub",
    PackageType.SWIFT: "SwiftURL",
    PackageType.JULIA: "Julia",
    PackageType.CRAN: "CRAN",
    PackageType.HACKAGE: "Hackage",
    PackageType.BITNAMI: "Bitnami",
    PackageType.GENERIC: "Bitnami",
}
"""As OSV spells them; a type that is not here has no advisories of its own."""

# What the parsers of the standard library and msgspec raise on bytes that are not what they should be.
HOSTILE = (
    msgspec.MsgspecError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,  # NotImplementedError and RecursionError among them
    TypeError,
    ValueError,
)
_LENGTH = 300
NAMESPACED = {
    PackageType.MAVEN: ":",
    PackageType.GOLANG: "/",
    PackageType.NPM: "/",
    PackageType.COMPOSER: "/",
    PackageType.SWIFT: "/",
    PackageType.BREW: "/",
    PackageType.EBUILD: "/",
}
"""What parts a purl's namespace from the name, where the name of a package holds both."""


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One package as a file names it; ``inner`` is its place inside an archive."""

    type: PackageType
    name: str
    version: str
    licenses: tuple[str, ...] = ()
    inner: str = ""
    known: bool = True
    """Whether the ecosystem's advisories can speak of this version at all."""
    qualifiers: tuple[tuple[str, str], ...] = ()
    """Of its purl."""


class Doubt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something inside a file that could not be read or decided."""

    why: str
    inner: str = ""
    incomplete: bool = False
    """Whether a limit was reached, so that packages may be missing."""
    unless: str = ""
    """Another file, as this one names it, of the same kind: nothing is doubtful where it was read, too."""


class Unreadable(Exception):
    """The whole file cannot be read; the message says why."""


class TooMuch(Unreadable):
    """A limit does not let the file be read."""


class Reading(msgspec.Struct, omit_defaults=True):
    """What is kept of a file."""

    pieces: list[Piece] = []
    doubts: list[Doubt] = []
    bills: list[Bill] = []


class LanguageAnalyzer(Analyzer):
    """An analyzer whose files each name packages on their own."""

    ownable = True
    form: ClassVar[str]
    """What such a file is, for the sentence that says that it cannot be read."""
    lists: ClassVar[bool] = False
    """Whether one file names all packages of a project, so that nobody can tell how many are missing without it."""

    @abc.abstractmethod
    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt | Bill]:
        """Reads hostile bytes within bounds; may raise Unreadable or what the standard library's parsers raise."""

    def condense(self, path: str, content: bytes) -> bytes:
        return self._kept(self.pieces(path, content))

    def _kept(self, found: Iterator[Piece | Doubt | Bill]) -> bytes:
        """What is kept of a file; nothing when nothing was found."""
        reading = self.read(found)
        return msgspec.json.encode(reading) if reading.pieces or reading.doubts or reading.bills else b""

    def read(self, found: Iterator[Piece | Doubt | Bill]) -> Reading:
        """What was found, within bounds and as it can be shown."""
        reading, more = Reading(), 0
        try:
            for one in found:
                if isinstance(one, Bill):
                    reading.bills.append(structs.replace(one, inner=_clean(one.inner)))
                    continue
                doubt = _doubt(one)
                if doubt is None and isinstance(one, Piece):
                    reading.pieces.append(_presentable(one))
                    if len(reading.pieces) >= bounds.PACKAGES_OF_A_FILE:
                        why = "names more than is read; the rest of it was left out"
                        reading.doubts.append(Doubt(why, incomplete=True))
                        break
                elif len(reading.doubts) < bounds.DOUBTS_OF_A_FILE and doubt is not None:
                    reading.doubts.append(doubt)
                else:
                    more += 1
        except Unreadable as why:
            reading.doubts.append(Doubt(_clean(str(why)), incomplete=self.lists or isinstance(why, TooMuch)))
        except HOSTILE:
            reading.doubts.append(Doubt(f"is no readable {self.form}", incomplete=self.lists))
        if more:
            reading.doubts.append(Doubt(f"{more} more parts of it could not be read or decided", incomplete=True))
        return reading

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, reader = Findings(room=context.room), self.reader(files)
        for path, file in self.found(files):
            if not file.content or context.owns(path, file, self):
                continue
            reading = reader(path, file)
            layer = context.layers[file.origin]
            for piece in reading.pieces:
                add(piece, path, layer, findings)
            for doubt in reading.doubts:
                if not (doubt.unless and self._was_read(doubt.unless, path, files)):
                    findings.say(_place(path, doubt.inner), doubt.why, incomplete=doubt.incomplete)
            context.bills += (Stated(_place(path, bill.inner), layer, bill) for bill in reading.bills)
        return findings

    def reader(self, files: Files) -> Callable[[str, File], Reading]:
        """Gives what a file says, by its path; with a word from others, where they decide it together."""
        del files
        return lambda _, file: from_json(file.content, Reading)

    def _was_read(self, other: str, path: str, files: Files) -> bool:
        """Whether a file that another one names, by where that lies, was read as one of its kind."""
        place = normal(other if other.startswith("/") else f"{posixpath.dirname(path)}/{other}")
        if place is None or re.fullmatch(self.paths, place, re.DOTALL) is None:
            return False
        return self.variant(place) == self.variant(path) and files.file(place) is not None

    def named(self, content: bytes) -> Iterable[tuple[PackageType, str, str]]:
        pieces = from_json(content, Reading).pieces if content else ()
        return ((piece.type, piece.name, piece.version) for piece in pieces)

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        """The files that this analyzer read."""
        yield from files.matching(self.paths)

    @staticmethod
    def kept(file: File) -> Sequence[Piece]:
        """The packages that a file of this analyzer's names."""
        return from_json(file.content, Reading).pieces if file.content else ()


class LargeFileAnalyzer(LanguageAnalyzer):
    """An analyzer of files that may be too large for memory: it reads them by position.

    What it unpacks is spent of the image's budget, of which a limit that is reached ends the scan.
    """

    @abc.abstractmethod
    def pieces(
        self, path: str, content: RandomAccess, budget: Budget | None = None
    ) -> Iterator[Piece | Doubt | Bill]: ...

    def condense(self, path: str, content: RandomAccess, budget: Budget | None = None) -> bytes:
        return self._kept(self.pieces(path, content, budget))

    def condense_sniffed(self, names: Sequence[str], content: RandomAccess, budget: Budget | None = None) -> bytes:
        """What is kept of a file that is wanted for its first bytes; the first of its names is where it lies."""
        return self.condense(names[0], content, budget)


def purl(kind: PackageType, name: str, version: str, qualifiers: tuple[tuple[str, str], ...] = ()) -> str:
    """Raises ValueError when the name is none."""
    separator = NAMESPACED.get(kind)
    namespace, _, base = name.rpartition(separator) if separator else ("", "", name)
    if not is_name(base):
        raise ValueError(name)
    return PackageURL(kind.value, namespace or None, base, version, dict(qualifiers)).to_string()


def add(piece: Piece, path: str, layer: str | None, findings: Findings) -> None:
    """Adds the package that a file names."""
    if not findings.has_room():
        return
    place = _place(path, piece.inner)
    try:
        identity = purl(piece.type, piece.name, piece.version, piece.qualifiers)
    except ValueError:
        findings.say(place, f"{piece.name!r} is no name of a package")
        return
    findings.packages.append(
        Package(
            purl=identity,
            type=piece.type,
            name=piece.name,
            version=piece.version,
            ecosystem=ECOSYSTEMS.get(piece.type, "") if piece.known else "",
            layer=layer,
            locations=(place,),
            licenses=piece.licenses,
        )
    )


def _place(path: str, inner: str) -> str:
    return f"{path}!/{inner}" if inner else path


def _doubt(found: Piece | Doubt) -> Doubt | None:
    """What is doubtful about a piece, if anything."""
    if isinstance(found, Doubt):
        return structs.replace(found, why=_clean(found.why), inner=_clean(found.inner))
    sound = is_word(found.name) and is_word(found.version)
    return (
        None if sound else Doubt(f"names a package {quoted(found.name, 80)!a} that cannot be one", _clean(found.inner))
    )


def _presentable(piece: Piece) -> Piece:
    """A piece with its place as it can be shown, and with those licences and qualifiers that are words."""
    licenses = tuple(word for word in piece.licenses if is_word(word))
    qualifiers = tuple(pair for pair in piece.qualifiers if is_word(pair[1]))
    return structs.replace(piece, licenses=licenses, qualifiers=qualifiers, inner=_clean(piece.inner))


def is_word(word: str) -> bool:
    """Whether it can be shown as a name, a version or a licence."""
    return bool(word) and len(word) <= _LENGTH and word.isprintable()


def _clean(words: str) -> str:
    return words[: 4 * _LENGTH].encode("ascii" if not words.isprintable() else "utf-8", "backslashreplace").decode()
