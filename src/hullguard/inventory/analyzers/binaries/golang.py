"""The list of modules that Go's linker leaves in every program (debug/buildinfo)."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.binaries.elf import DamagedTable, Segment
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch
from hullguard.inventory.random_access import RandomAccess, places
from hullguard.model.package import PackageType

MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_ALIGNED = 16
_INLINE = 2
_BIG_ENDIAN = 1
_VERSION_BYTES = 256
_LONGEST = 1 << 30
"""What claims to be longer is no list."""
_MOST = _HEADER + _VERSION_BYTES + bounds.MODULES_BYTES + 16
_MARK = 16
_RELEASE = re.compile(r"go(\d+)\.(\d+)(?:\.(\d+))?(?:(beta|rc)(\d+))?(?:[-+ ].*)?")
_DEVELOPMENT = "(devel)"
_SECTIONS = (b".go.buildinfo", b".gopclntab", b".data.rel.ro.gopclntab")
_BUILD_ID = re.compile(rb'\xff Go build ID: "|(?:\x04\0\0\0|\0\0\0\x04)Go\0\0')
"""In front of the code, and as a note of ELF."""
_BUILD_ID_WITHIN = 1 << 15
_UNTAGGED = r"v0\.0\.0-(?:0\.)?\d{14}-[0-9a-f]{12}(?:\+dirty)?"
"""What Go writes for a checkout without a tag that it knows: the program may be of any release."""
_SET = (
    r"-X[ =]\\?['\"]?([\w./~-]{1,300})\.(?i:(?:app|build|git|release|core|semantic)?_?version)="
    r"(v?\d{1,6}\.\d{1,6}(?:\.\d{1,6})?(?:-[0-9A-Za-z.-]{1,60})?(?:\+[0-9A-Za-z.-]{1,60})?)(?=['\"\s\\]|$)"
)
"""A variable for a version that the linker sets."""
_OF_THE_TOOLCHAIN = re.compile(r"cmd(?:/.*)?|command-line-arguments")
"""Go's own tools, and what was built from files by their names: without a list they have nothing that it would name."""
_REPOSITORY = re.compile(
    r"(?:(?:github\.com|gitlab\.com|bitbucket\.org)/[^/]+/[^/]+|golang\.org/x/[^/]+|(?:sigs\.)?k8s\.io/[^/]+)(?:/v[1-9]\d*)?(?=/|$)"
)


class Program(Protocol):
    """A program as far as finding Go's list in it takes."""

    content: RandomAccess

    @property
    def segments(self) -> Sequence[Segment]: ...
    def holds(self, wanted: Sequence[bytes]) -> bool | None: ...
    def section(self, wanted: bytes, most: int) -> bytes | None: ...
    def loaded(self, wanted: bytes, most: int) -> bytes | None: ...
    def at(self, address: int, size: int) -> bytes: ...


class Unmapped:
    """A program of a format that is not read: no address in it is known, so no list that Go before 1.18 wrote."""

    segments: Sequence[Segment] = ()

    def __init__(self, content: RandomAccess) -> None:
        self.content = content

    def holds(self, wanted: Sequence[bytes]) -> bool | None:
        del wanted
        return None

    def section(self, wanted: bytes, most: int) -> bytes | None:
        del wanted, most
        return None

    loaded = section

    def at(self, address: int, size: int) -> bytes:
        del address, size
        return b""


def modules(elf: Program) -> Iterator[Piece | Doubt]:
    """The standard library at the version of the compiler, the main module and its dependencies as replaced."""
    marks, info, beyond = 0, None, False
    for place in _places(elf):
        marks += 1
        if marks > bounds.MARKS:
            beyond = True
            break
        try:
            info = _info(elf, place)
        except TooMuch:
            beyond = True
        if info is not None:
            break
    if info is None:
        if marks:
            yield Doubt("says that Go built it, but the list of its modules cannot be read", incomplete=beyond)
        elif _is_go(elf):
            yield Doubt(
                "a Go program in which no list of its modules was found: it was removed or damaged, or is older"
            )
        return
    compiler, listed = info
    yield _standard_library(compiler)
    yield from _modules(listed)


def _modules(listed: str) -> Iterator[Piece | Doubt]:
    found = list(_listed(listed))
    main = listed.partition("mod\t")[2].partition("\t")[0]
    path = _behind("path\t", listed)
    if not found and not _OF_THE_TOOLCHAIN.fullmatch(path):
        # As before modules, and as Debian builds: only the package is named that has the program's beginning.
        yield Doubt("a Go program that was built without the list of its modules")
        if "." in path.partition("/")[0]:
            main = _module(path)
            found.append((main, _DEVELOPMENT))
    for name, version in found:
        untagged = version == _DEVELOPMENT or (name == main and re.fullmatch(_UNTAGGED, version))
        stated = _stated(listed, main) if untagged and name == main else None
        yield Piece(PackageType.GOLANG, name, stated or version, known=stated is not None or not untagged)


def _is_go(elf: Program) -> bool:
    """Whether Go's linker made a program in which its mark is not found, as before Go 1.13 or where it was removed.

    Its sections tell; files with a program's symbols for debuggers name the same, without what is in them. Where there
    is no table of sections, the build's id does, which Go's own reader looks for as far (cmd/internal/buildid).
    """
    told = elf.holds(_SECTIONS)
    return _BUILD_ID.search(elf.content[:_BUILD_ID_WITHIN]) is not None if told is None else told


