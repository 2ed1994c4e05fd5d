"""Java archives, however deep they lie in one another: Maven's own properties first, then what the manifest says.

A group is never guessed from a package's name alone: an archive whose group nobody states becomes an unknown.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import HOSTILE, Doubt, LanguageAnalyzer, Piece, Unreadable
from hullguard.inventory.analyzers.ownable import JAVA_ARCHIVE
from hullguard.model.package import PackageType

_DEPTH = 8
_ENTRIES = 100_000
_MEMBER_BYTES = 64 << 20
_TOTAL_BYTES = 512 << 20
_METADATA_BYTES = 1 << 18
_BASE = 255  # NAME_MAX
_CENTRAL = b"PK\x01\x02"

_NESTED = re.compile(JAVA_ARCHIVE)
_POM = re.compile(r"META-INF/maven/[^/]+/[^/]+/pom\.properties")
_MANIFEST = "META-INF/MANIFEST.MF"
_STEM = re.compile(r"(?P<artifact>[A-Za-z][\w.+-]*?)-(?P<version>\d[\w.+-]*)")
_WORD = re.compile(r"[A-Za-z_][\w.-]*")

# Parts of a Java runtime, which is reported as a whole.
_RUNTIME = frozenset({"jrt-fs.jar", "rt.jar", "jce.jar", "jsse.jar", "charsets.jar", "resources.jar", "tools.jar"})

# Builds that leave no Maven properties in their archives and no group in the manifest.
_FAMILIES = (
    (re.compile(r"spring-boot(?:-[a-z-]+)?"), "org.springframework.boot"),
    (re.compile(r"spring-security-[a-z0-9-]+"), "org.springframework.security"),
    (
        re.compile(
            r"spring-(?:aop|aspects|beans|context|context-support|core|expression|jcl|jdbc|jms|messaging|orm|oxm|tx|web"
            r"|webflux|webmvc|websocket)"
        ),
        "org.springframework",
    ),
    (re.compile(r"tomcat-embed-[a-z]+"), "org.apache.tomcat.embed"),
    (re.compile(r"kotlin-(?:stdlib|reflect)(?:-[a-z0-9]+)?"), "org.jetbrains.kotlin"),
    (re.compile(r"micrometer-[a-z-]+"), "io.micrometer"),
    (re.compile(r"reactor-core"), "io.projectreactor"),
    (re.compile(r"reactor-netty(?:-[a-z]+)?"), "io.projectreactor.netty"),
    (re.compile(r"okhttp"), "com.squareup.okhttp3"),
    (re.compile(r"okio(?:-jvm)?"), "com.squareup.okio"),
    (re.compile(r"snakeyaml"), "org.yaml"),
    (re.compile(r"hibernate-core"), "org.hibernate"),
    (re.compile(r"asm(?:-[a-z]+)?"), "org.ow2.asm"),
    (re.compile(r"jna(?:-platform)?"), "net.java.dev.jna"),
    (re.compile(r"velocity(?:-tools)?"), "org.apache.velocity"),
    (re.compile(r"ant(?:-launcher)?"), "org.apache.ant"),
    *(
        (re.compile(name), name)
        for name in (
            "commons-beanutils",
            "commons-chain",
            "commons-collections",
            "commons-digester",
            "commons-fileupload",
            "commons-httpclient",
            "commons-lang",
            "commons-logging",
            "dom4j",
        )
    ),
)
# Where Maven and Gradle keep what they fetched, the directories say it all.
_FETCHED = (
    re.compile(
        r"(?:.*/)?repository/(?P<group>[^/]+(?:/[^/]+)*)/(?P<artifact>[^/]+)/(?P<version>[^/]+)/(?P<base>[^/]+)"
    ),
    re.compile(r"(?:.*/)?files-2\.1/(?P<group>[^/]+)/(?P<artifact>[^/]+)/(?P<version>[^/]+)/[0-9a-f]+/(?P<base>[^/]+)"),
)

# Organisations so large that none of their artifacts has just their name as its group.
_ROOFS = frozenset({"org.apache", "org.eclipse", "com.sun", "com.google", "com.oracle"})


class JavaAnalyzer(LanguageAnalyzer):
    """Reads the central directory and a few small members; an archive inside an archive is read in turn."""

    name, version = "java", 1
    paths = JAVA_ARCHIVE
    form = "Java archive"

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        yield from _Walk(_fetched(path)).archive(content, path.rpartition("/")[2], (), 0)


class _Walk:
    """One archive with everything nested in it; all of it shares one budget."""

    def __init__(self, fetched: tuple[str, str] | None) -> None:
        self._fetched = fetched
        self._entries = 0
        self._bytes = 0

    def archive(self, content: bytes, base: str, inner: Sequence[str], depth: int) -> Iterator[Piece | Doubt]:
        self._entries += content.count(_CENTRAL)
        if self._entries > _ENTRIES:
            raise Unreadable(f"holds more than {_ENTRIES} entries; it was not read further")
        place = "!/".join(inner)
        try:
            opened = zipfile.ZipFile(io.BytesIO(content))
        except HOSTILE:
            yield Doubt("is no readable Java archive", place)
            return
        with opened:
            yield from self._own(opened, base, place)
            for entry in opened.infolist():
                if entry.is_dir() or not _NESTED.fullmatch(entry.filename):
                    continue
                if depth >= _DEPTH:
                    yield Doubt(f"holds archives nested deeper than {_DEPTH}; they were not read", place)
                    return
                deeper = (*inner, entry.filename)
                nested = self._read(opened, entry, _MEMBER_BYTES)
                if nested is None:
                    yield Doubt(f"has more than {_MEMBER_BYTES >> 20} MiB or is damaged; not read", "!/".join(deeper))
                    continue
                yield from self.archive(nested, entry.filename.rpartition("/")[2], deeper, depth + 1)

    def _own(self, opened: zipfile.ZipFile, base: str, place: str) -> Iterator[Piece | Doubt]:
        """What the archive says of itself and of what was shaded into it."""
        poms, manifest, code = [], {}, False
        for entry in opened.infolist():
            if entry.filename == _MANIFEST:
                manifest = _main_section(self._read(opened, entry, _METADATA_BYTES) or b"")
            elif _POM.fullmatch(entry.filename):
                poms.append(_properties(self._read(opened, entry, _METADATA_BYTES) or b""))
            code = code or entry.filename.endswith(".class")
        if base in _RUNTIME:
            return
        stem = _STEM.fullmatch(base.rpartition(".")[0]) if len(base) <= _BASE else None
        artifact = stem["artifact"] if stem else None
        licenses = _licenses(manifest)
        complete = [pom for pom in poms if all(pom.get(key) for key in ("groupId", "artifactId", "version"))]
        for pom in complete:
            yield Piece(
                PackageType.MAVEN,
                f"{pom['groupId']}:{pom['artifactId']}",
                pom["version"],
                licenses if len(complete) == 1 else (),
                place,
            )
        if complete and (artifact is None or any(pom["artifactId"] == artifact for pom in complete)):
            return
        told = None if place else self._fetched
        told = told or _told(manifest, artifact, stem["version"] if stem else None)
        if told is not None:
            yield Piece(PackageType.MAVEN, told[0], told[1], licenses, place)
        elif code and not complete and base.lower().endswith(".jar"):
            yield Doubt("a Java archive that does not say its Maven group, name and version", place)

    def _read(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes | None:
        if entry.file_size > most:
            return None
        try:
            with opened.open(entry) as member:
                content = member.read(most + 1)
        except HOSTILE:
            return None
        self._bytes += len(content)
        if self._bytes > _TOTAL_BYTES:
            raise Unreadable(f"holds more than {_TOTAL_BYTES >> 20} MiB of nested archives; it was not read further")
        return content if len(content) <= most else None


def _properties(content: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in text(content).splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith("#") and "${" not in value:
            found[key.strip()] = value.strip()
    return found


def _main_section(content: bytes) -> dict[str, str]:
    """The manifest's attributes up to the first empty line; a line that begins with a blank goes on the one above."""
    lines: list[str] = []
    for line in text(content).splitlines():
        if not line:
            break
        if line.startswith(" ") and lines:
            lines[-1] += line[1:]
        else:
            lines.append(line)
    pairs = (line.partition(":") for line in lines)
    return {key.strip(): value.strip() for key, separator, value in pairs if separator}


