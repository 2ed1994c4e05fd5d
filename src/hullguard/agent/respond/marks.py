"""Marks for one container: which of its files and mounts the kernel must ask about. Never anything outside of it.

What lies on another mount than the container's root (a volume, a file of the host's that is bound into it) is not
marked: its inode may be the host's own. It is said to be missing instead.
"""

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from typing import NamedTuple

from hullguard.agent.respond import intent
from hullguard.agent.respond.fanotify import ACCESS_PERM, ON_CHILD, OPEN_EXEC_PERM, OPEN_PERM, Group
from hullguard.agent.respond.inotify import Names
from hullguard.agent.respond.inside import OVERLAY, TMPFS, kind_of, mount_of, open_inside
from hullguard.agent.respond.layers import Image, Mount, lower_layers, mounts
from hullguard.agent.respond.orders import Watch
from hullguard.detect.denial import DenyRule, Listed
from hullguard.detect.profiles import Patterns

_MOST_FILES = 512
_MOST_DEEP = 16
_MOST_MISSING = 16
_MOST_MOUNTINFO = 1 << 20
_PLAIN = frozenset({"overlay", "tmpfs"})
_OF_THE_KERNEL = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "tracefs", "bpf"})
"""File systems without files of anybody's own."""
_OF_THE_ENGINE = frozenset({"/", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/dev/console"})
"""Mounts that an engine makes in every container."""

File = tuple[int, int]
"""Device and inode."""


class Awaited(NamedTuple):
    """What is waited for in a directory: these names, or whatever is new there."""

    names: frozenset[str]
    everything: bool


class Allowed:
    """An image's profile, ready to be asked."""

    def __init__(self, listed: Listed) -> None:
        self.listed, self.rule = listed, listed.rule
        self.programs, self.files = Patterns(listed.programs), Patterns(listed.files)
        self.exempt, self.installers = listed.exempt, listed.installers


class Marked:
    """One container as the responder knows it."""

    def __init__(self, watch: Watch, device: int) -> None:
        self.watch, self.device = watch, device
        self.image = Image(())
        self.files: dict[File, DenyRule] = {}
        self.devices = {device}
        """Of every file system that anything is asked about."""
        self.waiting: dict[int, Awaited] = {}
        self.asked = 0
        """What is asked about its whole file system: a mask."""
        self.missing: list[str] = []
        self.sound_ns = time.time_ns()
        """When all marks were last seen to be there."""
        self.lost = 0
        """Marks that were not where they had been put."""
        self.opens = tuple(rule for rule in watch.rules if not rule.exec)
        self.execs = tuple(rule for rule in watch.rules if rule.exec)
        self.allowed = None if watch.listed is None else Allowed(watch.listed)

    @property
    def only_writes(self) -> bool:
        """Whether opening is nobody's matter but for writing."""
        return self.allowed is not None and not self.opens

    def miss(self, why: str) -> None:
        """Something is not marked; the first sixteen of them are told."""
        if why not in self.missing and len(self.missing) < _MOST_MISSING:
            self.missing.append(why)


class Marker:
    """Whoever calls knows that ``pid`` is the container's still, before and after."""

    def __init__(self, group: Group, names: Names) -> None:
        self._group, self._names = group, names

    def mark(self, watch: Watch) -> Marked:
        """Marks everything that there is now. Raises ``OSError`` if the container has gone."""
        with _root_of(watch.pid) as root:
            marked = Marked(watch, os.fstat(root).st_dev)
            if not _own(root, marked.device):
                marked.miss("not-overlay")
                return marked
            there = _mounts_of(watch.pid)
            marked.image = Image(
                lower_layers(next((each.options for each in reversed(there) if each.point == "/"), ""))
            )
            if not marked.image.reachable():
                marked.miss("layers-unreachable")
                return marked
            self._files(marked, root)
            if marked.execs or marked.allowed:
                self._everything(marked, root, there)
            return marked

    def again(self, marked: Marked) -> None:
        """Files that were replaced have other inodes; what was marked before stays so, and costs nothing."""
        with _root_of(marked.watch.pid) as root:
            self._files(marked, root)

    def check(self, marked: Marked) -> int:
        """How many marks are gone; they are there again afterwards. A file that was replaced meanwhile counts too."""
        marked.lost = 0
        with _root_of(marked.watch.pid) as root:
            self._files(marked, root)
            if marked.asked and not self._group.watches(root, ACCESS_PERM, filesystem=True):
                marked.lost += 1
                self._group.watch_filesystem(root, marked.asked)
        return marked.lost

    def _files(self, marked: Marked, root: int) -> None:
        for rule in marked.opens:
            for pattern in rule.paths:
                try:
                    if pattern.endswith("/*"):
                        self._below(marked, rule, root, pattern[:-2] or "/")
                    else:
                        self._one(marked, rule, root, pattern)
                except (FileNotFoundError, NotADirectoryError):
                    continue
                except OSError as bad:
                    marked.miss(f"{'other-mount' if bad.errno == errno.EXDEV else 'unmarked'} {pattern}")

    def _one(self, marked: Marked, rule: DenyRule, root: int, path: str) -> None:
        self._wait_beside(marked, root, path)
        with _opened(root, path) as place:
            self._file(marked, rule, place, path)

    def _below(self, marked: Marked, rule: DenyRule, root: int, path: str) -> None:
        """A directory with all that is below it: what is opened by a name in it, and what has other names elsewhere."""
        self._wait_beside(marked, root, path)
        left = [(path, 0)]
        while left:
            directory, deep = left.pop()
            if deep > _MOST_DEEP:
                marked.miss(f"too-many {directory}")
                continue
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                for name, is_directory in self._listed(marked, root, directory):
                    inner = f"{directory.rstrip('/')}/{name}"
                    if is_directory:
                        left.append((inner, deep + 1))
                        continue
                    with contextlib.suppress(FileNotFoundError), _opened(root, inner) as place:
                        self._file(marked, rule, place, inner)

    def _listed(self, marked: Marked, root: int, path: str) -> list[tuple[str, bool]]:
        with _opened(root, path) as place:
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                return []
            self._group.watch(place, OPEN_PERM | ON_CHILD)
            self._wait(marked, place)
            entries: list[tuple[str, bool]] = []
            with os.scandir(f"/proc/self/fd/{place}") as found:
                for entry in found:
                    if len(entries) >= _MOST_FILES:
                        marked.miss(f"too-many {path}")
                        break
                    entries.append((entry.name, entry.is_dir(follow_symlinks=False)))
            return entries

    def _file(self, marked: Marked, rule: DenyRule, place: int, path: str) -> None:
        found = os.fstat(place)
        if not stat.S_ISREG(found.st_mode):
            return
        file = found.st_dev, found.st_ino
        if file not in marked.files and len(marked.files) >= _MOST_FILES:
            marked.miss(f"too-many {path}")
            return
        if file in marked.files and not self._group.watches(place, OPEN_EXEC_PERM):
            marked.lost += 1
        self._group.watch(place, OPEN_PERM)
        marked.files[file] = rule
        marked.devices.add(found.st_dev)

    def _everything(self, marked: Marked, root: int, there: list[Mount]) -> None:
        """Each start of a program; where only a profile's files may be written, each file that is opened as well."""
        marked.asked = OPEN_EXEC_PERM | (0 if marked.allowed is None else OPEN_PERM)
        self._group.watch_filesystem(root, marked.asked)
        if marked.allowed is not None and not intent.KNOWN:
            marked.miss("writes-unknown")
        for mount in there:
            if mount.kind != "tmpfs" or not _reached_plainly(mount.point, there):
                if marked.allowed is not None and _is_volume(mount):
                    marked.miss(f"other-mount {mount.point}")
                continue
            try:
                place = open_inside(root, mount.point, same_mount=False)
            except OSError:
                continue
            try:
                if kind_of(place) == TMPFS and mount_of(place) != mount_of(root):
                    # The mount and not its file system: that may be the host's, bound into the container.
                    self._group.watch_mount(place, marked.asked)
                    marked.devices.add(os.fstat(place).st_dev)
            except OSError:
                marked.miss(f"unmarked {mount.point}")
            finally:
                os.close(place)

    def _wait_beside(self, marked: Marked, root: int, path: str) -> None:
        """In the directory that a path is in, for its last name to appear there again."""
        directory, _, name = path.rpartition("/")
        if name:
            with contextlib.suppress(FileNotFoundError), _opened(root, directory or "/") as parent:
                self._wait(marked, parent, name)

    def _wait(self, marked: Marked, directory: int, name: str | None = None) -> None:
        number = self._names.watch(directory)
        before = marked.waiting.get(number, Awaited(frozenset(), everything=False))
        names = before.names if name is None else before.names | {name}
        marked.waiting[number] = Awaited(names, before.everything or name is None)


def _is_volume(mount: Mount) -> bool:
    within_kernel = mount.point.startswith(("/proc/", "/sys/"))
    return mount.kind not in _OF_THE_KERNEL and mount.point not in _OF_THE_ENGINE and not within_kernel


def _reached_plainly(point: str, there: list[Mount]) -> bool:
    """Whether no file system is on the way that could let us wait: one whose server is a process."""
    above = [mount for mount in there if mount.point != point and point.startswith(mount.point.rstrip("/") + "/")]
    return all(mount.kind in _PLAIN for mount in above)


@contextlib.contextmanager
def _root_of(pid: int) -> Iterator[int]:
    """Closed again: a descriptor that was kept would keep the container's file system mounted."""
    root = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield root
    finally:
        os.close(root)


@contextlib.contextmanager
def _opened(root: int, path: str) -> Iterator[int]:
    place = open_inside(root, path)
    try:
        yield place
    finally:
        os.close(place)


def _own(root: int, device: int) -> bool:
    """An overlay of the container's own: the host's root, and ours, may be overlays too."""
    ours = {os.stat(place).st_dev for place in ("/", "/proc/self/root/")}  # noqa: PTH116
    return kind_of(root) == OVERLAY and device not in ours


def _mounts_of(pid: int) -> list[Mount]:
    with open(f"/proc/{pid}/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        return mounts(file.read(_MOST_MOUNTINFO))
