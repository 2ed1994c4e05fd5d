"""Go's module files: what ``go.mod`` requires and, of a module from before Go 1.17, what ``go.sum`` alone has.

Since that version every module that is needed to build stands in ``go.mod`` (Go Modules Reference, "Module graph
pruning"). Before, it need not list what other modules bring. Of those ``go.sum`` has checksums: of the module file of
each that was considered, and of the code of each that was fetched, as builds need it; also of versions that were used
once. A build has one version of a module, and the highest that anybody asks for, so the highest is taken.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.analyzers.analyzer import File, Files
from hullguard.inventory.analyzers.language import Doubt, LanguageAnalyzer, Piece, Reading, TooMuch
from hullguard.inventory.analyzers.locks.analyzer import OF_OTHERS
from hullguard.inventory.analyzers.locks.marks import damaged, unmarked
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, UNPINNED, Tally
from hullguard.model.decoding import from_json
from hullguard.model.package import PackageType

_DIRECTIVE = re.compile(r"(\w+)(?:\s+|(?=\())(.*)")
_LANGUAGE = re.compile(r"(\d+)\.(\d+).*")
_COMPLETE = (1, 17)
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?")
_OLD = "it was written before Go 1.17 and need not list the dependencies of dependencies"
_BESIDE_OLD = (
    "go.mod was written before Go 1.17 and need not list the dependencies of dependencies: of each module the "
    "highest version whose code was fetched is taken, which may no longer be used"
)
_ALONE = (
    "no go.mod that was read lies beside it: of each module the highest version whose code was fetched is taken, "
    "which may no longer be used"
)


class _Module(Reading):
    """What is kept of a ``go.mod``."""

    complete: bool = False
    """Whether it has all that is needed to build."""
    decided: frozenset[str] = frozenset()
    """Modules of which it says what is used."""
    unused: frozenset[tuple[str, str]] = frozenset()
    """Versions of which it says that they are not."""


class GoAnalyzer(LanguageAnalyzer):
    """Module files of a scanned directory; in an image they say nothing of what is there."""

    name, version = "golang", 3
    paths = OF_OTHERS + r"(?:.*/)?go\.(?:mod|sum)"
    form = "lock file"
    lists = True
    trees_only = True

    def pieces(self, path: str, content: bytes) -> Iterator[Piece | Doubt]:
        if len(content) > bounds.LOCK_BYTES:
            raise TooMuch(f"has more than {bounds.LOCK_BYTES >> 20} MiB; not read")
        written = unmarked(content)
        yield from damaged(written)
        yield from _fetched(written) if _is_sum(path) else _Requirements(written).pieces()

    def condense(self, path: str, content: bytes) -> bytes:
        if _is_sum(path) or len(content) > bounds.LOCK_BYTES:
            return super().condense(path, content)
        written = unmarked(content)
        said = _Requirements(written)
        reading = self.read(chain(damaged(written), said.pieces()))
        wholly = (name for name, version in said.replaced if not version)
        decided = frozenset({*said.required, *(piece.name for piece in reading.pieces), *wholly})
        return msgspec.json.encode(
            _Module(
                pieces=reading.pieces,
                doubts=reading.doubts,
                complete=said.language >= _COMPLETE,
                decided=decided,
                unused=frozenset(said.excluded.union(said.replaced)),
            )
        )

    def variant(self, path: str) -> str:
        return "sum" if _is_sum(path) else "mod"

    def reader(self, files: Files) -> Callable[[str, File], Reading]:
        return lambda path, file: _beside(path, file, files)


def _is_sum(path: str) -> bool:
    return path.endswith("go.sum")


def _beside(path: str, file: File, files: Files) -> Reading:
    """What one of the two files says beside the other."""
    if not _is_sum(path):
        module = from_json(file.content, _Module)
        beside = files.file(path.removesuffix("mod") + "sum")
        if module.decided and not module.complete and not (beside is not None and beside.content):
            module.doubts.append(Doubt(_OLD))
        return module
    reading, beside = from_json(file.content, Reading), files.file(path.removesuffix("sum") + "mod")
    module = from_json(beside.content, _Module) if beside is not None and beside.content else _Module()
    highest: dict[str, Piece] = {}
    for piece in reading.pieces if not module.complete else ():
        if piece.name in module.decided or (piece.name, piece.version) in module.unused:
            continue
        known = highest.get(piece.name)
        if known is None or _order(piece.version) > _order(known.version):
            highest[piece.name] = piece
    if highest:
        reading.doubts.append(Doubt(_BESIDE_OLD if beside is not None else _ALONE))
    return Reading(list(highest.values()), reading.doubts if not module.complete else [])


def _order(version: str) -> tuple[int, int, int, bool, list[tuple[int, int, str]]] | tuple[()]:
    """Compares as semver.org's clause 11 does; what is no version of Go's is below all."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return ()
    parts = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in (found[4] or "").split(".") if part]
    return int(found[1]), int(found[2]), int(found[3]), not parts, parts


class _Requirements:
    """A ``go.mod`` by its directives."""

    def __init__(self, written: bytes) -> None:
        self.required: dict[str, str] = {}
        self.replaced: dict[tuple[str, str], tuple[str, str]] = {}
        self.excluded = set[tuple[str, str]]()
        self.language = (0, 0)
        self._tally = Tally()
        for verb, words in _directives(self._tally.lines(written)):
            self._add(verb, words)

    def _add(self, verb: str, words: list[str]) -> None:
        if verb == "require" and len(words) >= 2:
            self.required[words[0]] = words[1]
        elif verb == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[:arrow], words[arrow + 1 :]
            if old and new:
                place = (new[0], new[1] if len(new) == 2 else "")
                self.replaced[old[0], old[1] if len(old) > 1 else ""] = place
        elif verb == "exclude" and len(words) >= 2:
            self.excluded.add((words[0], words[1]))
        elif verb == "go" and words and (found := _LANGUAGE.fullmatch(words[0])):
            self.language = (int(found[1]), int(found[2]))

    def pieces(self) -> Iterator[Piece | Doubt]:
        """Requirements with their replacements."""
        for module in self.required.items():
            name, version = self.replaced.get(module) or self.replaced.get((module[0], "")) or module
            if module in self.excluded or not version:
                # In its place stands a directory, or the next version.
                self._tally.add(ELSEWHERE if not version else UNPINNED)
            else:
                yield Piece(PackageType.GOLANG, name, version)
        yield from self._tally.doubts()


def _fetched(written: bytes) -> Iterator[Piece | Doubt]:
    """Modules whose code was fetched; of the others only the module file was."""
    tally = Tally()
    for line in tally.lines(written):
        words = line.split()
        if len(words) == 3 and not words[1].endswith("/go.mod"):
            yield Piece(PackageType.GOLANG, words[0], words[1])
    yield from tally.doubts()


def _directives(written: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    block = ""
    for raw in written:
        line = raw.partition("//")[0].strip()
        if block:
            if line == ")":
                block = ""
            elif line:
                yield block, _words(line)
        elif found := _DIRECTIVE.fullmatch(line):
            if found[2] == "(":
                block = found[1]
            else:
                yield found[1], _words(found[2])


def _words(line: str) -> list[str]:
    """A word may stand in quotes."""
    return [word.strip('"`') for word in line.split()]
