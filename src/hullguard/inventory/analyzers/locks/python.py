"""Lock files of pip, Poetry, uv, PDM and Pipenv."""

import re
from collections.abc import Iterator

import msgspec

from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, Piece, is_word
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, STRANGE, UNPINNED, Tally
from hullguard.inventory.analyzers.locks.toml import table
from hullguard.inventory.content.secrets.redaction import quoted
from hullguard.model.decoding import converted
from hullguard.model.package import PackageType

_PINNED = re.compile(
    r"\s*([A-Za-z0-9][\w.-]{0,200})\s*+(?:\[[^\]]*\]\s*+)?===?\s*([\w.!+-]+)\s*(?:[;#\\].*|--[a-z].*)?"
)
# An option that brings a package, an address, a path, or a name with an address behind it.
_ELSEWHERE = re.compile(
    r"\s*(?:-e\b|--editable\b|\.{0,2}/|[a-z+]{2,20}://|[A-Za-z0-9][\w.-]{0,200}(?:\[[^\]]*\])? *@ )"
)
_OTHER_LIST = re.compile(r"\s*(?:-[rc]|--(?:requirement|constraint)(?=[\s=]))[\s=]*+(.*)")
_COMMENT = re.compile(r"(?:^|\s)#.*")
# What brings no package: nothing, a comment, an option.
_SILENT = re.compile(r"\s*(?:$|#|-)")
_NAMED = re.compile(r"[A-Za-z0-9][\w.-]{0,200}")
# Where the code is the project's own or lies in a directory.
_OWN_SOURCES = ("editable", "virtual", "directory")
_ARCHIVES = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tgz")


class _Package(msgspec.Struct):
    name: str
    version: str = ""
    source: dict[str, object] = {}
    path: str = ""


class _Lock(msgspec.Struct):
    package: list[_Package] = []
    packages: list[_Package] = []
    """As PEP 751 calls them."""


class _Pinned(msgspec.Struct):
    version: str = ""


def requirements(content: bytes) -> Iterator[Piece | Doubt]:
    """Only what is pinned with ``==``: anything else says what may be installed, not what is."""
    tally, continued = Tally(), False
    for line in tally.lines(content):
        if pinned := _PINNED.fullmatch(line):
            yield Piece(PackageType.PYPI, pinned[1], pinned[2])
        elif _ELSEWHERE.match(line):
            tally.add(ELSEWHERE)
        elif named := _OTHER_LIST.match(line):
            other = _COMMENT.sub("", named[1]).rstrip("\\ ").strip("\"'")
            why = f"asks for what {quoted(other, 200)} lists, which was not read"
            yield Doubt(why, unless=other if is_word(other) else "")
        elif _NAMED.match(line):
            tally.add(UNPINNED)
        elif not (continued or _SILENT.match(line)):
            tally.add(STRANGE)
        continued = line.endswith("\\")
    yield from tally.doubts()


def toml_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """``[[package]]`` tables, as Poetry, uv and PDM write them."""
    lock, tally = converted(table(content), _Lock), Tally()
    for package in [*lock.package, *lock.packages]:
        if _is_own(package):
            continue
        if package.version:
            yield Piece(PackageType.PYPI, package.name, package.version)
        else:
            tally.add(UNPINNED)
    yield from tally.doubts()


def _is_own(package: _Package) -> bool:
    """Whether it is the project's, or lies beside it as source code; an archive that lies there is as good as any."""
    source = package.source
    paths = [each for each in (package.path, source.get("path")) if isinstance(each, str) and each]
    if any(not path.endswith(_ARCHIVES) for path in paths):
        return True
    return source.get("type") in _OWN_SOURCES or any(key in source for key in _OWN_SOURCES)


def pipfile_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """``default``, ``develop`` and categories of the project's own; ``_meta`` says how it was made."""
    groups, tally = listing(content, dict[str, dict[str, msgspec.Raw]]), Tally()
    for category, group in groups.items():
        for name, pinned in each(group, _Pinned) if category != "_meta" else ():
            if isinstance(pinned, Doubt):
                yield pinned
            elif pinned.version.startswith("==") and "*" not in pinned.version:
                yield Piece(PackageType.PYPI, name, pinned.version.lstrip("="))
            else:
                tally.add(UNPINNED if pinned.version else ELSEWHERE)
    yield from tally.doubts()
