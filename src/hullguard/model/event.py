"""What the kernel saw, decoded: the input of every detector."""

import enum
from datetime import datetime

from msgspec import Struct


class EventKind(enum.StrEnum):
    """One class of events; each has its own loss counter in the kernel."""

    EXEC = "exec"
    FORK = "fork"
    EXIT = "exit"
    FILE_OPEN = "file_open"


class Process(Struct, frozen=True, omit_defaults=True):
    """One process, as far as it is known. Pids are the host's."""

    pid: int
    ppid: int = 0
    comm: str = ""
    exe: str | None = None
    args: tuple[str, ...] = ()
    args_truncated: bool = False
    cwd: str | None = None
    uid: int | None = None
    gid: int | None = None
    tty: bool = False
    started: datetime | None = None
    outside: bool = False
    """Not in any container: the runtime that started the container's process."""


class ContainerRef(Struct, frozen=True):
    """The container an event belongs to; ``name`` is empty until the runtime was asked."""

    id: str
    name: str = ""


class ImageRef(Struct, frozen=True):
    """The image a container runs: ``id`` is the configuration's digest, ``sha256:…``."""

    id: str
    name: str = ""


class Event(Struct, frozen=True):
    """One kernel event in a container.

    ``lineage`` runs from the outermost known ancestor inside the container (its runtime parent first, where the kernel
    still knew it) to the process itself, which is last.
    """

    kind: EventKind
    at: datetime
    sequence: int
    """Counts every event that the kernel sent since it booted; with the boot id it names the event."""
    container: ContainerRef
    image: ImageRef | None
    lineage: tuple[Process, ...]
    path: str | None = None
    """EXEC: the executable; FILE_OPEN: the real path of the opened file."""
    known_as: str | None = None
    """FILE_OPEN: the watched name of the same file, where it was opened by another (a hard link)."""
    reads: bool = False
    writes: bool = False
    new_file: bool = False
    """EXEC: the executable is not in the image, or not as the image has it (overlay upper layer, memfd, deleted)."""
    stopped: bool = False
    """The kernel killed the process before it could go on."""

    @property
    def process(self) -> Process:
        """The process that caused the event."""
        return self.lineage[-1]
