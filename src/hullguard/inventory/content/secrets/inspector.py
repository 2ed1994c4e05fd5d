"""The inspector ``secret``: credentials in the files of a layer."""

import functools
import hashlib
import itertools
import re
import threading
import time
from collections.abc import Iterable, Iterator
from typing import ClassVar

import msgspec

from hullguard.inventory import bounds
from hullguard.inventory.content.inspector import Inspector
from hullguard.inventory.content.secrets.automaton import build
from hullguard.inventory.content.secrets.git_objects import Unpacked, is_object
from hullguard.inventory.content.secrets.judge import MASK, promising
from hullguard.inventory.content.secrets.matcher import WINDOW, Found, Matcher, shared
from hullguard.inventory.content.secrets.opaque import compressed, opaque, unpacks_itself
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.content.secrets.stores import BEGINNINGS, stores, undecided
from hullguard.inventory.content.secrets.wide import Runs, encoding_of, utf_8
from hullguard.inventory.endings import Endings
from hullguard.inventory.limits import Limits
from hullguard.model.content import Secret
from hullguard.model.package import Unknown

_SMALLEST = 16
_HEAD = 512
_BINARY = 64 << 20
"""Of what is no text: the weights of a model, say, have gigabytes, and no credential behind the first of them."""
_BEHIND = "credentials were looked for in the script; what is compressed behind it was not looked into"
_CODE = 13  # grows when the engine itself could find something else


class SecretInspector(Inspector):
    """Made for one scan: it counts the time that it takes."""

    name: ClassVar[str] = "secret"

    def __init__(self) -> None:
        self._seconds: float = Limits().secret_seconds
        self._spent = 0.0
        self._unpacked = 0
        """Bytes of Git's objects."""
        self._lock = threading.Lock()

    @functools.cached_property
    def version(self) -> str:
        return f"{_CODE}.{hashlib.sha256(msgspec.json.encode(RULES)).hexdigest()[:16]}"

    def wants(self, path: str, size: int, mode: int, head: bytes) -> bool:
        """Whatever can be read as it lies there, whatever its name says that it is."""
        del mode
        return size >= _SMALLEST and not compressed(head) and not opaque(head) and promising(path)

    def told(self, path: str) -> frozenset[str]:
        return frozenset(f"secret {number}" for number in rules_of_path(path))

    def passes_over(self, path: str, size: int, mode: int, head: bytes) -> str:
        del mode
        return "compressed" if size >= _SMALLEST and compressed(head) and promising(path) else ""

    def nameless(self, head: bytes) -> str:
        return "objects of Git" if is_object(head) else ""

    def bind(self, limits: Limits) -> None:
        self._seconds = limits.secret_seconds

    def inspect(self, path: str, size: int, mode: int, chunks: Iterator[bytes]) -> Iterable[Secret | Unknown]:
        del mode
        if self._spent >= self._seconds:
            why = "credentials were looked for in other files for too long; in this one they were not"
            return [Unknown(path, why, incomplete=True)]
        if size > WINDOW:
            clock = _Clock(chunks)
            found, spent = list(self._large(path, size, clock)), clock.spent
        else:
            content = b"".join(chunks)
            # Most files are small, and to ask the kernel for a thread's time takes longer than the search.
            began = time.perf_counter()
            found, spent = self._small(path, content), time.perf_counter() - began
        with self._lock:
            self._spent += spent
        return found

    def _small(self, path: str, content: bytes) -> list[Secret | Unknown]:
        particular = rules_of_path(path)
        found = _stores(path, content) if content.startswith(BEGINNINGS) else []
        if is_object(content[:_HEAD]):
            return list(self._object(path, [content]))
        if unpacks_itself(content):
            found.append(Unknown(path, _BEHIND))
        if (encoding := encoding_of(content[:_HEAD])) is not None:
            content = b"".join(utf_8([content], encoding))
        elif b"\0" in content:
            content = b"".join(Runs().behind([content]))
        if particular or self.matcher.candidates(content):
            found += self._found(path, [content], particular)
        return found

    def _object(self, path: str, chunks: Iterable[bytes], clock: "_Clock | None" = None) -> Iterator[Secret | Unknown]:
        if self._unpacked >= bounds.GIT_BYTES:
            why = f"{bounds.GIT_BYTES} bytes were unpacked from other objects of Git; this one was not looked into"
            yield Unknown(path, why, incomplete=True)
            return
        unpacked, runs = Unpacked(chunks), Runs()
        yield from self._found(path, runs.behind(unpacked), frozenset())
        with self._lock:
            self._unpacked += unpacked.count
        if unpacked.why and not (clock and clock.stopped):
            yield Unknown(path, unpacked.why, incomplete=True)

    def _large(self, path: str, size: int, clock: "_Clock") -> Iterator[Secret | Unknown]:
        first = next(clock, b"")
        if is_object(first[:_HEAD]):
            yield from self._object(path, self._in_time(itertools.chain([first], clock), clock), clock)
            yield from _late(path, size, clock)
            return
        content: Iterator[bytes] = self._in_time(itertools.chain([first], clock), clock)
        yield from _stores(path, first)
        if unpacks_itself(first):
            yield Unknown(path, _BEHIND)
        runs = Runs()
        if (encoding := encoding_of(first[:_HEAD])) is not None:
            content = utf_8(content, encoding)
        else:
            if b"\0" in first[:_HEAD] and size > _BINARY:
                yield Unknown(path, f"it is no text; credentials were looked for in {_BINARY} of its {size} bytes")
                content = _begin(content)
            content = runs.behind(content)
        yield from self._found(path, content, rules_of_path(path))
        if runs.cut:
            why = f"of text of two bytes a character that lies in it {bounds.WIDE_BYTES} characters were looked at"
            yield Unknown(path, why, incomplete=True)
        yield from _late(path, size, clock)

    def _in_time(self, content: Iterator[bytes], clock: "_Clock") -> Iterator[bytes]:
        for chunk in content:
            yield chunk
            if self._spent + clock.spent >= self._seconds:
                clock.stopped = True
                return

    def _found(self, path: str, chunks: Iterable[bytes], particular: frozenset[int]) -> Iterator[Secret | Unknown]:
        reading = self.matcher.reading(particular)
        for found in reading.run(chunks):
            yield Secret(found.rule.id, found.rule.title, found.rule.severity, path, found.line, found.match)
        if reading.cut:
            why = "so much in it looks like credentials that not all of it was judged"
            yield Unknown(path, why, incomplete=True)

    def ready(self) -> None:
        self.matcher.candidates(b"")
        rules_of_path("")

    def text(self, text: str) -> list[Found]:
        """The credentials in a string that is no file, for example a variable of the environment."""
        return list(self.matcher.find([text.encode("utf-8", "replace")]))

    @functools.cached_property
    def matcher(self) -> Matcher:
        """Made only when there is something to look into: it takes longer than to read a cached index."""
        return shared(self.version, lambda: RULES)


