"""Which files of their images containers use: what their processes have mapped to run, or, for Java's archives, open.

A round looks at the processes in ``/proc`` that are due: a new one at once, then at intervals that grow with its age.
What sensors tell of programs that ran comes on top. All of it lives on an allowance of processor time.
"""

import asyncio
import contextlib
import os
import re
import time
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from hullguard.agent.channel import ChannelLostError
from hullguard.agent.drift import Layout, layout_of
from hullguard.agent.loaded import MOST_BYTES, executable
from hullguard.agent.respond.processes import held, mapped, started_at
from hullguard.model.errors import NotFound
from hullguard.model.event import Event, EventKind
from hullguard.model.node import Container
from hullguard.model.use import SETTLED
from hullguard.wire import limits
from hullguard.wire.messages import AgentMessage, Used

ROUND_SECONDS: Final = 60.0
SOON_SECONDS: Final = 5.0
"""After a container started: what it loads it has loaded by then, for the most part."""

SHARE: Final = 0.002
"""Of a processor's time: what rounds may take in the long run."""
SAVED: Final = 0.3
"""Seconds of it that may be saved up for one round."""
DAY: Final = 86_400.0
_AGAIN: Final = 6 * 3600.0
"""Seconds after which an image is told of though nothing changed; sooner for the number of its containers."""
_SOONEST, _LATEST = 60.0, 1800.0
_EVERYONE: Final = 10
"""Rounds after which numbers are looked at that were no container's: they may be another process's by now."""
_MOST_IMAGES, _MOST_CONTAINERS, _MOST_RAN = 256, 4096, 4096
_MOST_OPEN = 2048
_ARCHIVES = (".jar", ".war", ".ear")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_MOST_CGROUP = 4096
_LONGEST_TOLD = limits.USED_BYTES - 8192

Who = Callable[[int], str | None]
"""The container of a process; None for one of the host's."""


class _Image(Struct):
    """What was seen of one image's containers."""

    since: datetime
    began: float
    containers: set[str] = field(default_factory=set)
    files: dict[str, float] = field(default_factory=dict)
    """When each was last seen."""
    size: int = 0
    """Bytes of all names."""
    missed_at: float | None = None
    """When something last was there and was not looked at."""
    fresh: bool = True
    """A file is new since it was last told of."""
    counted: int = 0
    told_at: float | None = None
    told_whole: bool = False

    def see(self, file: str, now: float) -> None:
        if file not in self.files:
            size = _told_size(file)
            full = len(self.files) >= limits.USED_FILES or self.size + size > _LONGEST_TOLD
            if full or not 2 <= len(file) <= limits.USED_PATH or not file.isprintable():
                self.missed_at = now
                return
            self.size += size
            self.fresh = True
        self.files[file] = now

    def forget(self, now: float) -> None:
        """What was not seen for a day is not in use any more."""
        old = [file for file, at in self.files.items() if now - at >= DAY]
        for file in old:
            del self.files[file]
            self.size -= _told_size(file)

    def due(self, now: float, *, whole: bool) -> bool:
        """A server is told at once what is new, else when it may follow something from what was not seen."""
        if self.fresh or self.told_at is None or whole != self.told_whole:
            return True
        settled = self.began + SETTLED.total_seconds()
        waited = now - self.told_at
        return self.told_at < settled <= now or waited >= (_AGAIN if self.counted == len(self.containers) else 3600)


class _Process(Struct):
    container: str
    due: float
    read: bool = False


