"""A directory tree as one nameless layer: an unpacked root file system, or a mounted one.

The tree is walked by directory descriptors and no link is ever followed by the kernel, so that a tree that is
changed meanwhile cannot lead the walk out of its root. Threads look ahead: they list directories and read the first
bytes of files. What they found is taken in the order of the names, so the same tree gives the same index.
"""

import errno
import io
import os
import stat
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from hullguard.inventory.layer import Indexer
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import AtPlace, RandomAccess
from hullguard.inventory.source.cargo import Cargo
from hullguard.inventory.source.listing import Entry, LeftOut, Lister, Listing, open_file, spelled
from hullguard.inventory.source.mounts import Mounts
from hullguard.inventory.tar import Kind

_THREADS = 4
_GONE = os.strerror(errno.ENOENT)
"""A tree that is in use changes under the walk; whatever else is not read may have held something."""
_AHEAD = 8
"""Directories of one directory that are listed before they are needed."""


class TreeWalk:
    """Feeds an indexer from a directory."""

    def __init__(
        self,
        indexer: Indexer,
        root: Path,
        mounts: Mounts | None = None,
        progress: Callable[[str, int], None] | None = None,
        cargo: Cargo | None = None,
    ) -> None:
        """``cargo``: is shown the files that are nobody's by their names."""
        self._indexer = indexer
        self._root = root
        most = indexer.budget.limits.entries + 1
        self._lister = Lister(indexer.wanted, mounts or Mounts(), most, cargo or Cargo())
        self._progress = progress

    def run(self) -> None:
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        with ThreadPoolExecutor(_THREADS) as pool:
            self._pool = pool
            self._walk(self._lister.root(root), "", 0)

    def _walk(self, here: Listing, prefix: str, depth: int) -> None:
        """Takes a directory, and closes it."""
        children = _Children(here, prefix, self._lister, self._pool)
        try:
            limits = self._indexer.budget.limits
            if depth > limits.depth:
                why = f"nested deeper than {limits.depth} directories; not read"
                self._indexer.refuse(prefix, why, incomplete=True)
                return
            if self._progress is not None:
                self._progress(prefix, here.size)
            counted = 0
            for entry in here.entries:
                self._count(entry.number + 1 - counted)
                counted = entry.number + 1
                path = prefix + spelled(entry.name)
                try:
                    self._entry(here, entry, path, children, depth)
                except OSError as cause:
                    why = f"could not be read: {cause.strerror}"
                    self._indexer.refuse(path, why, incomplete=cause.strerror != _GONE)
            self._count(here.total - counted)
        finally:
            children.close()
            here.close()

    def _count(self, names: int) -> None:
        for _ in range(names):
            self._indexer.budget.spend_entry()

    def _entry(self, here: Listing, entry: Entry, path: str, children: "_Children", depth: int) -> None:
        if entry.kind is Kind.DIRECTORY:
            try:
                child = children.take(entry.name)
            except LeftOut as mounted:
                if mounted.args:
                    why = f"a file system of type {mounted} is mounted there; --all-mounts reads it"
                    self._indexer.refuse(path, why)
                return
            self._indexer.add(path, Kind.DIRECTORY)
            self._walk(child, path + "/", depth + 1)
        elif entry.kind is Kind.SYMLINK:
            self._indexer.add(path, Kind.SYMLINK, entry.detail)
        elif entry.kind is Kind.FILE:
            self._file(here.descriptor, entry.name, path)
        else:
            self._indexer.refuse(path, f"could not be read: {entry.detail}", incomplete=entry.detail != _GONE)

    def _file(self, directory: int, name: str, path: str) -> None:
        with os.fdopen(open_file(directory, name), "rb") as file:
            state = os.fstat(file.fileno())
            if stat.S_ISREG(state.st_mode):
                content = _OpenFile(file, state.st_size, self._indexer.budget)
                self._indexer.file(path, state.st_size, stat.S_IMODE(state.st_mode), content)


class _Children:
    """The directories of one directory, in order; the next few are listed before they are asked for."""

    def __init__(self, parent: Listing, prefix: str, lister: Lister, pool: ThreadPoolExecutor) -> None:
        self._parent = parent
        self._prefix = prefix
        self._lister = lister
        self._pool = pool
        self._names = deque(
            entry.name for entry in parent.entries if entry.kind is Kind.DIRECTORY and entry.name not in parent.children
        )
        self._listed = deque[Future[Listing]]()

    def take(self, name: str) -> Listing:
        """The next one, which is then the caller's to close. Raises OSError, or LeftOut."""
        if (child := self._parent.children.pop(name, None)) is not None:
            if isinstance(child, Listing):
                return child
            raise child
        self._look_ahead()
        if not self._listed:
            return self._branch(self._names.popleft())
        listing = self._listed.popleft()
        self._look_ahead()
        try:
            child = listing.result()
        finally:
            self._lister.spare.release()
        return child

    def close(self) -> None:
        """Waits for what threads are listing: they need the parent's descriptor."""
        self._names.clear()
        while self._listed:
            listing = self._listed.popleft()
            self._lister.spare.release()
            if not listing.cancel() and listing.exception() is None:
                listing.result().close()

    def _look_ahead(self) -> None:
        while self._names and len(self._listed) < _AHEAD and self._lister.spare.acquire(blocking=False):
            self._listed.append(self._pool.submit(self._branch, self._names.popleft()))

    def _branch(self, name: str) -> Listing:
        return self._lister.branch(self._parent, name, f"{self._prefix}{spelled(name)}/")


class _OpenFile:
    """A file as the indexer sees it; never more than the size that it had when it was opened."""

    def __init__(self, file: io.BufferedReader, size: int, budget: Budget) -> None:
        self._file, self._size, self._left, self._budget = file, size, size, budget

    def peek(self, n: int, /) -> bytes:
        return self._file.peek(n)[: min(n, self._left)]

    def read(self, n: int, /) -> bytes:
        data = self._file.read(min(n, self._left))
        self._left -= len(data)
        self._budget.spend_bytes(len(data))
        return data

    def content(self) -> bytes:
        return self.read(self._left)

    def direct(self) -> RandomAccess:
        descriptor = self._file.fileno()
        return AtPlace(lambda size, place: os.pread(descriptor, size, place), self._size - self._left, self._left)
