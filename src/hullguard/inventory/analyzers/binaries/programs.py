"""Well-known programs by their file name and the version that they would print."""

import functools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.language import Doubt, Piece, TooMuch
from hullguard.inventory.random_access import RandomAccess, windows
from hullguard.model.package import PackageType

_OVERLAP = 512
"""No pattern fits more than this."""


class _Program(NamedTuple):
    """One program, with patterns that few images need; ``known`` when Bitnami's advisories speak of it."""

    name: str
    base: str
    version: bytes
    known: bool = True
    before: bytes = b""
    """What stands before a fixed word, ``version`` then, and ends there; looked at only where that is found."""
    slow: bool = False
    """Whether the pattern begins with no fixed word, so that not all of a large program is looked through."""


_THREE = rb"(\d{1,3}\.\d{1,3}\.\d{1,3})"
_BUILT = rb"(?<![\d.])" + _THREE + rb"[\w.-]{1,64}"
_TIME = rb"-\d{10,19}"
_BEFORE = 80
_PROGRAMS = (
    _Program("node", r"node(?:js)?|libnode\.so[\d.]*", rb"/release/v" + _THREE + rb"/node"),
    _Program("nginx", r"nginx", rb"nginx/" + _THREE),
    _Program("openresty", r"nginx|openresty", rb"openresty/(\d+\.\d+\.\d+\.\d+)"),
    _Program("redis", r"redis-server", _TIME, before=_BUILT, slow=True),
    _Program("valkey", r"valkey-server", _TIME, before=_BUILT, slow=True),
    _Program("php", r"php(?:-fpm|-cgi|-cli)?[\d.]*|libphp\d?\.so", rb"X-Powered-By: PHP/" + _THREE),
    _Program("ruby", r"ruby[\d.]*|libruby[^/]*\.so[\d.]*", rb"ruby " + _THREE + rb"(?:p\d+|[a-z]\w{0,9})? \("),
    _Program("apache", r"httpd|apache2", rb"Apache/" + _THREE),
    _Program("postgresql", r"postgres", rb"postgres \(PostgreSQL\) (\d{1,3}(?:\.\d{1,3}){1,2})"),
    _Program("mariadb", r"mariadbd|mysqld", rb"-MariaDB", before=_THREE),
    _Program("mysql", r"mysqld", rb"/mysql-" + _THREE, known=False),
    _Program("memcached", r"memcached", rb"memcached " + _THREE),
    _Program(
        "openssl",
        r"openssl|libcrypto\.so[\d.]*|libssl\.so[\d.]*",
        rb"OpenSSL (\d\.\d{1,2}\.\d{1,2}[a-z]{0,2})(?:-\w{1,12})? {1,3}\d{1,2} [A-Z][a-z]{2} \d{4}",
        known=False,
    ),
    _Program("busybox", r"busybox", rb"BusyBox v" + _THREE, known=False),
)
_PYTHON = r"(?:python|libpython)(\d\.\d{1,2})[a-z]*(?:\.so[\d.]*)?"
_DIGITS = frozenset(b"%c" % digit for digit in b"0123456789.")
_RELEASE = re.compile(rb'^JAVA_VERSION="(?:1\.(\d)\.0_(\d{1,4})|([\w.+-]{1,60}))"\r?$', re.MULTILINE)


def programs(base: str, content: RandomAccess) -> Iterator[Piece | Doubt]:
    """What a file of this name says of itself."""
    if not _known_name()(base):
        return
    for program in _PROGRAMS:
        if not re.fullmatch(program.base, base):
            continue
        try:
            version = _said(program, content)
        except TooMuch as why:
            yield Doubt(str(why), incomplete=True)
            continue
        if version:
            yield Piece(PackageType.GENERIC, program.name, version, known=program.known)
    if python := re.fullmatch(_PYTHON, base):
        yield from _python(python.group(1).encode(), content)


@functools.cache
def _known_name() -> Callable[[str], re.Match[str] | None]:
    """Whether it is any of these, as nearly no file of an image is."""
    return re.compile("|".join([*(program.base for program in _PROGRAMS), _PYTHON])).fullmatch


def _said(program: _Program, content: RandomAccess) -> str | None:
    version, before = re.compile(program.version), re.compile(program.before + rb"\Z")
    within = bounds.PROGRAM_BYTES if program.slow else len(content)
    for place, window in windows(content, _OVERLAP, within):
        # What begins with a window began in the one before, where it is seen what stands before it.
        said = _ending(before, version, window) if program.before else version.search(window, min(place, 1))
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
