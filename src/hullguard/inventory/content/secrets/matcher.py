"""Finds credentials in a stream: one automaton over all rules finds candidates, one expression each confirms them.

The stream passes in windows that overlap, so its size does not matter; a match belongs to the window that it begins in.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from hullguard.inventory import bounds
from hullguard.inventory.content.secrets.automaton import automaton
from hullguard.inventory.content.secrets.judge import credible, redacted
from hullguard.inventory.content.secrets.rule import Rule

WINDOW = 1 << 20
OVERLAP = 4096
"""No match is longer."""
MARGIN = 64
"""What is kept before a match that the next window begins with, to see the name it is assigned to."""


class Found(Struct, frozen=True):
    """A credential at its place in a stream."""

    rule: Rule
    line: int
    match: str


class _Span(Struct, frozen=True):
    number: int
    begin: int
    """Of the match; the secret may begin later."""
    start: int
    end: int


class Matcher:
    """The compiled rules. Safe to share between threads: each has scratch space of its own."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules = tuple(rules)
        self._patterns: dict[int, tuple[re.Pattern[bytes], re.Pattern[bytes] | None]] = {}
        """By rule, compiled when first needed: what confirms a match, and what excuses it."""
        self._needs = {
            number: tuple(word.encode("ascii") for word in rule.needs)
            for number, rule in enumerate(self.rules)
            if rule.needs
        }
        # Hits of a rule that depends on the path would only be thrown away nearly everywhere.
        self._everywhere = [number for number, rule in enumerate(self.rules) if not rule.paths]
        self._database = automaton(*self.searched)
        self._local = threading.local()

    @property
    def searched(self) -> tuple[list[str], list[int]]:
        """What the automaton looks for: a pattern and its number for each rule that does not depend on the path."""
        return [self.rules[number].candidate for number in self._everywhere], self._everywhere

    def find(self, chunks: Iterable[bytes], extra: frozenset[int] = frozenset()) -> Iterator[Found]:
        """The credentials of a stream in their order; ``extra`` numbers rules to apply beside those for every path."""
        return self.reading(extra).run(chunks)

    def reading(self, extra: frozenset[int] = frozenset()) -> "Pass":
        """The same as an object that also tells whether a bound ended it."""
        return Pass(self, extra)

    def candidates(self, window: bytes) -> set[int]:
        """The rules, by number, that may match somewhere in the window."""
        numbers: set[int] = set()
        self._database.scan(window, match_event_handler=_note, context=numbers, scratch=self._scratch())
        return numbers

    def spans(self, number: int, window: bytes) -> Iterator[_Span]:
        """Where a rule matches; where it only steps over a comment there is nothing."""
        if (needs := self._needs.get(number)) and not any(word in window for word in needs):
            return
        if number not in self._patterns:
            self._patterns[number] = self.rules[number].confirm(), self.rules[number].excuse()
        pattern, unless = self._patterns[number]
        group = 1 if pattern.groups else 0
        for match in pattern.finditer(window):
            start, end = match.span(group)
            if start >= 0 and (unless is None or unless.match(window, end) is None):
                yield _Span(number, match.start(), start, end)

    def places(self, text: bytes) -> list[tuple[int, int]]:
        """Where credentials stand in a text, in order; they may overlap."""
        spans = (span for number in self.candidates(text) for span in self.spans(number, text))
        return sorted(
            (span.start, span.end) for span in spans if credible(self.rules[span.number], text[span.start : span.end])
        )

    def _scratch(self) -> Any:
        scratch = getattr(self._local, "scratch", None)
        if scratch is None:
            import hyperscan

            scratch = self._local.scratch = hyperscan.Scratch(self._database)
        return scratch


class Pass:
    """One pass over one stream."""

    def __init__(self, matcher: Matcher, extra: frozenset[int]) -> None:
        self._matcher = matcher
        self._extra = extra
        self._seen: set[bytes] = set()
        self._lines = 1
        self._confirmed = 0
        self._found = 0
        self.cut = False
        """A bound ended the search before the stream did."""

    def run(self, chunks: Iterable[bytes]) -> Iterator[Found]:
        for window, first, stop in windows(chunks):
            for found in self._window(window, first, stop):
                if self._found == bounds.SECRETS_OF_A_FILE:
                    self.cut = True
                    return
                self._found += 1
                yield found
            if stop < len(window):
                # The next window begins MARGIN before the first match that it owns.
                self._lines += window.count(b"\n", 0, stop - MARGIN)

    def _window(self, window: bytes, first: int, stop: int) -> Iterator[Found]:
        numbers = self._matcher.candidates(window) | self._extra
        if not numbers:
            return
        if self._confirmed > bounds.SECRETS_JUDGED:
            self.cut = True
            return
        self._confirmed += len(numbers)
        spans = [span for number in sorted(numbers) for span in self._matcher.spans(number, window)]
        claimed = [(span.start, span.end) for span in spans]
        taken: list[_Span] = []
        for span in spans:
            secret = window[span.start : span.end]
            if not first <= span.begin < stop or not credible(self._matcher.rules[span.number], secret):
                continue
            if any(span.start < other.end and other.start < span.end for other in taken):
                continue  # a more particular rule has it
            taken.append(span)
            if len(taken) > bounds.SECRETS_OF_A_FILE:
                self.cut = True
                break
        for span in sorted(taken, key=lambda span: span.start):
            known = hashlib.blake2b(window[span.start : span.end], digest_size=16).digest()
            if known not in self._seen:
                self._seen.add(known)
                line = self._lines + window.count(b"\n", 0, span.start)
                match = redacted(window, span.start, span.end, claimed)
                yield Found(self._matcher.rules[span.number], line, match)


def windows(chunks: Iterable[bytes]) -> Iterator[tuple[bytes, int, int]]:
    """Windows over a stream, each with the range in which a match must begin to belong to it."""
    held, size, first = [], 0, 0
    for chunk in chunks:
        for offset in range(0, len(chunk), WINDOW):
            piece = chunk[offset : offset + WINDOW] if len(chunk) > WINDOW else chunk
            held.append(piece)
            size += len(piece)
            if size >= WINDOW:
                window = b"".join(held)
                stop = len(window) - OVERLAP
                yield window, first, stop
                held, first = [window[stop - MARGIN :]], MARGIN
                size = len(held[0])
    window = b"".join(held)
    yield window, first, len(window)


def _note(number: int, _start: int, _end: int, _flags: int, numbers: set[int]) -> None:
    numbers.add(number)


_LOCK = threading.Lock()
_SHARED: dict[str, Matcher] = {}


def shared(version: str, rules: Callable[[], Iterable[Rule]]) -> Matcher:
    """The matcher of a version of the rules, compiled once per process when it is first needed."""
    with _LOCK:
        if version not in _SHARED:
            _SHARED[version] = Matcher(rules())
        return _SHARED[version]
