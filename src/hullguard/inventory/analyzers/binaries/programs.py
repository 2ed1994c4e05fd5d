"""Well-known programs and libraries by their file name and the version that they would print."""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.binaries.elf import DamagedTable, Elf
from hullguard.inventory.analyzers.binaries.kinds import KINDS, Kind
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.random_access import Part, RandomAccess, places, windows
from hullguard.model.package import PackageType

_OVERLAP = 512
"""No pattern fits more than half of this, with what stands behind a version."""
_BEFORE = 80
_CONSTANTS = b".rodata"
_STRINGS = b".rodata.str"
"""Where mold puts those that are text."""
_PYTHON = r"(?:python|libpython)(\d\.\d{1,2})[a-z]*(?:\.so[\d.]*)?"
_SOME_PYTHON = r"python[23]?"
"""What an environment of its own calls its copy of the interpreter."""
_OWN_SERIES = re.compile(rb"cpython-(3)(\d{1,2})\0|\0lib/python(2)\.(\d)\0")
"""How compiled modules are called (PEP 3147), or before that where they lie."""
_DIGITS = frozenset(b"%c" % digit for digit in b"0123456789.")
_IN_A_WORD = frozenset(range(0x20, 0x7F)) - {0x3A}
"""What a version is a part of that has one of these before it; before that of libxml2 stands a table of colons."""
_LEFT = 2
"""Letters before a word that make it a part of a longer one, as in the names of forks; one may be of other data."""
_PRERELEASE = re.compile(
    rb"[-._~+]?(alpha|beta|rc|pre|preview|dev|devel|nightly)(?:\.?(\d{1,12})|(?![a-z\d]))", re.IGNORECASE
)
_WORD = re.compile(rb"[\w /:%-]{3,}(?![*+?{])")
"""The fixed word that a pattern begins with."""
_STEM = re.compile(r"(?:[\w.]+-linux-(?:gnu|musl)\w*-)?([^\d.]*)")
"""What compilers for other systems begin with is left out."""
_HASHED = re.compile(r"-[0-9a-f]{8}(?=\.so)")
"""What auditwheel adds to the names of the libraries that it copies into packages of Python."""
_COPIED = re.compile(r"-[a-z]+-[0-9a-f]{8}(?=\.so)")
"""The same where the package's name stands before it."""
_MADE_FOR = re.compile(
    r"[-_.](?:linux|static|musl|glibc|gnu|x86|x64|amd64|arm64|aarch64|armv\d|armhf|i[3-6]86)(?![a-z])[^/]*?(?=\.so|$)"
)
"""What those add who hand out a program for several systems and processors."""
_RELEASE = re.compile(rb'^JAVA_VERSION="(?:1\.(\d)\.0(?:_(\d{1,4}))?|([\w.+-]{1,60}))"\r?$', re.MULTILINE)


def told(base: str) -> frozenset[str]:
    """The kinds of programs that have files of this name."""
    kinds = {kind.name for kind in _called(base)}
    return frozenset(kinds | {"python"} if re.fullmatch(f"{_PYTHON}|{_SOME_PYTHON}", base) else kinds)


def programs(base: str, elf: Elf, budget: Budget | None = None, others: Iterable[str] = ()) -> Iterator[Piece | Doubt]:
    """What a file of this name, and of others, says of itself."""
    names, budget = (base, *others), budget or Budget(Limits())
    found = set[str]()
    for kind in dict.fromkeys(kind for name in names for kind in _called(name)):
        if kind.name in found:
            continue  # by what says it better
        try:
            version = _said(kind, elf, budget)
        except TooMuch as why:
            yield Doubt(str(why), incomplete=True)
            continue
        if version:
            found.add(kind.name)
            yield Piece(PackageType.GENERIC, kind.name, version, known=kind.known)
    named = {python.group(1).encode() for name in names if (python := re.fullmatch(_PYTHON, name))}
    if not named and any(re.fullmatch(_SOME_PYTHON, name) for name in names):
        named = _series(elf.content)
    for series in sorted(named):
        yield from _python(series, elf.content)


