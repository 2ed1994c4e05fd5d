"""A plain layer hashed by a thread of its own, while the walk over its headers skips what nobody wants."""

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from hullguard.inventory.limits import Budget
from hullguard.inventory.source.mapped import Pages, mapped
from hullguard.inventory.streams import Chunk, Section

_PIECE = 1 << 20


class Processors:
    """Shares the processors out: while there is something to walk over, one of them is kept for it.

    All layers are hashed in the end, whoever begins, but a walk that waits for a processor has all else wait for it.
    """

    def __init__(self, count: int | None = None, *, walks: int | None = 1) -> None:
        """``walks``: how many may go on at once, of those that are waited for; None for all of them."""
        self._count = count or len(os.sched_getaffinity(0))
        self._most_walks = walks
        self._walks = 0
        self.hashing = 0
        self.changed = threading.Condition()
        """To be told when somebody who waits is to look again."""

    @contextmanager
    def walk(self) -> Iterator[None]:
        """As long as a walk is waited for or goes on."""
        with self.changed:
            self._walks += 1
        try:
            yield
        finally:
            with self.changed:
                self._walks -= 1
                self.changed.notify_all()

    @contextmanager
    def hash(self, unless: Callable[[], bool]) -> Iterator[None]:
        """Waits for a processor to hash with, ``unless`` that is no longer wanted."""
        with self.changed:
            self.changed.wait_for(lambda: self.hashing < self.for_hashing or unless())
            self.hashing += 1
        try:
            yield
        finally:
            with self.changed:
                self.hashing -= 1
                self.changed.notify_all()

    @property
    def for_hashing(self) -> int:
        """How many may hash at once, as things stand."""
        return max(1, self._count - min(self._walks, self._most_walks or self._walks))


class Hashing:
    """Hashes a section to its end; leaving the context before asking for the digest gives it up."""

    def __init__(self, section: Section, processors: Processors | None = None) -> None:
        self._section = section
        self._processors = processors or Processors()
        self._hash = hashlib.sha256()
        self._error: Exception | None = None
        self._given_up = False
        self._thread = threading.Thread(target=self._run, name="hashing")
        self.count = 0

    def digest(self) -> str:
        """``sha256:…`` of the whole section; waits for it."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        return f"sha256:{self._hash.hexdigest()}"

    def _run(self) -> None:
        try:
            with self._processors.hash(unless=lambda: self._given_up):
                self._all()
        except Exception as error:  # noqa: BLE001 - raised where the digest is waited for
            self._error = error

    def _all(self) -> None:
        for window in mapped(self._section):
            self._hash.update(window)
            self.count += len(window)
            if self._given_up:
                return
        while not self._given_up and (piece := self._section.read(_PIECE)):
            self._hash.update(piece)
            self.count += len(piece)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._given_up = True
        with self._processors.changed:
            self._processors.changed.notify_all()
        self._thread.join()


class Spent(Section):
    """A section of which every byte, read or skipped, is told and counted against the budget, a good many at a time.

    Where its pages can be had they are what ``chunk`` gives, and nothing is read.
    """

    def __init__(
        self, section: Section, budget: Budget, told: Callable[[int], None], pages: Pages | None = None
    ) -> None:
        super().__init__(section.pread, section.offset, section.left)
        self._budget = budget
        self._told = told
        self._counted = section.left
        self._pages = pages

    def read(self, n: int, /) -> bytes:
        data = self.pread(min(n, self.left), self.offset) if self.left else b""
        self.offset += len(data)
        self.left -= len(data)
        if self._counted - self.left > _PIECE:
            self._count()
        return data

    def chunk(self, n: int) -> tuple[Chunk, int]:
        window = self._pages.at(self.offset, self.offset + self.left) if self._pages is not None else None
        if window is None:
            return self.read(n), 0
        self.skip(len(window[0]) - window[1])
        self._count()
        return window

    def lasts(self) -> bool:
        return self._pages is None or self._pages.last()

    def rest(self) -> None:
        """Counts what the walk left behind the end of the archive."""
        self.left = 0
        self._count()

    def _count(self) -> None:
        passed, self._counted = self._counted - self.left, self.left
        self._budget.spend_bytes(passed)
        self._told(passed)
