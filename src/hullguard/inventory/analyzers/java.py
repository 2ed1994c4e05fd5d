"""Java archives, however deep they lie in one another: Maven's own properties first, then what the manifest says.

A group is never guessed from a package's name alone: an archive whose group nobody states becomes an unknown.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.analyzers import java_names
from hullguard.inventory.analyzers.analyzer import Bill, File, Files, text
from hullguard.inventory.analyzers.bills import in_archive, is_bill
from hullguard.inventory.analyzers.language import Doubt, LargeFileAnalyzer, Piece
from hullguard.inventory.analyzers.ownable import JAVA_ARCHIVE
from hullguard.inventory.analyzers.zip_archive import BadArchive, BadMember, Member, TooLong, WrongChecksum, ZipArchive
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import RandomAccess, held
from hullguard.model.package import PackageType

_BASE = 255  # NAME_MAX

_ARCHIVE = b"PK\x03\x04"
_MODULE = b"JM\x01\x00"
"""What stands in front of the archive in a .jmod."""
_SCRIPT = b"#!"
"""Executable archives of Spring Boot have a script in front, whatever they are called."""
_NAMED = re.compile(JAVA_ARCHIVE, re.DOTALL).fullmatch
_CLASS = b".class"
_CERTAIN = re.compile(r".*\.(?i:[jwe]ar)", re.DOTALL).fullmatch
_NESTED = re.compile(JAVA_ARCHIVE.encode(), re.DOTALL)
_POM = re.compile(rb"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_POM_XML = re.compile(rb"META-INF/maven/([^/]+)/([^/]+)/pom\.xml")
_UNPACKED = r"(?:.*/)?META-INF/maven/[^/]+/[^/]+/pom\.properties"
_OTHERS = re.compile(
    rb"(?:.*/)?(?:[^/]+\.dist-info/METADATA|node_modules/(?:@[^/]+/)?[^/@][^/]*/package\.json)", re.DOTALL
)
_TELLING = (b"/METADATA", b"/package.json", b"/pom.xml")
_POM_KEYS = ("groupId", "artifactId", "version")
# java.util.Properties: a key ends at a blank, ``=`` or ``:``, a backslash takes away what the next character means.
_PROPERTY = re.compile(r"((?:[^#!=:\s\\]|\\.)(?:[^=:\s\\]|\\.){0,99}+)[ \t\f]*+[=:]?[ \t\f]*+(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_LINES = re.compile(r"\r\n|\r|\n")
_MANIFEST, _META_INF = b"META-INF/MANIFEST.MF", b"META-INF/"
_FIRST_NAME = 30
"""Where an archive's first name stands; Java's own tools put the directory of the manifest first."""
_STEM = re.compile(r"(?P<artifact>[A-Za-z][\w.+-]*?)-(?P<version>\d[\w.+-]*)")

# Parts of a Java runtime, which is reported as a whole; others of these names say what they are.
_RUNTIME = re.compile(
    r"(?:jrt-fs|rt|jce|jsse|charsets|resources|tools)\.jar|(?:java|jdk)\.[a-z.]+\.jmod", re.IGNORECASE
).fullmatch


class JavaAnalyzer(LargeFileAnalyzer):
    """Reads the central directory and a few small members; an archive inside an archive is read in turn."""

    name, version = "java", 19
    paths = rf"{JAVA_ARCHIVE}|{_UNPACKED}"
    linked = r"(?:.*/)?META-INF(?:/maven(?:/[^/]+(?:/[^/]+)?)?)?"
    magic = (_ARCHIVE, _MODULE + _ARCHIVE, _SCRIPT)
    form = "Java archive"

    def pieces(self, path: str, content: RandomAccess, budget: Budget | None = None) -> Iterator[Piece | Doubt | Bill]:
        if path.endswith("/pom.properties"):
            yield from _of_pom(content)
            return
        # Others, too, have files that end in "par", say, and some of those are text.
        named = _NAMED(path) is not None and (_CERTAIN(path) is not None or content[: len(_ARCHIVE)] == _ARCHIVE)
        walk = _Walk(java_names.fetched(path), budget or Budget(Limits()), named=named)
        for found in walk.archive(content, path.rpartition("/")[2], (), 0):
            # What begins like an archive may be anything: of that only what is Java's is told.
            if named or walk.java or (isinstance(found, Doubt) and found.incomplete):
                yield found
        if walk.others and not path.endswith(".whl"):
            yield Doubt(f"an archive that holds {walk.others} packages of Python or Node.js; they were not read")

    def found(self, files: Files) -> Iterator[tuple[str, File]]:
        """A Java virtual machine takes an archive of any name."""
        yield from super().found(files)
        yield from files.sniffed(self.name)


_VALUE = 1000
"""Characters of a property that are kept."""


class _Stated(Struct):
    """What one archive says of itself, and of what was shaded into it."""

    poms: list[dict[str, str]] = []
    places: set[tuple[str, str]] = set()
    """Groups and names by the directories of project files of Maven."""
    manifest: dict[str, str] = {}
    code: bool = False


class _Walk:
    """One archive with everything nested in it."""

    def __init__(self, fetched: tuple[str, str] | None, budget: Budget, *, named: bool) -> None:
        self.fetched = fetched
        self._budget = budget
        self._named_so = named
        self.java = False
        """Whether something of Java's was met."""
        self._bills = 0
        self.others = 0
        """Packages of languages that also load what they need from an archive."""

    def archive(
        self, content: RandomAccess, base: str, inner: Sequence[str], depth: int
    ) -> Iterator[Piece | Doubt | Bill]:
        stated, place, nested = _Stated(), "!/".join(inner), 0
        try:
            archive = ZipArchive(content, self._budget)
            for number, member in enumerate(archive):
                if number == bounds.UNNAMED_MEMBERS and not self._named_so and not self.java:
                    yield Doubt(
                        f"has more than {number} members; the others were not looked at", place, incomplete=True
                    )
                    break
                if member.name.endswith(_CLASS):
                    stated.code = self.java = True
                elif member.name == _MANIFEST or _POM.fullmatch(member.name) or is_bill(member.name):
                    self.java = self.java or member.name != _MANIFEST
                    yield from self._metadata(archive, member, inner, stated)
                elif member.name.endswith(_TELLING):
                    self._note(member.name, stated)
                elif _NESTED.fullmatch(member.name):
                    self.java = self.java or _CERTAIN(text(member.name)) is not None
                    nested += 1
                    if depth < bounds.NESTED_ARCHIVES:
                        yield from self._nested(archive, member, inner, depth)
        except BadArchive as why:
            self.java = self.java or content[_FIRST_NAME : _FIRST_NAME + len(_META_INF)] == _META_INF
            yield Doubt(f"is no readable Java archive: it {why}", place)
        if nested and depth >= bounds.NESTED_ARCHIVES:
            deeper = f"holds archives nested deeper than {bounds.NESTED_ARCHIVES}; they were not read"
            yield Doubt(deeper, place, incomplete=True)
        yield from self._named(stated, base, place)

    def _note(self, name: bytes, stated: _Stated) -> None:
        """What the name of a member tells."""
        if _OTHERS.fullmatch(name):
            self.others += 1
        elif (found := _POM_XML.fullmatch(name)) and len(stated.places) < bounds.POMS:
            stated.places.add((text(found[1]), text(found[2])))

    def _nested(
        self, archive: ZipArchive, member: Member, inner: Sequence[str], depth: int
    ) -> Iterator[Piece | Doubt | Bill]:
        name = text(member.name)
        deeper, base = (*inner, name), name.rpartition("/")[2]
        doubts: list[Doubt] = []
        try:
            if (stored := archive.stored(member)) is not None:
                if self._is_archive(name, stored):
                    yield from self.archive(stored, base, deeper, depth + 1)
                return
            content = _despite_checksum(archive.unpacked(member, self._budget.limits.large_file_bytes), deeper, doubts)
            with held(content) as unpacked:
                if self._is_archive(name, unpacked):
                    yield from doubts
                    yield from self.archive(unpacked, base, deeper, depth + 1)
        except BadMember as why:
            yield Doubt(f"{why}; not read", "!/".join(deeper), incomplete=isinstance(why, TooLong))
        except OSError as cause:
            yield Doubt(f"cannot be unpacked here: {cause.strerror}", "!/".join(deeper))

    def _is_archive(self, name: str, content: RandomAccess) -> bool:
        """Whether a member is one of Java's: of the endings that others have, too, what it begins with tells."""
        found = _CERTAIN(name) is not None or content[: len(_ARCHIVE)] == _ARCHIVE
        self.java = self.java or found
        return found

    def _metadata(
        self, archive: ZipArchive, member: Member, inner: Sequence[str], stated: _Stated
    ) -> Iterator[Bill | Doubt]:
        """Reads a small member; of one that cannot be read to its end, what there is."""
        if is_bill(member.name):
            self._bills += 1
            yield from in_archive(archive, member, (*inner, text(member.name)), self._budget, self._bills)
            return
        content, why, beyond = bytearray(), "", False
        try:
            for piece in archive.unpacked(member, bounds.METADATA_BYTES):
                content += piece
        except BadMember as bad:
            why, beyond = str(bad), isinstance(bad, TooLong)
        if member.name == _MANIFEST:
            stated.manifest, whole = _main_section(bytes(content))
            # A signed archive's manifest goes on for megabytes behind its main section.
            why = "" if whole else why
        elif len(stated.poms) < bounds.POMS:
            stated.poms.append(pom := _properties(bytes(content)))
            if not why and not all(pom.get(key) for key in _POM_KEYS):
                why = "lacks the group, the name or the version"
        else:
            why, beyond = f"is one of more than {bounds.POMS}", True
        if why:
            place = "!/".join((*inner, text(member.name)))
            yield Doubt(f"{why}; what it says may be missing here", place, incomplete=beyond)

    def _named(self, stated: _Stated, base: str, place: str) -> Iterator[Piece | Doubt]:
        stem = _STEM.fullmatch(base.rpartition(".")[0]) if len(base) <= _BASE else None
        artifact = stem["artifact"] if stem else None
        licenses = java_names.licenses_of(stated.manifest)
        complete = [pom for pom in stated.poms if all(pom.get(key) for key in _POM_KEYS)]
        for pom in complete:
            yield Piece(
                PackageType.MAVEN,
                f"{pom['groupId']}:{pom['artifactId']}",
                pom["version"],
                licenses if len(complete) == 1 else (),
                place,
            )
        plugin = java_names.jenkins_plugin(stated.manifest)
        if plugin is not None:
            if plugin not in [(f"{pom['groupId']}:{pom['artifactId']}", pom["version"]) for pom in complete]:
                yield Piece(PackageType.MAVEN, *plugin, licenses, place)
            return
        bare = base.rpartition(".")[0]
        if not (complete and java_names.is_one_of(complete, artifact, bare, stated.manifest)):
            yield from self._without_own(stated, base, place, stem, packs=bool(complete))

    def _without_own(
        self, stated: _Stated, base: str, place: str, stem: re.Match[str] | None, *, packs: bool
    ) -> Iterator[Piece | Doubt]:
        """An archive that has no properties of its own; ``packs``: though it has some of what it holds."""
        artifact, bare = stem["artifact"] if stem else None, base.rpartition(".")[0]
        licenses = java_names.licenses_of(stated.manifest)
        told = None if place else self.fetched
        told = told or java_names.tomcat(stated.manifest, bare)
        told = told or java_names.described(stated.places, artifact, stem["version"] if stem else None)
        if told is None and (
            told := java_names.told(stated.manifest, artifact, stem["version"] if stem else None, bare)
        ):
            other = java_names.contradicted(stated.manifest, stem["version"]) if stem else ""
            if other and stem:
                why = (
                    f"is called {stem['version']!a}, and says in its manifest that it is {other!a}: "
                    "it was looked up as what it is called"
                )
                yield Doubt(why, place)
        if told is not None:
            yield Piece(PackageType.MAVEN, told[0], told[1], licenses, place)
            if told[0] == java_names.SERVER:
                # Most advisories speak of the server as a whole, and not of the archive with the flaw.
                yield Piece(PackageType.MAVEN, "org.apache.tomcat:tomcat", told[1], licenses, place)
        elif {"Short-Name", "Plugin-Version"} <= stated.manifest.keys():
            yield Doubt("a plugin of Jenkins that does not say its Maven group, name and version", place)
        elif stated.code and (base.lower().endswith(".jar") or not self._named_so) and not _RUNTIME(base):
            if packs:
                yield Doubt("a Java archive that names in Maven's way only what was packed into it, not itself", place)
            else:
                yield Doubt("a Java archive that does not say its Maven group, name and version", place)


