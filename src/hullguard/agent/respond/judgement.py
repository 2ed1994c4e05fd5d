"""What to answer, from tables in memory: whether a file may be opened, or a program started, by whoever asks."""

import os
import stat
from typing import NamedTuple

from hullguard.agent.respond import witness
from hullguard.agent.respond.fanotify import OPEN_EXEC_PERM, OPEN_PERM, Asked
from hullguard.agent.respond.inside import TMPFS, kind_of
from hullguard.agent.respond.marks import Marked
from hullguard.detect.denial import DenyRule
from hullguard.detect.paths import matches

_MOST_CGROUP = 16 * 1024


class Verdict(NamedTuple):
    """``forget``: nobody wants to be asked about this any more. The rest is there where a rule was applied."""

    allow: bool
    forget: bool = False
    marked: Marked | None = None
    rule: DenyRule | None = None
    path: str = ""


_ALLOW, _FORGET = Verdict(allow=True), Verdict(allow=True, forget=True)


class Court:
    """All containers, found by the file system that a question is about."""

    def __init__(self) -> None:
        self.containers: dict[str, Marked] = {}
        self.hosts = witness.host_namespaces()
        self.spared: frozenset[int] = frozenset()
        """Pids that are never refused anything: the agent's and our own."""
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
        if asked.descriptor < 0 or asked.pid in self.spared:
            return _ALLOW
        try:
            found = os.fstat(asked.descriptor)
            marked = self._container(asked.pid, found.st_dev)
            if marked is None:
                return _FORGET
            if witness.is_outside(asked.pid, self.hosts):
                return _ALLOW
            if asked.mask & OPEN_EXEC_PERM and marked.execs:
                return self._exec(asked, found, marked)
            if asked.mask & OPEN_PERM:
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
        if rule is None:
            return _FORGET
        program = witness.program(asked.pid)
        # Anyone can put a file where an exempt program would be; only the image's own is exempt.
        exempt = program is not None and matches(program[0], rule.exempt) and marked.image.has(*program)
        return Verdict(exempt, marked=marked, rule=rule, path=path)

    def _exec(self, asked: Asked, found: os.stat_result, marked: Marked) -> Verdict:
        rule, path = marked.execs[0], _path(asked.descriptor)
        elsewhere = found.st_dev != marked.device and kind_of(asked.descriptor) == TMPFS
        new = elsewhere or not marked.image.has(path, found)
        return Verdict(not new or matches(path, rule.exempt), marked=marked, rule=rule, path=path)

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


def _path(descriptor: int) -> str:
    """From the root of the container: what is above its mounts in another namespace the kernel leaves out."""
    return os.readlink(f"/proc/self/fd/{descriptor}")  # noqa: PTH115
