"""Which files processes had mapped to run from: programs and shared libraries, by ``/proc/PID/maps`` (proc(5)).

A process chooses what it maps, but not what the kernel says of it. What is mapped from a file that the container
changed or brought is not the image's and left out: nobody knows the vulnerabilities of that.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from datetime import datetime

from msgspec import Struct

from hullguard.agent.respond.processes import began, held, mapped
from hullguard.model.errors import NotFound
from hullguard.model.event import Event, EventKind, Process
from hullguard.model.incident import Loaded

AGAIN_SECONDS = 60.0
"""For so long what was read of a process stands: servers load little after their first minute."""
MOST_BYTES = 1 << 20
"""A busy Java server's has a tenth."""
_MOST_FILES = 256
_LONGEST = 512
_MOST_KNOWN = 128
_DELETED = " (deleted)"


class _Mapped(Struct, frozen=True):
    read_at: float
    files: frozenset[str]
    whole: bool


class Libraries:
    """Remembers for a while what processes had loaded. One thread uses it.

    ``own``: whether the file at a container's path is still the image's.
    """

    def __init__(self, own: Callable[[str, str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._own, self._clock = own, clock
        self._known: OrderedDict[tuple[int, datetime], _Mapped] = OrderedDict()

    def of(self, event: Event) -> Loaded:
        """What the processes in the container that led to an event had loaded.

        A program that only just began has not loaded everything yet.
        """
        container, files, whole = event.container.id, set[str](), event.kind is not EventKind.EXEC
        for process in event.lineage:
            if not process.outside:
                found = self._of(process, container)
                whole = whole and found is not None and found.whole
                files |= frozenset() if found is None else found.files
        return Loaded(tuple(sorted(files)[:_MOST_FILES]), whole and len(files) <= _MOST_FILES)

    def _of(self, process: Process, container: str) -> _Mapped | None:
        if process.started is None:
            return None
        key, now = (process.pid, process.started), self._clock()
        known = self._known.get(key)
        if known is not None and now - known.read_at < AGAIN_SECONDS:
            self._known.move_to_end(key)
            return known
        try:
            with held(process.pid, container) as directory:
                said = mapped(directory, MOST_BYTES) if began(directory, process.started) else b""
        except (NotFound, OSError, ValueError):
            return None
        if not said:  # another process, or one that has given its memory back already
            return None
        own = frozenset(path for path in dict.fromkeys(executable(said)) if self._own(container, path))
        found = self._known[key] = _Mapped(now, own, len(said) < MOST_BYTES)
        if len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)
        return found


def executable(said: bytes) -> Iterator[str]:
    """The files of executable mappings: ``7f…-7f… r-xp 00000000 08:01 1234   /usr/lib/libc.so.6``."""
    for line in said.split(b"\n"):
        words = line.split(None, 5)
        if len(words) == 6 and words[1][2:3] == b"x" and words[5].startswith(b"/") and len(words[5]) <= _LONGEST:
            path = words[5].decode("utf-8", "replace")
            if not path.endswith(_DELETED) and words[4] != b"0":
                yield path
