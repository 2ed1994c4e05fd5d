"""One directory of a tree: what is in it, and which of its files anybody wants. Any thread may make it."""

import os
import resource
import stat
from heapq import nsmallest
from itertools import chain, islice
from operator import attrgetter
from threading import Semaphore as Spare
from typing import NamedTuple

from hullguard.inventory import paths
from hullguard.inventory.layer import HEAD
from hullguard.inventory.source.cargo import Cargo
from hullguard.inventory.source.mounts import Mounts
from hullguard.inventory.tar import Kind
from hullguard.inventory.wanted import Wanted

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

_NAMES = 1024
"""Names that are listed at once, below one directory."""
_LEVELS = 32
_SPARE = 400
"""Descriptors for what is listed before it is asked for; fewer where a process may have few."""


class Entry(NamedTuple):
    """One name that matters."""

    number: int
    """Its place among all names of the directory, wanted or not."""
    name: str
    """As the system spells it."""
    kind: Kind
    """``OTHER`` for what could not be looked at."""
    detail: str = ""
    """Where a link leads, or why it could not be looked at."""


class Listing:
    """A directory and what matters of it, in the order of the names."""

    __slots__ = ("children", "descriptor", "device", "entries", "size", "spare", "total")

    def __init__(self, descriptor: int, device: int, entries: list[Entry], total: int, size: int) -> None:
        self.descriptor = descriptor
        """Open, or -1 once nothing that ``entries`` names must be opened any more."""
        self.device = device
        self.entries = entries
        self.total = total
        """How many names there are."""
        self.size = size
        """Bytes of all its files that were looked at."""
        self.children: dict[str, Listing | OSError | LeftOut] = {}
        """Directories in it that were listed at once with it, or why they could not be."""
        self.spare: Spare | None = None
        """Where its descriptor was taken from, to be given back."""

    def close(self) -> None:
        """Gives back its descriptor, and those of its children."""
        for child in self.children.values():
            if isinstance(child, Listing):
                child.close()
        self.children.clear()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        if self.spare is not None:
            self.spare.release()
            self.spare = None

    def rest(self) -> None:
        """Gives back its descriptor if nothing in it must be opened any more."""
        for entry in self.entries:
            if entry.kind is Kind.FILE or (entry.kind is Kind.DIRECTORY and entry.name not in self.children):
                return
        os.close(self.descriptor)
        self.descriptor = -1
        if self.spare is not None:
            self.spare.release()
            self.spare = None


class LeftOut(Exception):
    """A directory that is not read: another file system is mounted there; of what type, unless the kernel makes it."""


