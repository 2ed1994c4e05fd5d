"""Well-known programs by their file name and the version that they would print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch
from hullguard.inventory.random_access import RandomAccess, windows
from hullguard.model.package import PackageType

_OVERLAP = 512
"""No pattern fits more than this."""


@dataclass(frozen=True, slots=True)
class _Program:
    """One program; ``known`` when Bitnami's advisories speak of it."""

    name: str
    base: re.Pattern[str]
    version: re.Pattern[bytes]
    known: bool = True
    before: re.Pattern[bytes] | None = None
    """What stands before a fixed word, ``version`` then, and ends there; looked at only where that is found."""
    slow: bool = False
    """Whether the pattern begins with no fixed word, so that not all of a large program is looked through."""


def _program(
    name: str, base: str, version: bytes, *, known: bool = True, before: bytes = b"", slow: bool = False
) -> _Program:
    ends = re.compile(before + rb"\Z") if before else None
    return _Program(name, re.compile(base), re.compile(version), known, ends, slow)


_THREE = rb"(\d{1,3}\.\d{1,3}\.\d{1,3})"
_BUILT = rb"(?<![\d.])" + _THREE + rb"[\w.-]{1,64}"
_TIME = rb"-\d{10,19}"
_BEFORE = 80
_PROGRAMS = (
    _program("node", r"node(?:js)?|libnode\.so[\d.]*", rb"/release/v" + _THREE + rb"/node"),
    _program("nginx", r"nginx", rb"nginx/" + _THREE),
    _program("openresty", r"nginx|openresty", rb"openresty/(\d+\.\d+\.\d+\.\d+)"),
    _program("redis", r"redis-server", _TIME, before=_BUILT, slow=True),
    _program("valkey", r"valkey-server", _TIME, before=_BUILT, slow=True),
    _program("php", r"php(?:-fpm|-cgi|-cli)?[\d.]*|libphp\d?\.so", rb"X-Powered-By: PHP/" + _THREE),
    _program("ruby", r"ruby[\d.]*|libruby[^/]*\.so[\d.]*", rb"ruby " + _THREE + rb"(?:p\d+|[a-z]\w{0,9})? \("),
    _program("apache", r"httpd|apache2", rb"Apache/" + _THREE),
    _program("postgresql", r"postgres", rb"postgres \(PostgreSQL\) (\d{1,3}(?:\.\d{1,3}){1,2})"),
    _program("mariadb", r"mariadbd|mysqld", rb"-MariaDB", before=_THREE),
    _program("mysql", r"mysqld", rb"/mysql-" + _THREE, known=False),
    _program("memcached", r"memcached", rb"memcached " + _THREE),
    _program(
        "openssl",
        r"openssl|libcrypto\.so[\d.]*|libssl\.so[\d.]*",
        rb"OpenSSL (\d\.\d{1,2}\.\d{1,2}[a-z]{0,2})(?:-\w{1,12})? {1,3}\d{1,2} [A-Z][a-z]{2} \d{4}",
        known=False,
    ),
    _program("busybox", r"busybox", rb"BusyBox v" + _THREE, known=False),
)
_PYTHON = re.compile(r"(?:python|libpython)(\d\.\d{1,2})[a-z]*(?:\.so[\d.]*)?")
_DIGITS = frozenset(b"%c" % digit for digit in b"0123456789.")
_RELEASE = re.compile(rb'^JAVA_VERSION="(?:1\.(\d)\.0_(\d{1,4})|([\w.+-]{1,60}))"\r?$', re.MULTILINE)


def programs(base: str, content: RandomAccess) -> Iterator[Piece | Doubt]:
    """What a file of this name says of itself."""
    for program in _PROGRAMS:
        if not program.base.fullmatch(base):
            continue
        try:
            version = _said(program, content)
        except TooMuch as why:
            yield Doubt(str(why), incomplete=True)
            continue
        if version:
            yield Piece(PackageType.GENERIC, program.name, version, known=program.known)
    if python := _PYTHON.fullmatch(base):
        yield from _python(python.group(1).encode(), content)


def _said(program: _Program, content: RandomAccess) -> str | None:
    within = bounds.PROGRAM_BYTES if program.slow else len(content)
    for place, window in windows(content, _OVERLAP, within):
        # What begins with a window began in the one before, where it is seen what stands before it.
        if program.before is None:
            said = program.version.search(window, min(place, 1))
        else:
            said = _ending(program.before, program.version, window)
        if said:
            return said.group(1).decode()
    if len(content) > within:
        raise TooMuch(f"a version of {program.name} was looked for in its first {within} bytes only")
    return None


def _ending(before: re.Pattern[bytes], word: re.Pattern[bytes], window: bytes) -> re.Match[bytes] | None:
    """What fits right before one of the words. Raises TooMuch when there are more than a program has by chance."""
    for number, place in enumerate(word.finditer(window)):
        if number == bounds.PROGRAM_PLACES:
            raise TooMuch(f"it has more than {number} places that look like its version; the others were not read")
        if said := before.search(window[max(0, place.start() - _BEFORE) : place.start()]):
            return said
    return None


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
        yield Piece(PackageType.GENERIC, "java", version or f"{old}.0.{update}")
