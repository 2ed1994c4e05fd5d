"""The inspector ``secret``: credentials in the files of a layer."""

import codecs
import functools
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.content.secrets.automaton import build
from hullguard.inventory.content.secrets.judge import promising
from hullguard.inventory.content.secrets.matcher import WINDOW, Found, Matcher, shared
from hullguard.inventory.content.secrets.opaque import compressed, opaque
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.endings import Endings
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

_SMALLEST = 16
_HEAD = 512
_BINARY = 64 << 20
"""Of what is no text: the weights of a model, say, have gigabytes, and no credential behind the first of them."""
_MARKS = (
    *((codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32")),  # the first begins as the next one does
    *((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")),
)
# Which bytes of a character of ASCII are zero: of text without a mark nearly all others are not.
_ZEROS = (
    ("utf-32-le", (False, True, True, True)),
    ("utf-32-be", (True, True, True, False)),
    ("utf-16-le", (False, True, False, True)),
    ("utf-16-be", (True, False, True, False)),
)
_CODE = 8  # grows when the engine itself could find something else


class SecretInspector(Inspector):
    name: ClassVar[str] = "secret"

    @functools.cached_property
    def version(self) -> str:
        return f"{_CODE}.{hashlib.sha256(msgspec.json.encode(RULES)).hexdigest()[:16]}"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Whatever can be read as it lies there, whatever its name says that it is."""
        del mode
        return size >= _SMALLEST and not compressed(head) and not opaque(head) and promising(path)

    def passes_over(self, path: str, size: int, mode: int, head: bytes) -> str:
        del mode
        return "compressed" if size >= _SMALLEST and compressed(head) and promising(path) else ""

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Secret | Unknown]:
        del mode
        particular = rules_of_path(path)
        if size > WINDOW:
            return self._large(path, size, chunks, particular)
        content = b"".join(chunks)  # most files are small, and nothing in them looks like a credential
        if (encoding := _wide(content[:_HEAD])) is not None:
            content = b"".join(_utf_8([content], encoding))
        if particular or self.matcher.candidates(content):
            return self._found(path, [content], particular)
        return ()

    def _large(
        self, path: str, size: int, chunks: Iterator[bytes], particular: frozenset[int]
    ) -> Iterator[Secret | Unknown]:
        first = next(chunks, b"")
        content: Iterator[bytes] = itertools.chain([first], chunks)
        if (encoding := _wide(first[:_HEAD])) is not None:
            content = _utf_8(content, encoding)
        elif b"\0" in first[:_HEAD] and size > _BINARY:
            yield Unknown(path, f"it is no text; credentials were looked for in {_BINARY} of its {size} bytes")
            content = _begin(content)
        yield from self._found(path, content, particular)

    def _found(self, path: str, chunks: Iterable[bytes], particular: frozenset[int]) -> Iterator[Secret | Unknown]:
        reading = self.matcher.reading(particular)
        for found in reading.run(chunks):
            yield Secret(found.rule.id, found.rule.title, found.rule.severity, path, found.line, found.match)
        if reading.cut:
            why = "so much in it looks like credentials that not all of it was judged"
            yield Unknown(path, why, incomplete=True)

    def text(self, text: str) -> list[Found]:
        """The credentials in a string that is no file, for example a variable of the environment."""
        return list(self.matcher.find([text.encode("utf-8", "replace")]))

    @functools.cached_property
    def matcher(self) -> Matcher:
        """Made only when there is something to look into: it takes longer than to read a cached index."""
        return shared(self.version, lambda: RULES)


def _wide(head: bytes) -> str | None:
    """The encoding of text in which a character of ASCII has two or four bytes, as programs of Windows write it."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    if b"\0" not in head[:64] or len(head) < _SMALLEST:
        return None
    parts = [head[place::4] for place in range(4)]
    for encoding, zeros in _ZEROS:
        if all(
            (part.count(0) > 0.8 * len(part)) is zero and (zero or 0 not in part)
            for part, zero in zip(parts, zeros, strict=True)
        ):
            return encoding
    return None


def _utf_8(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Such text in the bytes that rules are made for."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return (decoder.decode(chunk).encode("utf-8", "replace") for chunk in chunks)


def _begin(chunks: Iterable[bytes]) -> Iterator[bytes]:
    left = _BINARY
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


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
