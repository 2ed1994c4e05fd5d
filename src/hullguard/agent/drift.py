"""How a program that is not as its image has it came to be so: new, modified, touched, or put there by another program.

The image itself is there to be compared with: the layers below the container's overlay, which nobody in the container
can change. Whoever is told "the image's own content" must not have to trust what the container can arrange, so the
compared file is the one that runs (``/proc/PID/exe``) or the one at its path, and one that was not changed since.
"""

import contextlib
import os
import stat
from collections import OrderedDict
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from hullguard.agent.respond.inside import TMPFS, kind_of
from hullguard.agent.respond.layers import Image, lower_layers, mounts, upper_layer
from hullguard.model.event import Drift, Event, EventKind, Origin, Process

LARGEST = 64 << 20
"""Bytes of a file that are compared: reading more would keep other events waiting."""
_CHUNK = 1 << 20
_MOST_PLACED, _MOST_CONTAINERS = 4096, 4096
_MOST_MOUNTS = 1 << 20
_CLOCKS_DIFFER = 1.0
"""Seconds: files' times are as coarse as the kernel's tick, and an event's time is reckoned from another clock."""
_RAMFS = 0x858458F6


class _Placed(Struct, frozen=True):
    """Who moved a file to its path, and when."""

    at: datetime
    by: tuple[str, ...]
    by_operator: bool


class Layout(Struct, frozen=True):
    """Where a container's files lie on the host."""

    upper: str
    image: Image

    def own(self, path: str) -> bool:
        """Whether nothing in the container took the place of the image's file at this path."""
        changed = Image((self.upper,)).place(path)
        if changed is not None:
            os.close(changed)
        return changed is None


class Drifts:
    """Remembers who moved programs to where they are, and looks at what runs. One thread uses it."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._placed: OrderedDict[tuple[str, str], _Placed] = OrderedDict()
        self._layouts: OrderedDict[str, Layout] = OrderedDict()

    def complete(self, event: Event) -> Event:
        """The same event, with what is known of its program if that is not as the image has it."""
        self._meet(event)
        if event.kind is EventKind.FILE_RENAME:
            self._remember(event)
        if event.kind is not EventKind.EXEC or not event.new_file:
            return event
        return msgspec.structs.replace(event, drift=self._look(event))

    def own(self, container: str, path: str) -> bool:
        """Whether nothing in the container took the place of the image's file, as far as its layers are known."""
        layout = self._layouts.get(container)
        return layout is None or layout.own(path)

    def _meet(self, event: Event) -> None:
        """Learn a container's layers while one of its processes is there to tell them."""
        if event.container.id in self._layouts:
            self._layouts.move_to_end(event.container.id)
            return
        for process in reversed(event.lineage):
            layout = None if process.outside else layout_of(self._proc / str(process.pid))
            if layout is not None:
                self._layouts[event.container.id] = layout
                if len(self._layouts) > _MOST_CONTAINERS:
                    self._layouts.popitem(last=False)
                return

    def _remember(self, event: Event) -> None:
        details = event.container_details
        if event.result != 0 or event.target is None or (details is not None and details.builds_image):
            return  # nobody is asked about programs of a build's step
        self._placed.pop((event.container.id, event.path or ""), None)
        key = (event.container.id, event.target)
        self._placed.pop(key, None)
        inside = [process for process in event.lineage if not process.outside]
        own = tuple(process.exe for process in inside if process.exe and not (process.exe_new or process.exe_memfd))
        if own and not _only_data(event.target, self._layouts.get(event.container.id)):
            self._placed[key] = _Placed(event.at, own, _by_operator(event.lineage))
            if len(self._placed) > _MOST_PLACED:
                self._placed.popitem(last=False)

    def _look(self, event: Event) -> Drift:
        if event.process.exe_memfd:
            return Drift(Origin.MEMORY)
        layout = self._layouts.get(event.container.id)
        try:
            runs, place = _opened(self._proc, event, layout)
        except (OSError, ValueError):
            return Drift(Origin.UNKNOWN, "gone")
        try:
            changed = os.fstat(place).st_ctime
            compared = _compared(place, event.path or "", layout)
            # What was changed after it ran may have been another when it ran.
            before = event.at.timestamp() - (0.0 if runs else _CLOCKS_DIFFER)
            if compared.origin is Origin.TOUCHED and changed > before:
                compared = Drift(Origin.UNKNOWN, "changed-since")
        except (OSError, ValueError):
            return Drift(Origin.UNKNOWN, "unreadable")
        finally:
            os.close(place)
        placed = self._placed.get((event.container.id, event.path or ""))
        if placed is None or changed > placed.at.timestamp() + _CLOCKS_DIFFER:
            return compared
        return msgspec.structs.replace(compared, placed_by=placed.by, by_operator=placed.by_operator)


