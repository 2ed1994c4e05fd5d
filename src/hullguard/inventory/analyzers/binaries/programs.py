"""Well-known programs by their file name and the version that they would print."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from hullguard.inventory.analyzers.language import Piece
from hullguard.model.package import PackageType


@dataclass(frozen=True, slots=True)
class _Program:
    """One program; ``known`` when Bitnami's advisories speak of it."""

    name: str
    base: re.Pattern[str]
    version: re.Pattern[bytes]
    known: bool = True


def _program(name: str, base: str, version: bytes, *, known: bool = True) -> _Program:
    return _Program(name, re.compile(base), re.compile(version), known)


_THREE = rb"(\d{1,3}\.\d{1,3}\.\d{1,3})"
_PROGRAMS = (
    _program("node", r"node(?:js)?|libnode\.so[\d.]*", rb"(?:node\.js/v|/release/v)" + _THREE),
    _program("nginx", r"nginx", rb"nginx/" + _THREE),
    _program("openresty", r"nginx|openresty", rb"openresty/(\d+\.\d+\.\d+\.\d+)"),
    _program("redis", r"redis-server", _THREE + rb"[\w.-]{1,80}-\d{10,19}"),
    _program("valkey", r"valkey-server", _THREE + rb"[\w.-]{1,80}-\d{10,19}"),
    _program("php", r"php(?:-fpm|-cgi|-cli)?[\d.]*|libphp\d?\.so", rb"X-Powered-By: PHP/" + _THREE),
    _program("ruby", r"ruby[\d.]*|libruby[^/]*\.so[\d.]*", rb"ruby " + _THREE + rb"(?:p\d+|[a-z]\w{0,9})? \("),
    _program("apache", r"httpd|apache2", rb"Apache/" + _THREE),
    _program("postgresql", r"postgres", rb"postgres \(PostgreSQL\) (\d{1,3}(?:\.\d{1,3}){1,2})"),
    _program("mariadb", r"mariadbd|mysqld", _THREE + rb"-MariaDB"),
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
_RELEASE = re.compile(rb'^JAVA_VERSION="(?:1\.(\d)\.0_(\d{1,4})|([\w.+-]{1,60}))"\r?$', re.MULTILINE)


def programs(base: str, content: bytes) -> Iterator[Piece]:
    """What a file of this name says of itself."""
    for program in _PROGRAMS:
        if program.base.fullmatch(base) and (said := program.version.search(content)):
            yield Piece(PackageType.GENERIC, program.name, said.group(1).decode(), known=program.known)
    python = _PYTHON.fullmatch(base)
    if python is not None:
        series = re.escape(python.group(1)).encode()
        # The linker lets it be the tail of a longer word, such as a path that ends in it.
        if said := re.search(rb"(?<![\d.])(" + series + rb"\.\d{1,2}(?:(?:a|b|rc)\d{1,2})?)\+?\0", content):
            yield Piece(PackageType.GENERIC, "python", said.group(1).decode())


def java_release(content: bytes) -> Iterator[Piece]:
    """The version of a Java runtime from the ``release`` file at its root; 1.8.0_372 is told as 8.0.372."""
    if said := _RELEASE.search(content):
        old, update, version = (group and group.decode() for group in said.groups())
        yield Piece(PackageType.GENERIC, "java", version or f"{old}.0.{update}")