def _despite_checksum(content: Iterator[bytes], inner: Sequence[str], doubts: list[Doubt]) -> Iterator[bytes]:
    try:
        yield from content
    except WrongChecksum as why:
        doubts.append(Doubt(f"{why}; read nevertheless", "!/".join(inner)))


def _of_pom(content: RandomAccess) -> Iterator[Piece | Doubt]:
    """Of an archive that lies there unpacked."""
    pom = _properties(content[: bounds.METADATA_BYTES])
    if all(pom.get(key) for key in _POM_KEYS):
        yield Piece(PackageType.MAVEN, f"{pom['groupId']}:{pom['artifactId']}", pom["version"])
    else:
        yield Doubt("lacks the group, the name or the version")
    if len(content) > bounds.METADATA_BYTES:
        yield Doubt(f"has more than {bounds.METADATA_BYTES} bytes; the rest of it was not read", incomplete=True)


def _properties(content: bytes) -> dict[str, str]:
    pairs = (
        (_unescaped(pair[1]), _unescaped(pair[2])) for line in _logical(content) if (pair := _PROPERTY.fullmatch(line))
    )
    wanted = (pair for pair in pairs if pair[0] in _POM_KEYS and "${" not in pair[1])
    # Each of thousands may have a value of all the bytes that are read; what is cut is still too long to be one.
    return {key: value.strip()[:_VALUE] for key, value in wanted}