def _standard_library(compiler: str) -> Piece:
    if (release := _RELEASE.fullmatch(compiler)) is None:
        return Piece(PackageType.GOLANG, "stdlib", compiler.partition(" ")[0], known=False)
    major, minor, patch, stage, number = release.groups()
    suffix = f"-{stage}.{number}" if stage else ""
    return Piece(PackageType.GOLANG, "stdlib", f"{major}.{minor}.{patch or 0}{suffix}")


def _info(elf: Program, place: bytes) -> tuple[str, str] | None:
    """The compiler's version and the list, which may be empty; None when what follows the mark is neither.

    Raises TooMuch when the list is longer than is read.
    """
    if len(place) < _HEADER:
        return None
    if place[15] & _INLINE:
        version, rest = _inline(place[_HEADER:], _VERSION_BYTES)
        listed, _ = _inline(rest or b"", bounds.MODULES_BYTES)
    else:
        order: Literal["big", "little"] = "big" if place[15] & _BIG_ENDIAN else "little"
        version = _pointed(elf, place, 0, order, _VERSION_BYTES)
        listed = _pointed(elf, place, 1, order, bounds.MODULES_BYTES)
    if not version or listed is None:
        return None
    # The list stands between two marks of 16 bytes.
    if len(listed) > 2 * _MARK and listed[-_MARK - 1 : -_MARK] != b"\n":
        return None
    return text(version), text(listed[_MARK:-_MARK])


def _places(elf: Program) -> Iterator[bytes]:
    """The bytes from the mark on, where Go's own reader (debug/buildinfo) looks.

    That is at its section's address, where the program itself has it, else in data that can be written; last as the
    section lies in the file, where it is not loaded at all.
    """
    name = b".go.buildinfo"
    try:
        loaded, kept = elf.loaded(name, _MOST), elf.section(name, _MOST)
    except DamagedTable:
        loaded = kept = None
    if loaded is not None and loaded.startswith(MAGIC):
        yield loaded
        return
    # A section of that name may hold anything else.
    for start, end in _data(elf):
        for at in places(elf.content, MAGIC, start, end):
            if at % _ALIGNED == 0:
                yield elf.content[at : at + _MOST]
    if kept is not None and kept.startswith(MAGIC):
        yield kept


def _data(elf: Program) -> Iterator[tuple[int, int]]:
    """Stretches of the file that a program may write to, none twice; all of the file when it names none."""
    stretches = sorted((each.offset, each.offset + each.size) for each in elf.segments if each.writable)
    done = 0
    for start, end in stretches or [(0, len(elf.content))]:
        if end > done:
            yield max(start, done), end
            done = end


def _inline(content: bytes, most: int) -> tuple[bytes | None, bytes | None]:
    """A string behind its length, and what follows it; None where there is no such string."""
    length = shift = 0
    for index, byte in enumerate(content[:5]):
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            start = index + 1
            if most < length <= _LONGEST:
                raise TooMuch
            if length > min(most, len(content) - start):
                return None, None
            return content[start : start + length], content[start + length :]
        shift += 7
    return None, None


def _pointed(elf: Program, place: bytes, which: int, order: Literal["big", "little"], most: int) -> bytes | None:
    """A string whose header is pointed at, as before Go 1.18; None where there is no such string."""
    size = place[14]
    if size not in (4, 8):
        return None
    start = 16 + which * size
    header = elf.at(int.from_bytes(place[start : start + size], order), 2 * size)
    if len(header) < 2 * size:
        return None
    address, length = int.from_bytes(header[:size], order), int.from_bytes(header[size:], order)
    if most < length <= _LONGEST:
        raise TooMuch
    if length > most:
        return None
    found = elf.at(address, length)
    return found if len(found) == length else None


def _stated(lines: str, main: str) -> str | None:
    """The version of the main module that its makers gave the linker: ``-X PACKAGE.Version=1.9.0``."""
    for package, version in re.findall(_SET, _behind("build\t-ldflags=", lines)):
        if package in {"main", main} or package.startswith(f"{main}/"):
            return f"v{version.removeprefix('v')}"
    return None


def _behind(beginning: str, lines: str) -> str:
    """What the first line with this beginning goes on with; nothing where there is none."""
    found = (line.removeprefix(beginning) for line in lines.split("\n") if line.startswith(beginning))
    return next(found, "")


def _module(path: str) -> str:
    """Which module a package is of: its repository where addresses of the host tell it, else what is before ``cmd``."""
    known = _REPOSITORY.match(path)
    return known[0] if known else path.partition("/cmd/")[0]


def _listed(lines: str) -> Iterator[tuple[str, str]]:
    """Pairs of ``mod`` and ``dep`` lines; a line ``=>`` takes the place of the one before it."""
    found: tuple[str, str] | None = None
    for line in lines.split("\n"):
        words = line.split("\t")
        if words[0] == "=>" and len(words) >= 3:
            # A replacement by a directory has no version, or since Go 1.18 that word for one; what is in it goes by the
            # replaced name.
            found = (words[1], words[2]) if words[2] not in ("", _DEVELOPMENT) else found
            continue
        if found is not None:
            yield found
            found = None
        if words[0] in ("mod", "dep") and len(words) >= 3:
            found = (words[1], words[2] or _DEVELOPMENT)
    if found is not None:
        yield found
