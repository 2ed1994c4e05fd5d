"""A plain layer hashed by a thread of its own, while the walk over its headers skips what nobody wants."""

import hashlib
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from hullguard.inventory.limits import Budget
from hullguard.inventory.source.mapped import mapped
from hullguard.inventory.streams import Section

_PIECE = 1 << 20


class Hashing:
    """Hashes a section to its end; leaving the context before asking for the digest gives it up."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._hash = hashlib.sha256()
        self._error: OSError | None = None
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
            for window in mapped(self._section):
                self._hash.update(window)
                self.count += len(window)
                if self._given_up:
                    return
            while not self._given_up and (piece := self._section.read(_PIECE)):
                self._hash.update(piece)
                self.count += len(piece)
        except OSError as error:
            self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._given_up = True
        self._thread.join()


class Spent(Section):
    """A section of which every byte, read or skipped, is told and counted against the budget, a good many at a time."""

    def __init__(self, section: Section, budget: Budget, told: Callable[[int], None]) -> None:
        super().__init__(section.pread, section.offset, section.left)
        self._budget = budget
        self._told = told
        self._counted = section.left

    def read(self, n: int, /) -> bytes:
        data = self.pread(min(n, self.left), self.offset) if self.left else b""
        self.offset += len(data)
        self.left -= len(data)
        if self._counted - self.left > _PIECE:
            self._count()
        return data

    def rest(self) -> None:
        """Counts what the walk left behind the end of the archive."""
        self.left = 0
        self._count()

    def _count(self) -> None:
        passed, self._counted = self._counted - self.left, self.left
        self._budget.spend_bytes(passed)
        self._told(passed)