class _Clock(Iterator[bytes]):
    """The pieces of a file, and the time that its thread spent on anything but waiting for them."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._since = time.thread_time()
        self._waited = 0.0
        self.read = 0
        """Bytes so far."""
        self.stopped = False

    def __next__(self) -> bytes:
        asked = time.thread_time()
        try:
            chunk = next(self._chunks)
        finally:
            self._waited += time.thread_time() - asked
        self.read += len(chunk)
        return chunk

    @property
    def spent(self) -> float:
        """Seconds of a processor."""
        return time.thread_time() - self._since - self._waited


def _late(path: str, size: int, clock: _Clock) -> Iterator[Unknown]:
    if clock.stopped and clock.read < size:
        why = f"credentials were looked for in {clock.read} of its {size} bytes; the search took too long"
        yield Unknown(path, why, incomplete=True)


def _stores(path: str, content: bytes) -> list[Secret | Unknown]:
    """What a file of keys is, of which nothing can be shown."""
    if doubt := undecided(content):
        return [Unknown(path, doubt)]
    return [Secret(store.id, store.title, store.severity, path, 1, MASK) for store in stores(content)]


def _begin(chunks: Iterable[bytes]) -> Iterator[bytes]:
    left = _BINARY
    for chunk in chunks:
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return


def rules_of_path(path: str) -> frozenset[int]:
    """The rules that apply to files of this name only."""
    endings, some, numbers = _paths()
    if not endings.possible(path) or not some.fullmatch(path):
        return frozenset()
    fitting = (those for pattern, those in numbers.items() if _compiled(pattern).fullmatch(path))
    return frozenset(itertools.chain.from_iterable(fitting))


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


@functools.cache
def _paths() -> tuple[Endings, re.Pattern[str], dict[str, list[int]]]:
    """What tells most names apart, what fits those that some rule is for, and the rules by the pattern of their names.

    Each pattern is compiled when a name fits one of them: in most images none does.
    """
    numbers: dict[str, list[int]] = {}
    for number, rule in enumerate(RULES):
        if rule.paths:
            numbers.setdefault(rf"(?:.*/)?(?:{rule.paths})", []).append(number)
    some = "|".join(dict.fromkeys(rule.paths for rule in RULES if rule.paths))
    return Endings(numbers), re.compile(rf"(?:.*/)?(?:{some})", re.DOTALL), numbers


if __name__ == "__main__":
    build(*Matcher(RULES).searched)
