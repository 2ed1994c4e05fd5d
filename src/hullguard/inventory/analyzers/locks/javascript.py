"""Lock files of npm, Yarn, pnpm and Bun."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.analyzers.entries import each, listing
from hullguard.inventory.analyzers.language import Doubt, Piece, Unreadable
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, NESTED, STRANGE, Tally
from hullguard.model.decoding import converted, from_json
from hullguard.model.package import PackageType

# Possessive throughout: what fits a digit also fits what may follow, and trying every division takes the square.
_NUMBERS = r"\d++\.\d++\.\d++[\w.+-]*+"
_VERSION = re.compile(_NUMBERS)
_NAMED = re.compile(rf"(?:npm:)?(@?[^@/\s]++(?:/[^@\s]++)?)@(?:npm:)?({_NUMBERS})")
_YARN_KEY = re.compile(r"\"?(@?[^@\s\"]+)@(?:npm:(@[^@\s\"]+|[^@\s\"^~\d*<>=][^@\s\"]*)@)?")
_YARN_ADDRESS = re.compile(r"(?!npm:)(?:[a-z+]{2,20}:|\.{0,2}/|[\w.-]++/)(?!@)")
_YARN_VERSION = re.compile(r"  version:? \"?([^\"\s]+)\"?")
_YARN_RESOLUTION = re.compile(r"  resolution: \"?([^\"\s]+)\"?")
_PNPM_KEY = re.compile(
    r"  ['\"]?/?(@[^/\s]++/[^/@\s]++|[^/@\s'\"]++)[@/](\d++\.\d++\.\d++[^\s:('\"_]*+)[^\s:]*+:(?: .*)?"
)
# What stands where a key does: the key of another kind of package, or a key that is indented as pnpm does not.
_PNPM_ENTRY = re.compile(r"  ?[^\s#]|    ['\"]?/?@?[^@\s]++@\d++\.\d++\.\d++[^\s:]*+:$")
_PNPM_INDIRECT = re.compile(r"<<:|: [&*]\w")
_YARN_PATCHED = re.compile(rf"@?[^@\s]+@patch:(@?[^@\s]+)@npm%3A({_NUMBERS})#")
_TRAILING = re.compile(r",(\s*[}\]])")


class _Entry(msgspec.Struct):
    version: str = ""
    name: str = ""
    license: Any = None
    link: bool = False
    dependencies: dict[str, Any] = {}


class _PackageLock(msgspec.Struct):
    packages: dict[str, msgspec.Raw] | None = None
    dependencies: dict[str, Any] = {}


class _BunLock(msgspec.Struct):
    packages: dict[str, list[Any]] = {}


def package_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """Since npm 7 it lists every place in ``node_modules``; before, dependencies are nested in one another."""
    lock, tally = listing(content, _PackageLock), Tally()
    if lock.packages is None:
        yield from _nested(lock.dependencies, tally)
    for place, entry in each(lock.packages or {}, _Entry):
        _, inside, name = place.rpartition("node_modules/")
        if isinstance(entry, Doubt):
            yield entry
            continue
        if not inside or entry.link:
            continue
        if _VERSION.fullmatch(entry.version):
            licenses = (entry.license,) if entry.license and isinstance(entry.license, str) else ()
            yield Piece(PackageType.NPM, entry.name or name, entry.version, licenses)
        else:
            tally.add(ELSEWHERE)
    yield from tally.doubts()


def _nested(dependencies: dict[str, Any], tally: Tally) -> Iterator[Piece]:
    todo = [(dependencies, 0)]
    while todo:
        level, depth = todo.pop()
        for name, raw in level.items():
            try:
                entry = converted(raw, _Entry)
            except msgspec.ValidationError:
                tally.add(STRANGE)
                continue
            if _VERSION.fullmatch(entry.version):
                yield Piece(PackageType.NPM, name, entry.version)
            elif alias := _NAMED.fullmatch(entry.version):
                yield Piece(PackageType.NPM, alias[1], alias[2])
            else:
                tally.add(ELSEWHERE)
            if entry.dependencies and depth < bounds.LOCK_LEVELS:
                todo.append((entry.dependencies, depth + 1))
            elif entry.dependencies:
                tally.add(NESTED)


def yarn_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """Yarn 1 names a package by its key, later ones by ``resolution``, which is also there for workspaces."""
    tally, name, understood, entries, elsewhere = Tally(), "", 0, 0, False
    written = tally.lines(content)
    berry = "__metadata:" in written
    for line in written:
        if not line.startswith((" ", "#")):
            entries += line.endswith(":") and line != "__metadata:"
            key = _YARN_KEY.match(line)
            name = (key[2] or key[1]) if key else ""
            # Behind the name stands what was asked for: of another place than the registry an address or a path.
            elsewhere = bool(key and not key[2] and _YARN_ADDRESS.match(line, key.end()))
        elif (found := _YARN_VERSION.fullmatch(line)) and not berry:
            understood += 1
            if name and not elsewhere and _VERSION.fullmatch(found[1]):
                yield Piece(PackageType.NPM, name, found[1])
            else:
                tally.add(ELSEWHERE if name else STRANGE)
        elif berry and (found := _YARN_RESOLUTION.fullmatch(line)):
            understood += 1
            # A patched package is the one that was patched, at its version; what stands behind two colons says from
            # where its archive comes, and to whom it is bound.
            named = _NAMED.fullmatch(found[1].partition("::")[0]) or _YARN_PATCHED.match(found[1])
            if named:
                yield Piece(PackageType.NPM, named[1], named[2])
            elif "@workspace:" not in found[1]:
                tally.add(ELSEWHERE)
    if not entries and any(line and not line.startswith("#") for line in written):
        tally.add(STRANGE)
    for _ in range(entries - understood):
        tally.add(STRANGE)
    yield from tally.doubts()


def pnpm_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """The keys of ``packages``: ``/a/1.0.0`` in version 5, ``/a@1.0.0`` in 6, ``a@1.0.0`` since 9.

    YAML could say the same in many ways; pnpm writes one of them, and another is told.
    """
    inside, understood, tally = False, False, Tally()
    for line in tally.lines(content):
        if line and not line.startswith((" ", "#")):
            key, _, value = line.partition(":")
            inside = key.strip("'\"") == "packages"
            understood = understood or key == "lockfileVersion"
            if inside and value.strip() not in ("", "{}"):
                tally.add(STRANGE)
        elif inside and (found := _PNPM_KEY.fullmatch(line)):
            yield Piece(PackageType.NPM, found[1], found[2])
        elif inside and _PNPM_ENTRY.match(line):
            tally.add(STRANGE if line.startswith("    ") or _PNPM_INDIRECT.search(line) else ELSEWHERE)
    if not understood and content.strip():
        tally.add(STRANGE)
    yield from tally.doubts()


def bun_lockb(content: bytes) -> Iterator[Piece | Doubt]:
    """The form of Bun's file before version 1.2."""
    del content
    raise Unreadable(
        "is Bun's binary lock file, which is not read; `bun install --save-text-lockfile` writes the other"
    )


def bun_lock(content: bytes) -> Iterator[Piece | Doubt]:
    """JSON that may have a comma after the last element."""
    lock, tally = from_json(_TRAILING.sub(r"\1", text(content)), _BunLock), Tally()
    for parts in lock.packages.values():
        identity = parts[0] if parts and isinstance(parts[0], str) else ""
        if named := _NAMED.fullmatch(identity):
            yield Piece(PackageType.NPM, named[1], named[2])
        elif "@workspace:" not in identity:
            tally.add(ELSEWHERE)
    yield from tally.doubts()