def _logical(content: bytes) -> Iterator[str]:
    """Lines of properties: one that ends in a backslash goes on in the next, without what that is indented by."""
    parts: list[str] = []
    for raw in _LINES.split(text(content)):
        line = raw.lstrip(" \t\f")
        if not parts and line.startswith(("#", "!")):
            continue
        if (len(line) - len(line.rstrip("\\"))) % 2:
            parts.append(line[:-1])
        else:
            yield "".join([*parts, line])
            parts = []
    yield "".join(parts)


def _unescaped(words: str) -> str:
    def meant(found: re.Match[str]) -> str:
        sign = chr(int(found[1], 16)) if found[1] else _LETTERS.get(found[2], found[2])
        return sign if not "\ud800" <= sign <= "\udfff" else "\ufffd"  # half a sign is none

    return _ESCAPED.sub(meant, words)


def _main_section(content: bytes) -> tuple[dict[str, str], bool]:
    """The manifest's attributes up to the first empty line, and whether there is one.

    A line that begins with a blank goes on the one above.
    """
    lines: list[list[str]] = []
    for line in text(content).splitlines():
        if not line:
            return _attributes(lines), True
        if line.startswith(" ") and lines:
            lines[-1].append(line[1:])
        else:
            lines.append([line])
    return _attributes(lines), False


def _attributes(lines: Sequence[Sequence[str]]) -> dict[str, str]:
    pairs = ("".join(parts).partition(":") for parts in lines)
    return {key.strip(): value.strip() for key, separator, value in pairs if separator}
