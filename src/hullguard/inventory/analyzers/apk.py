"""Alpine's, Wolfi's and Chainguard's packages: apk's database of installed packages (apk-tools, apk_db_read)."""

import binascii
import re
from collections.abc import Iterator, Mapping

from hullguard.inventory import bounds
from hullguard.inventory.analyzers import provenance
from hullguard.inventory.analyzers.analyzer import (
    NO_PACKAGE,
    Analyzer,
    Context,
    Files,
    Findings,
    is_name,
    os_purl,
    text,
)
from hullguard.inventory.analyzers.ownable import ownable
from hullguard.inventory.analyzers.provenance import Owner
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.inventory.fingerprint import SHA1, SHA256, UNKNOWN, checksum
from hullguard.model.package import Package, PackageType

# apk-tools 3 moved the database below /usr.
_PLACES = ("lib/apk/db/installed", "usr/lib/apk/db/installed")


_REPOSITORIES, _WORLD = "etc/apk/repositories", "etc/apk/world"
_ASKED = 1 << 16
"""Bytes of the lists of repositories and of what was asked for; a longer one is not read."""
_UNREAD = "!"
# A file's mode and owner, where they are unusual, stand before its digest.
_LINE = re.compile(rb"^(?:(?P<field>[PVAoLFmcp]):.*|R:(?P<file>.*)(?:\na:.*)?(?:\nZ:(?P<digest>.*))?)?$", re.MULTILINE)
_LICENSE = re.compile(r"(?!(?:AND|OR|WITH)\Z)(?:[A-Z][A-Z\d]+|[A-Za-z]+[\d+-][\w.+-]*|Zlib|zlib|OpenSSL|custom)")
"""What can only be a licence's name, and no word of one."""
_GROWTH = 4
_NAME = re.compile(r"[<>=~@]")
"""What ends a name where more is asked for than that."""
_PROVIDED = 1 << 16
"""Bytes of what a package says that it provides."""
_ONCE = frozenset("PVAoLmc")
"""Fields that a package has once."""
_STRANGE = re.compile(rb"^(?![A-Za-z]:)(?!\Z)[^\n]", re.MULTILINE)
"""How a line begins that is no field; apk refuses a database that has one (apk_db_read)."""
_LONGEST = 1000
"""Characters of a value."""
_DIGEST = 64
"""Characters of a digest as it is written."""
_DIGESTS = {"Q1": SHA1, "Q2": SHA256}
_HOLE = b"\0"
"""No text has it; a disk that lost a block has it in the block's place."""
_ENTRY_END = b"\n\n"
"""apk writes an empty line behind every package; a database that ends otherwise was cut off."""
_DAMAGED = b"!:damaged\n"
_LISTED = b"!:files\n"
_CUT = b"!:"
"""A field that no database has: what stands behind it was left out."""


class ApkAnalyzer(Analyzer):
    """One-letter fields: P name, V version, A architecture, L licence, o source, F folder, R file, Z digest.

    The database does not say which repository a package came from. It counts as the distribution's if it is maintained
    (m) there; or if it was built from a commit (c), all repositories are the distribution's, and nobody asked for a
    file instead of for a package of that name.
    """

    name, version = "apk", 14
    paths = r"(?:usr/)?lib/apk/db/installed|etc/apk/(?:repositories|world)"
    fixed = (*_PLACES, _REPOSITORIES, _WORLD)

    def condense(self, path: str, content: bytes) -> bytes:
        if path in (_REPOSITORIES, _WORLD):
            return content if len(content) <= _ASKED else _UNREAD.encode()
        kept: list[bytes] = []
        # A folder's name counts once a file: a few bytes could stand for gigabytes of paths.
        folder, room, files = b"", _GROWTH * len(content), 0
        for line in _LINE.finditer(content):
            if line["field"] == b"F":
                folder = line[0][2:]
            elif line["file"] is not None:
                name = folder + b"/" + line["file"]
                if not ownable(text(name)):
                    continue
                if len(name) > room or files == bounds.LISTED_FILES:
                    room = -1
                    continue
                room -= len(name)
                files += 1
                kept.append(b"R:" + name + b"\0" + (line["digest"] or b"")[:_DIGEST])
            elif len(kept) - files < bounds.DATABASE_LINES:
                kept.append(_shortened(line[0]))
            else:
                kept.append(_CUT)
                break
        if room < 0:
            kept.append(b"\n" + _LISTED)
        if _HOLE in content or _STRANGE.search(content) or (not content.endswith(_ENTRY_END) and content.strip()):
            kept.append(b"\n" + _DAMAGED)
        return b"\n".join(kept)

    def variant(self, path: str) -> str:
        return path.rpartition("/")[2]

    def analyze(self, files: Files, context: Context) -> Findings:
        findings, context = Findings(room=context.room), context.managed(PackageType.APK)
        # With a merged /usr both names lead to one file.
        places = {real: place for place in _PLACES if (real := files.real(place))}
        owners: list[Owner] = []
        named = set[str]()
        sources = _Sources(files, context)
        for place in places.values():
            if (file := files.file(place)) is None:
                continue
            origins: dict[tuple[str | None, ...], int] = {}
            for older in file.history():
                present = {_identity(fields) for fields, _ in _records(older.content)}
                origins = {identity: origins.get(identity, older.layer) for identity in present}
            for fields, owned in _records(file.content):
                layer = origins.get(_identity(fields), file.layer)
                owner = Owner(fields.get("P", ""), sources.own(fields), layer)
                owners.append(owner.with_files(files, owned))
                self._add(fields, layer, place, context, findings)
                named.update((fields.get("P", ""), *fields.get("p", "").split()))
            if not findings.packages and not findings.unknowns:
                findings.say(place, NO_PACKAGE)
        missing = sorted(sources.asked - named)
        if named and missing:
            first = missing[0]
            why = f"it does not name {len(missing)} of the packages that {_WORLD} asks for, {first} the first of them"
            findings.say(next(iter(places.values())), why, incomplete=True)
        provenance.take(findings, context.distribution, owners, fhs=True)
        return findings

    @staticmethod
    def _add(fields: dict[str, str], layer: int, location: str, context: Context, findings: Findings) -> None:
        name, version = fields.get("P"), fields.get("V")
        if fields.get("!") == "damaged":
            why = "it is damaged or cut off; packages may be missing, or have lines of others"
            findings.say(location, why, incomplete=True)
            return
        if fields.get("!") == "files":
            why = f"it lists more than {bounds.LISTED_FILES} files that may name packages, or such long names"
            findings.say(location, why, incomplete=True)
            return
        if "!" in fields:
            why = f"it names more than is read; of its lines the first {bounds.DATABASE_LINES} were"
            findings.say(location, why, incomplete=True)
        if not findings.has_room():
            return
        if not is_name(name) or not version:
            findings.say(
                quoted(name or location, 200), f"{location}: an entry lacks its name or its version", incomplete=True
            )
            return
        if any(len(fields.get(key, "")) > _LONGEST for key in ("P", "V", "A", "o")):
            findings.say(location, "an entry has a name or a version without end", incomplete=True)
            return
        distribution, arch = context.distribution, fields.get("A")
        findings.packages.append(
            Package(
                purl=os_purl("apk", context, name, version, arch),
                type=PackageType.APK,
                name=name,
                version=version,
                ecosystem=distribution.ecosystem if distribution else "",
                source_name=fields.get("o") or name,
                source_version=version,
                arch=arch,
                layer=context.layers[layer],
                locations=(location,),
                licenses=_licenses(fields.get("L", "")),
            )
        )