class UsedFiles:
    """One thread at a time uses it, but for ``ran``, which any may call."""

    def __init__(self, who: Who | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._who, self._clock = who or container_of, clock
        self._images: OrderedDict[str, _Image] = OrderedDict()
        self._running: dict[str, str] = {}
        self._unread: dict[str, str] = {}
        """Containers that nothing was read of yet, and their images."""
        self._processes: dict[int, _Process] = {}
        self._others: set[int] = set()
        self._strangers: set[int] = set()
        """Processes of containers that the runtime has not told of."""
        self._layouts: OrderedDict[str, Layout] = OrderedDict()
        self._ran: deque[tuple[str, str, str]] = deque(maxlen=_MOST_RAN)
        self._rounds = 0
        self._allowed, self._at = SAVED, clock()

    def ran(self, event: Event) -> None:
        """A program of an image was started: it may be gone before anybody looks."""
        if (
            event.kind is EventKind.EXEC
            and event.image is not None
            and event.image.id  # of some only the name is known yet
            and not event.new_file
            and (event.path or "").startswith("/")
        ):
            self._ran.append((event.image.id, event.container.id, event.path or ""))

    def running(self, containers: Mapping[str, str]) -> None:
        """These containers run, each of its image."""
        gone = self._running.keys() - containers.keys()
        for container in gone & self._unread.keys():
            self._missed(self._unread.pop(container))
        for container in gone:
            self._layouts.pop(container, None)
        for container in containers.keys() - self._running.keys():
            self._unread[container] = containers[container]
            self._strangers.clear()
        self._running = dict(containers)

    def look(self) -> None:
        """One round, as far as the allowance reaches; what is left over is first in the next one."""
        now = self._clock()
        self._allowed = min(SAVED, self._allowed + SHARE * max(0.0, now - self._at))
        self._at = now
        if self._allowed <= 0:
            return
        began = time.thread_time()
        self._find(now)
        self._take_ran(now)
        due = sorted((each.read, each.due, pid) for pid, each in self._processes.items() if each.due <= now)
        for _, _, pid in due:
            if time.thread_time() - began > self._allowed:
                break
            self._read(pid, now)
        for image in self._images.values():
            image.forget(now)
        self._drop_idle(now)
        self._allowed -= time.thread_time() - began

    def due(self) -> list[Used]:
        """What the server is to be told now."""
        now = self._clock()
        behind = {self._running.get(each.container) for each in self._processes.values() if not each.read}
        behind |= set(self._unread.values())
        told = []
        for identifier, image in self._images.items():
            missed = image.missed_at is not None and now - image.missed_at < DAY
            whole = identifier not in behind and not missed
            # What is being read for the first time is told once it was read.
            if image.due(now, whole=whole) and (identifier not in behind or image.told_at is not None):
                count = min(len(image.containers), limits.CONTAINERS)
                told.append(Used(identifier, image.since, count, whole, tuple(sorted(image.files))))
        return told

    def told(self, used: Used) -> None:
        """The server has it."""
        image = self._images.get(used.image_id)
        if image is not None:
            image.told_at, image.told_whole, image.counted = self._clock(), used.whole, used.containers
            image.fresh = len(image.files) > len(used.files)

    def _find(self, now: float) -> None:
        """New processes of containers; those that ended are let go of."""
        there = {int(name) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208 -- thousands of names
        self._others &= there
        self._strangers &= there
        for pid in self._processes.keys() - there:
            del self._processes[pid]
        if self._rounds % _EVERYONE == 0:
            self._others.clear()
            self._strangers.clear()
        self._rounds += 1
        for pid in there - self._others - self._strangers - self._processes.keys():
            container = self._who(pid)
            if container is None:
                self._others.add(pid)
            elif container not in self._running:
                self._strangers.add(pid)
            else:
                self._processes[pid] = _Process(container, now)

    def _take_ran(self, now: float) -> None:
        while self._ran:
            image, container, path = self._ran.popleft()
            self._see(image, container, (path,), now, None)

    def _read(self, pid: int, now: float) -> None:
        process = self._processes[pid]
        image = self._running.get(process.container)
        if image is None:  # the runtime says that it has ended
            del self._processes[pid]
            return
        try:
            with held(pid, process.container) as directory:
                layout = self._layout(process.container, pid)
                age = datetime.now(UTC) - started_at(directory)
                said = mapped(directory, MOST_BYTES)
                files = [*executable(said), *_archives(directory)]
        except (NotFound, OSError, ValueError):
            del self._processes[pid]
            return
        process.read, process.due = True, now + min(max(_SOONEST, age.total_seconds()), _LATEST)
        self._see(image, process.container, files, now, layout)
        self._unread.pop(process.container, None)
        if len(said) >= MOST_BYTES:
            self._missed(image)

    def _see(self, identifier: str, container: str, files: Iterable[str], now: float, layout: Layout | None) -> None:
        image = self._image(identifier, now)
        if image is None:
            return
        if len(image.containers) < _MOST_CONTAINERS:
            image.containers.add(container)
        for file in dict.fromkeys(files):
            # Once it was the image's own in one container it need not be looked for in the others.
            if file in image.files or layout is None or layout.own(file):
                image.see(file, now)

    def _image(self, identifier: str, now: float) -> _Image | None:
        image = self._images.get(identifier)
        if image is None and len(self._images) < _MOST_IMAGES:
            image = self._images[identifier] = _Image(datetime.now(UTC), now)
        return image

    def _missed(self, identifier: str) -> None:
        now = self._clock()
        image = self._image(identifier, now)
        if image is not None:
            image.missed_at = now

    def _layout(self, container: str, pid: int) -> Layout | None:
        known = self._layouts.get(container) or layout_of(Path("/proc") / str(pid))
        if known is not None:
            self._layouts[container] = known
            if len(self._layouts) > _MOST_CONTAINERS:
                self._layouts.popitem(last=False)
        return known

    def _drop_idle(self, now: float) -> None:
        """An image that nothing runs of, that has nothing left and was told of makes room."""
        there = set(self._running.values())
        idle = [
            name
            for name, image in self._images.items()
            if name not in there and not image.files and image.told_at is not None and now - image.told_at >= DAY
        ]
        for name in idle:
            del self._images[name]


class Uses:
    """Looks now and then, and tells a server that takes it."""

    def __init__(
        self, files: UsedFiles, takes: Callable[[], bool], send: Callable[[AgentMessage], Awaitable[None]]
    ) -> None:
        self._files, self._takes, self._send = files, takes, send
        self._running: dict[str, str] = {}
        self._since: dict[str, str] = {}
        """What ran at any time since the last round."""
        self._due = asyncio.Event()

    def seen(self, containers: Iterable[Container]) -> None:
        """The node's containers, whenever there is a change."""
        self._running = {each.id: each.image.id for each in containers if each.state == "running" and each.image.id}
        if self._running.keys() - self._since.keys():
            self._since = self._since | self._running
            self._due.set()

    async def run(self) -> None:
        """Rounds for ever; one soon after containers start, when programs have loaded what they need."""
        while True:
            self._due.clear()
            await asyncio.to_thread(self.round)
            await self.tell()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ROUND_SECONDS):
                    await self._due.wait()
            await asyncio.sleep(SOON_SECONDS)

    def round(self) -> None:
        """Look once; in a thread, since it takes a while."""
        since, running = self._since, self._running
        self._since = running
        self._files.running(since | running)
        self._files.running(running)
        self._files.look()

    async def tell(self) -> None:
        """Tell what is due, as long as there is a session with a server that takes it."""
        try:
            for used in self._files.due():
                if not self._takes():
                    return
                await self._send(used)
                self._files.told(used)
        except ChannelLostError:
            pass  # what was not told is due still


def _told_size(file: str) -> int:
    """Bytes of a name in a message, what is around it included."""
    return len(file.encode(errors="replace")) + 5


def container_of(pid: int) -> str | None:
    """The container whose cgroup a process is in; None for the host's and for one that is gone."""
    try:
        descriptor = os.open(f"/proc/{pid}/cgroup", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = _CONTAINER.findall(os.read(descriptor, _MOST_CGROUP).decode("ascii", "replace"))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return found[-1] if found else None


def _archives(process: int) -> Iterator[str]:
    """The archives that a Java machine has open: it maps none of them to run."""
    if os.readlink("exe", dir_fd=process).rpartition("/")[2] != "java":
        return
    descriptors = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
    try:
        for name in os.listdir(descriptors)[:_MOST_OPEN]:  # noqa: PTH208 -- below a descriptor
            with contextlib.suppress(OSError):  # closed meanwhile
                path = os.readlink(name, dir_fd=descriptors)
                if path.startswith("/") and path.lower().endswith(_ARCHIVES) and len(path) <= limits.USED_PATH:
                    yield os.fsencode(path).decode("utf-8", "replace")
    finally:
        os.close(descriptors)
