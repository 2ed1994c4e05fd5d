"""Lock files of pip, Poetry, uv, PDM and Pipenv."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.language import Piece, lines
from hullguard.inventory.analyzers.locks.toml import table
from hullguard.model.package import PackageType

_PINNED = re.compile(r"\s*([A-Za-z0-9][\w.-]{0,200})\s*+(?:\[[^\]]*\]\s*+)?===?\s*([\w.!+-]+)\s*(?:[;#\\].*|--hash.*)?")
# Where the code is the project's own or lies in a directory.
_OWN_SOURCES = ("editable", "virtual", "directory", "path")


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    source: dict[str, object] = {}
    path: str = ""


class _Lock(msgspec.Struct):
    package: list[_Package] = []


class _Pinned(msgspec.Struct):
    version: str = ""


class _Pipfile(msgspec.Struct):
    default: dict[str, _Pinned] = {}
    develop: dict[str, _Pinned] = {}


def requirements(content: bytes) -> Iterator[Piece]:
    """Only what is pinned with ``==``: anything else says what may be installed, not what is."""
    for line in lines(content):
        if pinned := _PINNED.fullmatch(line):
            yield Piece(PackageType.PYPI, pinned[1], pinned[2])


def toml_lock(content: bytes) -> Iterator[Piece]:
    """``[[package]]`` tables, as Poetry, uv and PDM write them."""
    lock = msgspec.convert(table(content), _Lock)
    for package in lock.package:
        own = package.path or any(key in package.source for key in _OWN_SOURCES)
        if package.version and not own and package.source.get("type") not in _OWN_SOURCES:
            yield Piece(PackageType.PYPI, package.name, package.version)


def pipfile_lock(content: bytes) -> Iterator[Piece]:
    lock = msgspec.json.decode(content, type=_Pipfile)
    for group in (lock.default, lock.develop):
        for name, pinned in group.items():
            if pinned.version.startswith("=="):
                yield Piece(PackageType.PYPI, name, pinned.version.lstrip("="))
