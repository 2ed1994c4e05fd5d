"""What the analyzers of language packages share: one file read into pieces within bounds, and pieces into packages."""

import abc
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import ClassVar

import msgspec
from packageurl import PackageURL

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, File, Files, Findings, is_name, text
from hullguard.model.package import Package, PackageType, Unknown

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
    PackageType.GENERIC: "Bitnami",
}
"""As OSV spells them; a type that is not here has no advisories of its own."""

# What the parsers of the standard library and msgspec raise on bytes that are not what they should be.
HOSTILE = (
    msgspec.MsgspecError,
    zipfile.BadZipFile,
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
_PIECES = 50_000
_DOUBTS = 50
_LENGTH = 300
_LINE = 2000
_NAMESPACED = {
    PackageType.MAVEN: ":",
    PackageType.GOLANG: "/",
    PackageType.NPM: "/",
    PackageType.COMPOSER: "/",
}


class Piece(msgspec.Struct, frozen=True, omit_defaults=True):
    """One package as a file names it; ``inner`` is its place inside an archive."""

    type: PackageType
    name: str
    version: str
    licenses: tuple[str, ...] = ()
    inner: str = ""
    known: bool = True
    """Whether the ecosystem's advisories can speak of this version at all."""


class Doubt(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something inside a file that could not be read or decided."""

    why: str
    inner: str = ""


class Unreadable(Exception):
    """The whole file cannot be read; the message says why."""


class _Reading(msgspec.Struct, omit_defaults=True):
    """What is kept of a file."""

    pieces: list[Piece] = []
    doubts: list[Doubt] = []


class LanguageAnalyzer(Analyzer):
    """An analyzer whose files each name packages on their own."""

    form: ClassVar[str]
    """What such a file is, for the sentence that says that it cannot be read."""

    @abc.abstractmethod
    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        """Reads hostile bytes within bounds; may raise Unreadable or what the standard library's parsers raise."""

    def condense(self, path: str, content: bytes) -> bytes:
        reading = _Reading()
        try:
            for found in self.pieces(path, content):
                if isinstance(found, Doubt):
                    reading.doubts.append(Doubt(_clean(found.why), _clean(found.inner)))
                elif _sound(found):
                    reading.pieces.append(found)
                else:
                    reading.doubts.append(Doubt(f"names a package {found.name[:80]!a} that cannot be one"))
                if len(reading.pieces) >= _PIECES or len(reading.doubts) >= _DOUBTS:
                    reading.doubts.append(Doubt("names more than is read; the rest of it was left out"))
                    break
        except Unreadable as why:
            reading.doubts.append(Doubt(_clean(str(why))))
        except HOSTILE:
            reading.doubts.append(Doubt(f"is no readable {self.form}"))
        return msgspec.json.encode(reading) if reading.pieces or reading.doubts else b""

    def analyze(self, files: Files, context: Context) -> Findings:
        findings = Findings()
        for path, file in self.found(files):
            if path in context.owned or not file.content:
                continue
            reading = msgspec.json.decode(file.content, type=_Reading)
            layer = context.layers[file.origin]
            for piece in reading.pieces:
                _add(piece, path, layer, findings)
            findings.unknowns += [Unknown(_place(path, doubt.inner), doubt.why) for doubt in reading.doubts]
        return findings

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        """The files that this analyzer read."""
        yield from files.matching(self.paths)


def lines(content: bytes) -> list[str]:
    """The lines that are short enough to be what a tool wrote; patterns may take long on the others."""
    return [line for line in text(content).splitlines() if len(line) <= _LINE]


def purl(kind: PackageType, name: str, version: str) -> str:
    """Raises ValueError when the name is none."""
    separator = _NAMESPACED.get(kind)
    namespace, _, base = name.rpartition(separator) if separator else ("", "", name)
    if not is_name(base):
        raise ValueError(name)
    return PackageURL(kind.value, namespace or None, base, version).to_string()


def _add(piece: Piece, path: str, layer: str | None, findings: Findings) -> None:
    place = _place(path, piece.inner)
    try:
        identity = purl(piece.type, piece.name, piece.version)
    except ValueError:
        findings.unknowns.append(Unknown(place, f"{piece.name!r} is no name of a package"))
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


def _sound(piece: Piece) -> bool:
    words = (piece.name, piece.version, *piece.licenses)
    inner = piece.inner.isprintable() and len(piece.inner) <= 4 * _LENGTH
    return inner and all(word and len(word) <= _LENGTH and word.isprintable() for word in words)


def _clean(words: str) -> str:
    return words[: 4 * _LENGTH].encode("ascii" if not words.isprintable() else "utf-8", "backslashreplace").decode()
