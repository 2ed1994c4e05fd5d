"""Layers hashed by processes of their own from the moment they are known until the report is all but written.

What a layer is stands at the end of its hash, but an image says it before. So who will end soon takes the image's word,
reads and matches meanwhile, and asks at the end whether the word was kept. Where it was not, or nobody can tell, what
was read counts for nothing: the image is read again as if nobody had hashed it, and that says what is wrong.
"""

import functools
import hashlib
import os
import struct
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import NamedTuple, Self

from hullguard.inventory.children import forked, reap
from hullguard.inventory.source.mapped import is_held, lease_on, mapped
from hullguard.inventory.streams import Section

_ANSWER = struct.Struct("<I32s")
_MOST_FILES = 64
"""That are kept open."""


class _Place(NamedTuple):
    """A part of a file, whatever the file is called and whoever opened it."""

    device: int
    file: int
    offset: int
    size: int

    @property
    def whole(self) -> tuple[int, int]:
        """The file that it is a part of."""
        return self.device, self.file


class _Word(NamedTuple):
    """Somebody's word for what a place holds, and what is done once it is known to be kept."""

    place: _Place
    digest: str
    then: Callable[[], None]


class Ahead:
    """Digests that are being computed. Leaving the context gives up those that nobody has waited for."""

    def __init__(self) -> None:
        self._held: dict[tuple[int, int], int] = {}
        self._numbers: dict[_Place, int] = {}
        self._found: dict[int, bytes] = {}
        self._words: list[_Word] = []
        self._children: list[int] = []
        self._answers: int | None = None

    @property
    def processes(self) -> int:
        """How many of them hash."""
        return len(self._children)

    def hash(self, sections: Sequence[Section]) -> None:
        """Has these hashed from now on, and nothing else; only for a process that has no other thread.

        Their files are held until the context is left, so that who reads them meanwhile reads what is hashed. What
        cannot be held, is too much, or was not begun when another of them was, is left to whoever reads it.
        """
        places = [_place(section) for section in sections]
        if self._numbers and self._numbers.keys() <= set(places):
            return
        self.stop()
        todo: list[Section] = []
        for place, section in sorted(zip(places, sections, strict=True), key=lambda pair: -pair[1].left):
            if place is not None and place not in self._numbers and self._hold(place, section):
                self._numbers[place] = len(todo)
                todo.append(section)
        if todo:
            self._begin(todo)

    def stop(self) -> None:
        """Gives up what is hashed, and what somebody gave his word for."""
        for pid in self._children:
            reap(pid)
        for held in self._held.values():
            os.close(held)
        if self._answers is not None:
            os.close(self._answers)
        self._answers = None
        for one in (self._children, self._held, self._numbers, self._found, self._words):
            one.clear()

    def lease(self, section: Section) -> int | None:
        """The open file, held, of a section that is hashed here; None for any other."""
        place = _place(section) if self._children else None
        return self._held[place.whole] if place is not None and place in self._numbers else None

    def rely(self, section: Section, digest: str, then: Callable[[], None]) -> None:
        """Takes somebody's word for the digest of a section that is hashed here; ``then`` is done if it is kept."""
        if (place := _place(section)) is not None:
            self._words.append(_Word(place, digest, then))

    def kept(self) -> bool:
        """Waits for all digests for which there is a word: whether each is kept, and nobody touched the files."""
        if not all(self._digest(word.place) == word.digest for word in self._words):
            return False
        if not all(is_held(held) for held in self._held.values()):
            return False
        for word in self._words:
            word.then()
        return True

    def _hold(self, place: _Place, section: Section) -> bool:
        if place.whole not in self._held and len(self._held) < _MOST_FILES:
            held = lease_on(section.descriptor)
            if held is not None:
                self._held[place.whole] = held
        return place.whole in self._held

    def _begin(self, sections: Sequence[Section]) -> None:
        self._answers, answer = os.pipe()
        # One of two processors is for who reads and matches; all of it is done in the end, whoever begins.
        count = min(len(sections), max(1, len(os.sched_getaffinity(0)) // 2))
        numbered, parent = [*enumerate(sections)], os.getpid()
        try:
            for first in range(count):
                self._children.append(forked(functools.partial(_hash, numbered[first::count], answer, parent)))
        except OSError:
            pass  # as many as there may be: what nobody hashes is never answered
        finally:
            os.close(answer)

    def _digest(self, place: _Place) -> str | None:
        number = self._numbers.get(place)
        while number is not None and self._answers is not None and number not in self._found:
            # So little comes in one piece, or not at all when all have ended that could write it.
            answer = os.read(self._answers, _ANSWER.size)
            if len(answer) < _ANSWER.size:
                return None
            found, digest = _ANSWER.unpack(answer)
            self._found[found] = digest
        return f"sha256:{self._found[number].hex()}" if number in self._found else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def _place(section: Section) -> _Place | None:
    """Where a section lies; None where it is no part of a file of this machine."""
    if section.descriptor is None:
        return None
    state = os.fstat(section.descriptor)
    return _Place(state.st_dev, state.st_ino, section.offset, section.left)


def _hash(sections: Sequence[tuple[int, Section]], answer: int, parent: int) -> None:
    """The life of a process that hashes; it ends early where a file can no longer be held, or nobody wants to know."""
    for number, section in sections:
        digest = hashlib.sha256()
        for window in mapped(section):
            digest.update(window)
            if os.getppid() != parent:
                return
        if section.left:
            return
        os.write(answer, _ANSWER.pack(number, digest.digest()))
