"""What to answer, from tables in memory: whether a file may be opened, or a program started, by whoever asks."""

import os
import stat
from typing import NamedTuple

from hullguard.agent.respond import intent, witness
from hullguard.agent.respond.fanotify import OPEN_EXEC_PERM, OPEN_PERM, Asked
from hullguard.agent.respond.inside import TMPFS, kind_of
from hullguard.agent.respond.marks import Allowed, File, Marked
from hullguard.agent.respond.programs import Loaders, is_script
from hullguard.detect.paths import matches
from hullguard.detect.profiles import harmless

_MOST_CGROUP = 16 * 1024


class Verdict(NamedTuple):
    """``forget``: nobody wants to be asked about this any more. The rest is there where a rule was applied."""

    allow: bool
    forget: bool = False
    marked: Marked | None = None
    rule: str = ""
    path: str = ""
    exec: bool = False


_ALLOW, _FORGET = Verdict(allow=True), Verdict(allow=True, forget=True)


class Court:
    """All containers, found by the file system that a question is about."""

    def __init__(self) -> None:
        self.containers: dict[str, Marked] = {}
        self.hosts = witness.host_namespaces()
        self.spared: frozenset[int] = frozenset()
        """Whose first threads are never refused anything: the agent and ourselves."""
        self._loaders = Loaders()
        self._by_device: dict[int, list[Marked]] = {}

    def put(self, marked: Marked) -> None:
        """Know a container, or know it anew: also after more of its files were marked."""
        self.containers[marked.watch.container] = marked
        self._index()

    def remove(self, container: str) -> None:
        if self.containers.pop(container, None) is not None:
            self._index()

    def judge(self, asked: Asked) -> Verdict:
        """Raises nothing: what cannot be decided is allowed, since a mistake here stops a container."""
        if asked.descriptor < 0 or asked.thread in self.spared:
            return _ALLOW
        try:
            found = os.fstat(asked.descriptor)
            marked = self._container(asked.thread, found.st_dev)
            if marked is None:
                return _FORGET
            opens = asked.mask & OPEN_PERM
            if opens and marked.only_writes and not intent.writes(asked.thread):
                return _ALLOW  # by far the most common question
            if witness.is_outside(asked.thread, self.hosts):
                return _ALLOW
            if asked.mask & OPEN_EXEC_PERM and (marked.execs or marked.allowed):
                return self._exec(asked, found, marked)
            if opens:
                return self._open(asked, found, marked)
        except (OSError, ValueError):
            return _ALLOW
        return _FORGET

    def _open(self, asked: Asked, found: os.stat_result, marked: Marked) -> Verdict:
        rule = marked.files.get((found.st_dev, found.st_ino))
        path = _path(asked.descriptor)
        if rule is None and stat.S_ISREG(found.st_mode):
            # Opened by a name in a directory of which everything is protected.
            rule = next((each for each in marked.opens if matches(path, each.paths)), None)
        # Anyone can put a file where an exempt program would be; only the image's own is exempt.
        if rule is not None and not _is_one_of(asked.thread, rule.exempt, marked):
            return Verdict(allow=False, marked=marked, rule=rule.rule, path=path)
        allowed = marked.allowed
        if allowed is None:
            return _FORGET if rule is None else _ALLOW
        if not _is_written(found.st_mode) or harmless(path) or allowed.files.cover(path):
            return _ALLOW
        if not intent.writes(asked.thread) or self._is_let(asked.thread, path, allowed, marked):
            return _ALLOW
        return Verdict(allow=False, marked=marked, rule=allowed.rule, path=path)

    def _exec(self, asked: Asked, found: os.stat_result, marked: Marked) -> Verdict:
        path = _path(asked.descriptor)
        if marked.execs:
            elsewhere = found.st_dev != marked.device and kind_of(asked.descriptor) == TMPFS
            new = elsewhere or not marked.image.has(path, found)
            if new and not matches(path, marked.execs[0].exempt):
                return Verdict(allow=False, marked=marked, rule=marked.execs[0].rule, path=path, exec=True)
        allowed = marked.allowed
        if allowed is None or self._may_start(asked, (found.st_dev, found.st_ino), path, marked, allowed):
            return _ALLOW
        return Verdict(allow=False, marked=marked, rule=allowed.rule, path=path, exec=True)

    def _may_start(self, asked: Asked, file: File, path: str, marked: Marked, allowed: Allowed) -> bool:
        if self._loaders.expected(asked.thread, file) or is_script(asked.descriptor):
            return True
        if not allowed.programs.cover(path) and not self._is_let(asked.thread, path, allowed, marked):
            # The loader of a program on a volume, of which nobody was asked.
            return file[0] == marked.device and intent.starts_elsewhere(asked.thread)
        self._loaders.expect(asked.thread, asked.descriptor)
        return True

    def _is_let(self, thread: int, path: str, allowed: Allowed, marked: Marked) -> bool:
        """What a profile does not have and is let all the same: exempt paths, and what a package manager is doing."""
        if matches(path, allowed.exempt):
            return True
        seen = witness.look(witness.process(thread), self.hosts) if allowed.installers else None
        above = () if seen is None else (*witness.ancestors(seen, self.hosts), seen)
        return any(_is_one_of(each.pid, allowed.installers, marked) for each in above if each.inside)

    def _container(self, pid: int, device: int) -> Marked | None:
        """By the device; by the cgroup where several share one, or where a layer's is not the overlay's."""
        candidates = self._by_device.get(device, [])
        if len(candidates) == 1:
            return candidates[0]
        try:
            with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                text = file.read(_MOST_CGROUP)
        except OSError:
            return None
        among = candidates or self.containers.values()
        return next((marked for marked in among if marked.watch.container in text), None)

    def _index(self) -> None:
        self._by_device = {}
        for marked in self.containers.values():
            for device in marked.devices:
                self._by_device.setdefault(device, []).append(marked)


def _is_one_of(pid: int, programs: tuple[str, ...], marked: Marked) -> bool:
    """Whether a process runs one of these programs, and it is the image's own."""
    program = witness.program(pid)
    return program is not None and matches(program[0], programs) and marked.image.has(*program)


def _is_written(mode: int) -> bool:
    """Whether a file is of a kind whose writing a profile knows."""
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode) or stat.S_ISCHR(mode)


def _path(descriptor: int) -> str:
    """From the root of the container: what is above its mounts in another namespace the kernel leaves out."""
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
