"""Lock files of npm, Yarn, pnpm and Bun."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.language import Piece, lines
from hullguard.model.package import PackageType

_VERSION = re.compile(r"\d+\.\d+\.\d+[\w.+-]*")
_NAMED = re.compile(r"(?:npm:)?(@?[^@/\s]+(?:/[^@\s]+)?)@(?:npm:)?(\d+\.\d+\.\d+[\w.+-]*)")
_YARN_KEY = re.compile(r"\"?(@?[^@\s\"]+)@(?:npm:(@[^@\s\"]+|[^@\s\"^~\d*<>=][^@\s\"]*)@)?")
_YARN_VERSION = re.compile(r"  version:? \"?([^\"\s]+)\"?")
_YARN_RESOLUTION = re.compile(r"  resolution: \"?([^\"\s]+)\"?")
_PNPM_KEY = re.compile(r"  ['\"]?/?(@[^/\s]+/[^/@\s]+|[^/@\s'\"]+)[@/](\d+\.\d+\.\d+[^\s:('\"_]*)[^\s:]*:(?: .*)?")
_TRAILING = re.compile(r",(\s*[}\]])")
_LEVELS = 64


class _Entry(msgspec.Struct):
    version: str = ""
    name: str = ""
    license: Any = None
    link: bool = False
    dependencies: dict[str, Any] = {}


class _PackageLock(msgspec.Struct):
    packages: dict[str, _Entry] | None = None
    dependencies: dict[str, Any] = {}


class _BunLock(msgspec.Struct):
    packages: dict[str, list[Any]] = {}


def package_lock(content: bytes) -> Iterator[Piece]:
    """Since npm 7 it lists every place in ``node_modules``; before, dependencies are nested in one another."""
    lock = msgspec.json.decode(content, type=_PackageLock)
    if lock.packages is None:
        yield from _nested(lock.dependencies)
        return
    for place, entry in lock.packages.items():
        _, inside, name = place.rpartition("node_modules/")
        if inside and not entry.link and _VERSION.fullmatch(entry.version):
            licenses = (entry.license,) if entry.license and isinstance(entry.license, str) else ()
            yield Piece(PackageType.NPM, entry.name or name, entry.version, licenses)


def _nested(dependencies: dict[str, Any]) -> Iterator[Piece]:
    todo = [(dependencies, 0)]
    while todo:
        level, depth = todo.pop()
        for name, raw in level.items():
            entry = msgspec.convert(raw, _Entry)
            if _VERSION.fullmatch(entry.version):
                yield Piece(PackageType.NPM, name, entry.version)
            elif alias := _NAMED.fullmatch(entry.version):
                yield Piece(PackageType.NPM, alias[1], alias[2])
            if entry.dependencies and depth < _LEVELS:
                todo.append((entry.dependencies, depth + 1))


def yarn_lock(content: bytes) -> Iterator[Piece]:
    """Yarn 1 names a package by its key, later ones by ``resolution``, which is also there for workspaces."""
    written = lines(content)
    berry = "__metadata:" in written
    name = ""
    for line in written:
        if not line.startswith((" ", "#")):
            key = _YARN_KEY.match(line)
            name = (key[2] or key[1]) if key else ""
        elif found := _YARN_VERSION.fullmatch(line):
            if name and not berry and _VERSION.fullmatch(found[1]):
                yield Piece(PackageType.NPM, name, found[1])
        elif (found := _YARN_RESOLUTION.fullmatch(line)) and berry and (named := _NAMED.fullmatch(found[1])):
            yield Piece(PackageType.NPM, named[1], named[2])


def pnpm_lock(content: bytes) -> Iterator[Piece]:
    """The keys of ``packages``: ``/a/1.0.0`` in version 5, ``/a@1.0.0`` in 6, ``a@1.0.0`` since 9."""
    inside = False
    for line in lines(content):
        if line and not line.startswith((" ", "#")):
            inside = line.rstrip() == "packages:"
        elif inside and (found := _PNPM_KEY.fullmatch(line)):
            yield Piece(PackageType.NPM, found[1], found[2])


def bun_lock(content: bytes) -> Iterator[Piece]:
    """JSON that may have a comma after the last element."""
    lock = msgspec.json.decode(_TRAILING.sub(r"\1", text(content)), type=_BunLock)
    for parts in lock.packages.values():
        if parts and isinstance(parts[0], str) and (named := _NAMED.fullmatch(parts[0])):
            yield Piece(PackageType.NPM, named[1], named[2])