def _shortened(line: bytes) -> bytes:
    """A field as it is kept; of what a package provides, other names of it, and not its libraries and commands."""
    if line.startswith(b"p:"):
        names = line[2:_PROVIDED].split(b" ")
        return b"p:" + b" ".join(_NAME.split(text(name))[0].encode() for name in names if b":" not in name)
    return line[: 5 * _LONGEST]  # more characters than are shown, so that what was cut is seen to be


class _Sources:
    """Where packages come from, as far as it can be told."""

    def __init__(self, files: Files, context: Context) -> None:
        self._distribution = context.distribution
        world = _content(files, _WORLD)
        asked = [] if world == _UNREAD else world.split()
        self._fetched = world != _UNREAD and provenance.fetched(context.distribution, _content(files, _REPOSITORIES))
        # Conflicts (``!name``) ask for nothing; what is asked for may be held to a version or a repository.
        self.asked = {_NAME.split(word)[0] for word in asked if word[0] not in "!."}
        """Names of packages, and of what packages provide, that somebody asked to be there (apk-world(5))."""
        # ``name><Q1…`` holds a package to the one file that it was installed from.
        self._files = {word.split("><")[0] for word in asked if "><" in word}

    def own(self, fields: Mapping[str, str]) -> bool:
        """Whether the distribution built the package."""
        if provenance.maintained(self._distribution, fields.get("m")):
            return True
        built = bool(fields.get("o")) and bool(fields.get("c"))
        return built and self._fetched and fields.get("P") not in self._files


def _content(files: Files, path: str) -> str:
    file = files.file(path)
    return "" if file is None else text(file.content)


def _records(content: bytes) -> Iterator[tuple[dict[str, str], dict[str, str | None]]]:
    """The packages: their fields, and what they list with checksums."""
    fields: dict[str, str] = {}
    owned: dict[str, str | None] = {}
    for line in map(text, [*content.split(b"\n"), b""]):
        if not line.strip():
            if fields:
                yield fields, owned
            fields, owned = {}, {}
        elif line.startswith("R:"):
            name, _, digest = line[2:].partition("\0")
            owned[name] = _checksum(digest)
        else:
            key, value = line[:1], line[2:].strip()
            if key in _ONCE and fields.get(key, value) != value:
                fields["!"] = "damaged"  # the line between two packages is lost
            fields.setdefault(key, value)


def _licenses(stated: str) -> tuple[str, ...]:
    """One expression; or what older packages name one after the other (``MPL-2.0 GPL-2.0-or-later``)."""
    words = stated.split()
    return tuple(words) if all(map(_LICENSE.fullmatch, words)) else (stated,)


def _checksum(digest: str) -> str:
    """Of a letter and a number for the kind, and the digest in base64 (apk-tools, src/blob.c)."""
    kind = _DIGESTS.get(digest[:2])
    try:
        return checksum(kind, binascii.a2b_base64(digest[2:])) if kind else UNKNOWN
    except (binascii.Error, ValueError):
        return UNKNOWN


def _identity(fields: dict[str, str]) -> tuple[str | None, ...]:
    return tuple(fields.get(key) for key in ("P", "A", "V"))