def _called(base: str) -> tuple[Kind, ...]:
    """The kinds that have files of this name; what others add to a name counts only where it has none with it."""
    kinds = _kinds()
    if found := kinds.get(_stem(base)):
        return found
    for added in (_COPIED, _MADE_FOR):
        shorter = added.sub("", base, count=1)
        if shorter != base and (found := kinds.get(_stem(shorter))):
            return found
    return ()


def _stem(base: str) -> str:
    """The name up to its first digit or dot; what a program loads beside libraries ends in ``.so``."""
    said = _STEM.match(_HASHED.sub("", base))
    stem = said.group(1).rstrip("-_") if said else ""
    return f"{stem}.so" if ".so" in base and not stem.startswith("lib") else stem


@functools.cache
def _kinds() -> Mapping[str, tuple[Kind, ...]]:
    """By the stems of their files: nearly no file of an image has any of these."""
    found: dict[str, tuple[Kind, ...]] = {}
    for kind in KINDS:
        for stem in kind.files.split():
            found[stem] = (*found.get(stem, ()), kind)
    return found


def _said(kind: Kind, elf: Elf, budget: Budget) -> str | None:
    whole, constants = elf.content, _constants(elf)
    if kind.before:
        return _fixed(kind, whole, budget)
    if kind.alone:
        said = _only(kind, elf, budget)
    else:
        # Compilers put constants of other languages than C elsewhere.
        said = (_first(kind, constants, budget) if constants is not None else None) or _first(kind, whole, budget)
    return said if not (said and kind.beside) or _holds(whole, kind.beside) else None


def _constants(elf: Elf, section: bytes = _CONSTANTS) -> RandomAccess | None:
    """Where compilers put constants: there is far less to look through than in all of the file."""
    try:
        found = elf.place(section)
    except DamagedTable:
        return None  # told where lists are looked for
    return None if found is None else Part(elf.content, *found)


def _first(kind: Kind, content: RandomAccess, budget: Budget) -> str | None:
    version, number, word = re.compile(kind.version), 0, kind.version[:1].isalpha() and not kind.joined
    for place, window in _looked_through(kind, content, budget):
        cut = len(window) - _OVERLAP // 2 if place + len(window) < len(content) else len(window)
        for said in version.finditer(window, min(place, _LEFT)):
            if said.start() >= cut:
                break  # it is whole in the next window
            if not word or not window[max(said.start() - _LEFT, 0) : said.start()].isalpha():
                return _spelled(said)
            number = _more(number, 1)
    return None


def _only(kind: Kind, elf: Elf, budget: Budget) -> str | None:
    """A constant that is nothing but a version, unless there are several of that form: which it is, is not known.

    What stands elsewhere counts only where the program's words do, too: nobody loads a program by its sections.
    """
    constants = [part for part in (_constants(elf), _constants(elf, _STRINGS)) if part is not None]
    for part in constants:
        if found := _alone(kind, part, budget):
            return found.pop() if len(found) == 1 else None
    if any(_holds(part, kind.beside) for part in constants):
        return None
    found = _alone(kind, elf.content, budget)
    return found.pop() if len(found) == 1 else None


def _holds(content: RandomAccess, word: bytes) -> bool:
    return next(places(content, word, 0, len(content)), None) is not None


def _alone(kind: Kind, content: RandomAccess, budget: Budget) -> set[str]:
    """The constants that are nothing but a version, as far as to the second."""
    version, found, number = re.compile(b"(?:" + kind.version + rb")(?=\0)"), set[str](), 0
    for place, window in _looked_through(kind, content, budget):
        for said in version.finditer(window, min(place, 1)):
            # Were it asked for by the pattern, that would be tried at every byte, which takes fifty times as long.
            if said.start() and window[said.start() - 1] in _IN_A_WORD:
                number = _more(number, 1)
                continue
            found.add(_spelled(said))
            if len(found) > 1:
                return found
    return found