def _told(manifest: Mapping[str, str], artifact: str | None, version: str | None) -> tuple[str, str] | None:
    """Maven's name and the version, where the manifest and the file's name state them together."""
    title = manifest.get("Implementation-Title", "")
    name = artifact or (title if _WORD.fullmatch(title) else None)
    version = version or manifest.get("Implementation-Version") or manifest.get("Bundle-Version")
    if not name or not version or " " in version:
        return None
    vendor = manifest.get("Implementation-Vendor-Id", "")
    symbolic = manifest.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    vendor = vendor if _WORD.fullmatch(vendor) and vendor not in _ROOFS else ""
    group = _family(name) or vendor or _group(symbolic, name)
    return (f"{group}:{name}", version) if group else None


def _fetched(path: str) -> tuple[str, str] | None:
    """Maven's name and the version by the place in a cache of Maven or Gradle."""
    for pattern in _FETCHED:
        found = pattern.fullmatch(path)
        if found and found["base"] == f"{found['artifact']}-{found['version']}.jar":
            return f"{found['group'].replace('/', '.')}:{found['artifact']}", found["version"]
    return None


def _family(artifact: str) -> str | None:
    return next((group for pattern, group in _FAMILIES if pattern.fullmatch(artifact)), None)


def _group(symbolic: str, artifact: str) -> str | None:
    """Undoes how Maven's bundle plug-in makes a symbolic name, where only one group can have led to it.

    It joins group and artifact, and leaves out the artifact's first word when the group ends in it:
    ``org.apache.commons`` and ``commons-lang3`` give ``org.apache.commons.lang3``.
    """
    first, dash, rest = artifact.partition("-")
    group = symbolic.removesuffix(f".{rest}")
    if dash and group != symbolic and group.rpartition(".")[2] == first:
        return group
    group = symbolic.removesuffix(f".{artifact}")
    if dash and group != symbolic and "." in group:
        return group
    return None


def _licenses(manifest: Mapping[str, str]) -> tuple[str, ...]:
    stated = manifest.get("Bundle-License", "").partition(";")[0].strip().strip('"')
    return (stated[:300],) if stated and "," not in stated else ()
