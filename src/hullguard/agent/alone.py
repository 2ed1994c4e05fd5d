"""One agent on a machine, whatever directory, container or namespace another is started in.

Whoever runs holds a BPF map that is called ``hullguard_agent``. Maps have numbers that the whole
machine shares, whatever the namespaces; a queue can be made by nobody without CAP_BPF, so no container and no user
keeps the agent from starting, as they could with a lock on a file, a port or a namespace; and the kernel takes it away
with the process. Numbers grow, so of two that start at once the lower one goes on.
"""

import ctypes
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path

from hullguard.agent.sensor.libbpf import checked, library
from hullguard.agent.update import launcher
from hullguard.model.errors import Conflict, Unavailable

NAME = b"hullguard_agent"
WAIT_SECONDS = 5.0
"""For one that is just ending."""
_LOOK_SECONDS = 0.2
_QUEUE = 22
"""``BPF_MAP_TYPE_QUEUE``, Linux 4.20."""
_PROC = Path("/proc")
_MODULE, _STATE = slice(2, 5), 5
"""Where a launcher's arguments have its module and its directory; the interpreter before them may be another one."""


class Another(Conflict):
    """Another agent watches this machine; ``holder`` is its process, None where it cannot be seen from here."""

    def __init__(self, message: str, holder: int | None = None) -> None:
        super().__init__(message, "agent.another")
        self.holder = holder


class _MapInfo(ctypes.Structure):
    """The beginning of ``struct bpf_map_info``; a kernel that knows more of it leaves the rest out."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("type", "id", "key_size", "value_size", "max_entries", "map_flags")),
        ("name", ctypes.c_char * 16),
    )


class _Owner(ctypes.Structure):
    """What the map holds: who made it, as that process is numbered where it runs."""

    _fields_ = (("namespace", ctypes.c_uint32), ("pid", ctypes.c_uint32))


def claim(wait: float = WAIT_SECONDS, name: bytes = NAME) -> int:
    """A descriptor: whoever has it open is this machine's agent. It is closed when a program is executed.

    ``wait`` is in seconds; ``name`` has at most 15 bytes. Raises Another with the process that is the agent already,
    and Unavailable where the kernel does not say: without root, without libbpf, before Linux 4.20.
    """
    limit = time.monotonic() + wait
    while True:
        try:
            return _claim(name)
        except Another:
            if time.monotonic() >= limit:
                raise
        time.sleep(_LOOK_SECONDS)


def state_of_the_first(name: bytes = NAME) -> Path | None:
    """Where the agent that watches this machine keeps its state, by the arguments of its launcher.

    None where no agent runs, or none whose arguments can be read from here.
    """
    try:
        os.close(claim(0, name))
    except Another as other:
        return None if other.holder is None else _state_of(other.holder)
    except Unavailable:
        pass
    return None


def _state_of(process: int) -> Path | None:
    try:
        words = (_PROC / str(process) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    begins = [os.fsencode(word) for word in launcher.command("", "")[_MODULE]]
    return Path(os.fsdecode(words[_STATE])) if words[_MODULE] == begins and len(words) > _STATE else None


def _claim(name: bytes) -> int:
    descriptor = -1
    try:
        size = ctypes.sizeof(_Owner)
        descriptor = checked(library().bpf_map_create(_QUEUE, name, 0, size, 1, None), "making a map")
        owner = _Owner(_namespace() & 0xFFFFFFFF, os.getpid())
        checked(library().bpf_map_update_elem(descriptor, None, ctypes.byref(owner), 0), "filling a map")
        for number in _below(_info(descriptor).id):
            _look_at(number, name)
    except BaseException as bad:
        if descriptor >= 0:
            os.close(descriptor)
        if isinstance(bad, OSError):
            raise Unavailable(
                f"Whether another agent runs on this machine cannot be told: {bad.strerror}.", "agent.alone-unknown"
            ) from bad
        raise
    return descriptor


def _below(own: int) -> Iterator[int]:
    """The numbers of all maps that are older. To ask takes CAP_SYS_ADMIN."""
    number = ctypes.c_uint32(0)
    while checked(library().bpf_map_get_next_id(number, ctypes.byref(number)), "listing maps") == 0:
        if number.value >= own:
            return
        yield number.value


def _look_at(number: int, name: bytes) -> None:
    """Raises Another if a map is another agent's claim."""
    descriptor = library().bpf_map_get_fd_by_id(number)
    if descriptor < 0:
        if ctypes.get_errno() == errno.ENOENT:  # gone since it was listed
            return
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    owner = _Owner()
    try:
        info = _info(descriptor)
        if info.type != _QUEUE or info.name != name or info.value_size != ctypes.sizeof(owner):
            return
        told = library().bpf_map_lookup_elem(descriptor, None, ctypes.byref(owner)) == 0
    finally:
        os.close(descriptor)
    _respect(number, owner if told else None)


def _info(descriptor: int) -> _MapInfo:
    info = _MapInfo()
    size = ctypes.c_uint32(ctypes.sizeof(info))
    checked(library().bpf_obj_get_info_by_fd(descriptor, ctypes.byref(info), ctypes.byref(size)), "describing a map")
    return info


def _respect(number: int, owner: _Owner | None) -> None:
    """Raises Another, unless the owner has ended: then the map is a leftover that somebody pinned."""
    if owner is not None and owner.namespace == _namespace():
        if not _may_hold(_PROC / str(owner.pid), number):
            return
        holder: int | None = owner.pid
    else:
        holder = next((int(each.name) for each in _PROC.glob("[0-9]*") if _holds(each, number)), None)
    if holder is None:
        raise Another(
            "Another agent runs on this machine: a process that cannot be seen from here, of another container or of "
            "the host. Stop it first; only with --beside there are two."
        )
    raise Another(
        f"Another agent runs on this machine: process {holder}. Stop it, or its service, first; "
        "only with --beside there are two.",
        holder,
    )


def _namespace() -> int:
    return (_PROC / "self/ns/pid").stat().st_ino


def _may_hold(process: Path, number: int) -> bool:
    """A process that may not be looked at lives at least."""
    try:
        return _has_open(process, number)
    except PermissionError:
        return True


def _holds(process: Path, number: int) -> bool:
    try:
        return _has_open(process, number)
    except PermissionError:
        return False


def _has_open(process: Path, number: int) -> bool:
    """Whether a process has the map open; raises PermissionError if it may not be looked at."""
    line = f"map_id:\t{number}\n"
    try:
        return any(
            line in (process / "fdinfo" / entry.name).read_text()
            for entry in (process / "fd").iterdir()
            if str(entry.readlink()) == "anon_inode:bpf-map"
        )
    except (FileNotFoundError, ProcessLookupError):
        return False