def _spelled(said: re.Match[bytes]) -> str:
    """The version: what fits, the one group, or numbers of several groups.

    What comes before a release has that behind a hyphen, in small letters, as versions are ordered by: ``8.1.0-rc1``.
    """
    if len(said.groups()) > 1:
        return ".".join(str(int(group)) for group in said.groups())
    version = said.group(said.re.groups).decode()
    early = _PRERELEASE.match(said.string, said.end(said.re.groups)) if said.re.groups else None
    return f"{version}-{early.group(1).decode().lower()}{(early.group(2) or b'').decode()}" if early else version


def _fixed(kind: Kind, content: RandomAccess, budget: Budget) -> str | None:
    word, before = re.compile(kind.version), re.compile(kind.before + rb"\Z")
    for _, window in _looked_through(kind, content, budget):
        # What begins with a window began in the one before, where it is seen what stands before it.
        if said := _ending(before, word, window):
            return said.group(1).decode()
    return None


def _looked_through(kind: Kind, content: RandomAccess, budget: Budget) -> Iterator[tuple[int, bytes]]:
    """The windows of a file, each with its place. Raises TooMuch behind the last one that is looked at."""
    within, word, number = len(content), _WORD.match(kind.version), 0
    if kind.slow or kind.alone:
        within = bounds.PROGRAM_BYTES
        if budget.search(min(within, len(content))) > bounds.PROGRAMS_BYTES:
            most = bounds.PROGRAMS_BYTES
            raise TooMuch(f"a version of {kind.name} was not looked for: programs were looked through for {most} bytes")
    for place, window in windows(content, _OVERLAP, within):
        if word is not None and not kind.before:
            number = _more(number, window.count(word.group()))
        yield place, window
    if len(content) > within:
        raise TooMuch(f"a version of {kind.name} was looked for in its first {within} bytes only")


def _ending(before: re.Pattern[bytes], word: re.Pattern[bytes], window: bytes) -> re.Match[bytes] | None:
    """What fits right before one of the words. Raises TooMuch when there are more than a program has by chance."""
    number = 0
    for place in word.finditer(window):
        number = _more(number, 1)
        if said := before.search(window[max(0, place.start() - _BEFORE) : place.start()]):
            return said
    return None


def _more(number: int, more: int) -> int:
    """So many places more. Raises TooMuch at more than a program has by chance."""
    if number + more > bounds.PROGRAM_PLACES:
        most = bounds.PROGRAM_PLACES
        raise TooMuch(f"it has more than {most} places that look like its version; the others were not read")
    return number + more


def _series(content: RandomAccess) -> set[bytes]:
    """The series of an interpreter whose name does not tell it, if it says one."""
    for _, window in windows(content, _OVERLAP, len(content)):
        if said := _OWN_SERIES.search(window):
            return {b".".join(filter(None, said.groups()))}
    return set()


def _python(series: bytes, content: RandomAccess) -> Iterator[Piece]:
    """The linker lets the version be the tail of a longer word, such as a path that ends in it."""
    version = re.compile(re.escape(series) + rb"\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?(?=\+?\0)")
    for place, window in windows(content, _OVERLAP, len(content)):
        for said in version.finditer(window, min(place, 1)):
            if window[said.start() - 1 : said.start()] not in _DIGITS:
                yield Piece(PackageType.GENERIC, "python", said.group().decode())
                return


def java_release(content: bytes) -> Iterator[Piece]:
    """The version of a Java runtime from the ``release`` file at its root; 1.8.0_372 is told as 8.0.372."""
    if said := _RELEASE.search(content):
        old, update, version = (group and group.decode() for group in said.groups())
        yield Piece(PackageType.GENERIC, "java", version or f"{old}.0.{update or 0}")
