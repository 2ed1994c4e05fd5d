"""The inspector ``secret``: credentials in the files of a layer."""

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.content.secrets.automaton import build
from hullguard.inventory.content.secrets.judge import promising
from hullguard.inventory.content.secrets.matcher import WINDOW, Found, Matcher, shared
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.endings import Endings
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

_SMALLEST = 16
# A program has few strings of its own, and the many of its libraries; a small one may be a data file.
_BINARY = 256 << 10
_CODE = 4  # grows when the engine itself could find something else


class SecretInspector(Inspector):
    name: ClassVar[str] = "secret"

    @functools.cached_property
    def version(self) -> str:
        return f"{_CODE}.{hashlib.sha256(msgspec.json.encode(RULES)).hexdigest()[:16]}"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Text of any size, and small files of any kind."""
        del mode
        return (
            size >= _SMALLEST and promising(path) and (size <= _BINARY or b"\0" not in head) and head[:4] != b"\x7fELF"
        )

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Secret | Unknown]:
        del mode
        particular = rules_of_path(path)
        if size <= WINDOW:
            content = b"".join(chunks)  # most files are small, and nothing in them looks like a credential
            if particular or self.matcher.candidates(content):
                return self._found(path, [content], particular)
            return ()
        return self._found(path, chunks, particular)

    def _found(self, path: str, chunks: Iterable[bytes], particular: frozenset[int]) -> Iterator[Secret | Unknown]:
        reading = self.matcher.reading(particular)
        for found in reading.run(chunks):
            yield Secret(found.rule.id, found.rule.title, found.rule.severity, path, found.line, found.match)
        if reading.cut:
            yield Unknown(path, "so much in it looks like credentials that not all of it was judged")

    def text(self, text: str) -> list[Found]:
        """The credentials in a string that is no file, for example a variable of the environment."""
        return list(self.matcher.find([text.encode("utf-8", "replace")]))

    @property
    def matcher(self) -> Matcher:
        return shared(self.version, lambda: RULES)


def rules_of_path(path: str) -> frozenset[int]:
    """The rules that apply to files of this name only."""
    endings, patterns = _paths()
    if not endings.possible(path):
        return frozenset()
    return frozenset(number for number, pattern in patterns if pattern.fullmatch(path))


@functools.cache
def _paths() -> tuple[Endings, tuple[tuple[int, re.Pattern[str]], ...]]:
    patterns = [(number, rf"(?:.*/)?(?:{rule.paths})") for number, rule in enumerate(RULES) if rule.paths]
    compiled = tuple((number, re.compile(pattern, re.DOTALL)) for number, pattern in patterns)
    return Endings(pattern for _, pattern in patterns), compiled


if __name__ == "__main__":
    build(*Matcher(RULES).searched)