class Lister:
    """Looks at directories without following any link."""

    def __init__(self, wanted: Wanted, mounts: Mounts, most: int, cargo: Cargo) -> None:
        """``most``: names of one directory that are looked at."""
        self._wanted = wanted
        self._cargo = cargo
        self._mounts = mounts
        self._most = most
        few = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        self.spare = Spare(few if 0 <= few < _SPARE else _SPARE)

    def branch(self, parent: Listing, name: str, prefix: str) -> Listing:
        """A directory in an open one, with some of what lies below it. Raises OSError, or LeftOut."""
        here = self._enter(parent, name, prefix)
        try:
            self._below(here, prefix, _NAMES, _LEVELS)
        except BaseException:
            here.close()
            raise
        return here

    def root(self, descriptor: int) -> Listing:
        """The directory that all others lie in; it closes the descriptor if it raises."""
        return self._list(descriptor, os.fstat(descriptor).st_dev, "")

    def _below(self, here: Listing, prefix: str, names: int, levels: int) -> int:
        """Lists what lies below, as long as names are few; returns how many more they may be."""
        names -= here.total
        for entry in here.entries if levels else ():
            if entry.kind is not Kind.DIRECTORY:
                continue
            if names <= 0 or not self.spare.acquire(blocking=False):
                break
            below = f"{prefix}{spelled(entry.name)}/"
            try:
                child = self._enter(here, entry.name, below)
            except (OSError, LeftOut) as why:
                self.spare.release()
                here.children[entry.name] = why
                continue
            child.spare = self.spare
            here.children[entry.name] = child
            names = self._below(child, below, names, levels - 1)
            child.rest()
        return names

    def _enter(self, parent: Listing, name: str, prefix: str) -> Listing:
        # Asked before it is opened: opening would have an automounter mount something.
        device = os.stat(name, dir_fd=parent.descriptor, follow_symlinks=False).st_dev
        if device != parent.device:
            if self._mounts.virtual(device):
                raise LeftOut
            if kind := self._mounts.elsewhere(device):
                raise LeftOut(kind)
        return self._list(os.open(name, _DIRECTORY, dir_fd=parent.descriptor), device, prefix)

    def _list(self, descriptor: int, device: int, prefix: str) -> Listing:
        """``prefix`` is the path of the directory with a slash behind it."""
        try:
            with os.scandir(descriptor) as scan:
                found = list(islice(scan, self._most))
                if len(found) == self._most:
                    # Of too many the first by name, so that it is always the same ones.
                    found = nsmallest(self._most, chain(found, scan), key=attrgetter("name"))
            total = len(found)
            places = {name: number for number, name in enumerate(sorted([entry.name for entry in found]))}
            # As inodes lie on disk they are read faster.
            found.sort(key=os.DirEntry.inode)
            entries, size = list[Entry](), 0
            for entry in found:
                name = entry.name
                try:
                    if entry.is_file(follow_symlinks=False):
                        length, wanted = self._file(descriptor, name, prefix + spelled(name))
                        size += length
                        if wanted:
                            entries.append(Entry(places[name], name, Kind.FILE))
                    elif entry.is_dir(follow_symlinks=False):
                        entries.append(Entry(places[name], name, Kind.DIRECTORY))
                    elif entry.is_symlink():
                        target = spelled(os.readlink(name, dir_fd=descriptor))
                        entries.append(Entry(places[name], name, Kind.SYMLINK, target))
                except OSError as cause:
                    entries.append(Entry(places[name], name, Kind.OTHER, cause.strerror or ""))
            entries.sort()
            return Listing(descriptor, device, entries, total, size)
        except BaseException:
            os.close(descriptor)
            raise

    def _file(self, directory: int, name: str, path: str) -> tuple[int, bool]:
        """The size of a file, and whether anybody has a word to say of it: for its name, or its first bytes."""
        wanted = self._wanted
        if wanted.logical(path) is not None:
            return os.stat(name, dir_fd=directory, follow_symlinks=False).st_size, True
        if not wanted.looks_inside:
            return 0, False
        file = open_file(directory, name)
        try:
            state = os.fstat(file)
            # Without this the system reads ahead a hundred times what is looked at.
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)
            head = os.pread(file, HEAD, 0) if stat.S_ISREG(state.st_mode) else b""
            self._cargo.look(path, state.st_size, head, file)
        finally:
            os.close(file)
        size = state.st_size
        if wanted.sniffs(size, head):
            return size, True
        mode = stat.S_IMODE(state.st_mode)
        for inspector in wanted.inspectors:
            if inspector.wants(path, size, mode, head) or inspector.passes_over(path, size, mode, head):
                return size, True
        return size, False


def open_file(directory: int, name: str) -> int:
    """A descriptor of a file; that it was read is not written down where the system allows that."""
    try:
        return os.open(name, _FILE | os.O_NOATIME, dir_fd=directory)
    except PermissionError:
        # Only the owner and root may ask for that.
        return os.open(name, _FILE, dir_fd=directory)


def spelled(name: str) -> str:
    """A name as reports write it: of any bytes, and such that it can be encoded."""
    return name if name.isascii() and "\\" not in name else paths.spelled(os.fsencode(name))