def _only_data(path: str, layout: Layout | None) -> bool:
    """Whether a file was moved that nobody can run: most of a package's. False where that cannot be told."""
    place = None if layout is None else Image((layout.upper,)).place(path)
    if place is None:
        return False
    try:
        return not os.fstat(place).st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    finally:
        os.close(place)


def _opened(proc: Path, event: Event, layout: Layout | None) -> tuple[bool, int]:
    """The executed file, and whether it is certain to be the one that runs."""
    own, path = proc / str(event.process.pid) / "exe", event.path or ""
    with contextlib.suppress(OSError):
        place = os.open(own, os.O_PATH | os.O_CLOEXEC)
        if os.readlink(own).removesuffix(" (deleted)") == path:  # noqa: PTH115 - a Path would be normalised
            return True, place
        os.close(place)
    if layout is None:
        raise ProcessLookupError("nothing is known of the container's layers")
    upper = Image((layout.upper,)).place(path)
    if upper is None:
        raise FileNotFoundError(path)
    return False, upper


def _compared(place: int, path: str, layout: Layout | None) -> Drift:
    """How an opened file differs from the image's file at its path."""
    found = os.fstat(place)
    if found.st_nlink == 0 or kind_of(place) in {TMPFS, _RAMFS}:
        return Drift(Origin.NEW)  # deleted while it runs, or where nothing of the image can be
    if layout is None or not layout.image.reachable():
        return Drift(Origin.UNKNOWN, "no-layers")
    below = layout.image.place(path)
    if below is None:
        return Drift(Origin.NEW)
    try:
        size = os.fstat(below).st_size
        if size != found.st_size:
            return Drift(Origin.MODIFIED)
        if size > LARGEST:
            return Drift(Origin.UNKNOWN, "too-large")
        return Drift(Origin.TOUCHED if _same(place, below, size) else Origin.MODIFIED)
    finally:
        os.close(below)


def layout_of(process: Path) -> Layout | None:
    """Of the container of a process, by its directory in /proc; None where its root is no overlay."""
    try:
        with (process / "mountinfo").open("rb") as file:
            text = file.read(_MOST_MOUNTS).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    root = next((mount for mount in mounts(text) if mount.point == "/" and mount.kind == "overlay"), None)
    layers = () if root is None else lower_layers(root.options)
    return None if root is None or not layers else Layout(upper_layer(root.options), Image(layers))


def _by_operator(lineage: tuple[Process, ...]) -> bool:
    """Whether it came in through the runtime beside the container's main process, which has number 1 in there."""
    inside = [process for process in lineage if not process.outside]
    whole = len(inside) < len(lineage) and lineage[0].outside
    return whole and all(process.vpid is not None and process.vpid != 1 for process in inside)


def _same(one: int, other: int, size: int) -> bool:
    """By content; both are regular files that were only found (``O_PATH``), not opened."""
    with _reading(one) as above, _reading(other) as below:
        return all(above.read(_CHUNK) == below.read(_CHUNK) for _ in range(0, size, _CHUNK))


def _reading(place: int) -> BinaryIO:
    return open(f"/proc/self/fd/{place}", "rb", buffering=0)  # noqa: PTH123 - the caller closes it
