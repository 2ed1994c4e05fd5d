"""Go's module files."""

import re
from collections.abc import Iterable, Iterator

from hullguard.inventory.analyzers.language import Doubt, Piece
from hullguard.inventory.analyzers.locks.tally import ELSEWHERE, UNPINNED, Tally
from hullguard.model.package import PackageType

_DIRECTIVE = re.compile(r"(\w+)(?:\s+|(?=\())(.*)")
_LANGUAGE = re.compile(r"(\d+)\.(\d+).*")
# Since this version every module that is needed to build stands in go.mod.
_COMPLETE = (1, 17)


def go_mod(content: bytes) -> Iterator[Piece | Doubt]:
    """Requirements with their replacements."""
    required: dict[str, str] = {}
    replaced: dict[tuple[str, str], tuple[str, str]] = {}
    excluded = set[tuple[str, str]]()
    language, tally = (0, 0), Tally()
    for verb, words in _directives(tally.lines(content)):
        if verb == "require" and len(words) >= 2:
            required[words[0]] = words[1]
        elif verb == "replace" and "=>" in words:
            arrow = words.index("=>")
            old, new = words[:arrow], words[arrow + 1 :]
            if old and new:
                replaced[old[0], old[1] if len(old) > 1 else ""] = (new[0], new[1] if len(new) == 2 else "")
        elif verb == "exclude" and len(words) >= 2:
            excluded.add((words[0], words[1]))
        elif verb == "go" and words and (found := _LANGUAGE.fullmatch(words[0])):
            language = (int(found[1]), int(found[2]))
    for module in required.items():
        name, version = replaced.get(module) or replaced.get((module[0], "")) or module
        if module in excluded or not version:
            tally.add(ELSEWHERE if not version else UNPINNED)  # in its place stands a directory, or the next version
        else:
            yield Piece(PackageType.GOLANG, name, version)
    yield from tally.doubts()
    if language < _COMPLETE:
        yield Doubt("it was written before Go 1.17 and need not list the dependencies of dependencies")


def go_sum(content: bytes) -> Iterator[Piece | Doubt]:
    """Modules whose code was fetched; of the others only the module file was."""
    tally = Tally()
    for line in tally.lines(content):
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
