"""A directory tree as one nameless layer: an unpacked root file system, or a mounted one.

The tree is walked by directory descriptors and no link is ever followed by the kernel, so that a tree that is
changed meanwhile cannot lead the walk out of its root.
"""

import io
import os
import stat
from pathlib import Path

from hullguard.inventory.analyzers.analyzer import text
from hullguard.inventory.layer import Indexer
from hullguard.inventory.limits import Budget
from hullguard.inventory.random_access import AtPlace, RandomAccess
from hullguard.inventory.tar import Kind

# Made by the kernel, endless, and never part of an image.
_VIRTUAL = frozenset({"proc", "sys", "dev"})
_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class TreeWalk:
    """Feeds an indexer from a directory."""

    def __init__(self, indexer: Indexer, root: Path) -> None:
        self._indexer = indexer
        self._root = root
        self._device = -1

    def run(self) -> None:
        root = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._device = os.fstat(root).st_dev
            self._walk(root, "", 0)
        finally:
            os.close(root)

    def _walk(self, directory: int, prefix: str, depth: int) -> None:
        limits = self._indexer.budget.limits
        if depth > limits.depth:
            self._indexer.refuse(prefix, f"nested deeper than {limits.depth} directories; not read")
            return
        with os.scandir(directory) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            self._indexer.budget.spend_entry()
            path = prefix + text(os.fsencode(entry.name))
            try:
                state = entry.stat(follow_symlinks=False)
                self._entry(directory, entry.name, path, state, depth)
            except OSError as cause:
                self._indexer.refuse(path, f"could not be read: {cause.strerror}")

    def _entry(self, directory: int, name: str, path: str, state: os.stat_result, depth: int) -> None:
        mode = state.st_mode
        if stat.S_ISDIR(mode):
            child = os.open(name, _OPEN_DIRECTORY, dir_fd=directory)
            try:
                if depth == 0 and name in _VIRTUAL and os.fstat(child).st_dev != self._device:
                    return
                self._indexer.add(path, Kind.DIRECTORY)
                self._walk(child, path + "/", depth + 1)
            finally:
                os.close(child)
        elif stat.S_ISLNK(mode):
            self._indexer.add(path, Kind.SYMLINK, text(os.fsencode(os.readlink(name, dir_fd=directory))))
        elif stat.S_ISREG(mode):
            self._file(directory, name, path, state)

    def _file(self, directory: int, name: str, path: str, state: os.stat_result) -> None:
        wanted = self._indexer.wanted
        if not wanted.looks_inside and wanted.logical(path) is None:
            return
        descriptor = os.open(name, _OPEN_FILE, dir_fd=directory)
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if stat.S_ISREG(state.st_mode):
                content = _OpenFile(file, state.st_size, self._indexer.budget)
                self._indexer.file(path, state.st_size, stat.S_IMODE(state.st_mode), content)


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
