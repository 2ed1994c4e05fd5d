"""Putting loaded programs where they run, so that they stay when this process is gone."""

import contextlib
import ctypes
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from hullguard.agent.sensor.libbpf import checked, library
from hullguard.model.errors import Unavailable

CGROUP_EGRESS, CGROUP_CONNECT4, CGROUP_CONNECT6 = 1, 10, 11
CGROUP_POST_BIND4, CGROUP_POST_BIND6, CGROUP_SENDMSG4, CGROUP_SENDMSG6 = 12, 13, 14, 15
CGROUP_UNIX_CONNECT = 49
"""``enum bpf_attach_type``, as are those above."""
_PERF_EVENT = 41
_PERF_TYPE_TRACEPOINT = 2
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}
_TRACEPOINTS = Path("/sys/kernel/tracing/events")


class _LinkOptions(ctypes.Structure):
    """``struct bpf_link_create_opts`` as far as a cookie needs it."""

    _fields_ = (
        ("size", ctypes.c_size_t),
        ("flags", ctypes.c_uint32),
        ("iterator", ctypes.c_void_p),
        ("iterator_size", ctypes.c_uint32),
        ("target", ctypes.c_uint32),
        ("cookie", ctypes.c_uint64),
    )


def attach_typed(program: int, pin: Path) -> None:
    """A ``tp_btf`` program; its tracepoint is part of it."""
    _keep(checked(library().bpf_raw_tracepoint_open(None, program), pin.name), pin)


def attach_raw(program: int, name: str, pin: Path) -> None:
    """A ``raw_tp`` program. Raises FileNotFoundError where the kernel has no such tracepoint."""
    _keep(checked(library().bpf_raw_tracepoint_open(name.encode(), program), name), pin)


def attach_tracepoint(program: int, category: str, name: str, cookie: int, pin: Path) -> None:
    """A ``tracepoint`` program, told by the cookie what it is attached to; raises as above."""
    if not (_TRACEPOINTS / category).is_dir():
        raise Unavailable(f"{_TRACEPOINTS / category} is missing", "sensor.no-tracing")
    number = int((_TRACEPOINTS / category / name / "id").read_text())
    attributes = bytearray(128)
    attributes[0:4] = _PERF_TYPE_TRACEPOINT.to_bytes(4, "little")
    attributes[4:8] = len(attributes).to_bytes(4, "little")
    attributes[8:16] = number.to_bytes(8, "little")
    buffer = (ctypes.c_char * 128).from_buffer(attributes)
    libc = ctypes.CDLL(None, use_errno=True)
    call = _PERF_EVENT_OPEN[os.uname().machine]
    event = checked(libc.syscall(call, ctypes.byref(buffer), -1, 0, -1, 8), name)
    options = _LinkOptions(size=ctypes.sizeof(_LinkOptions), cookie=cookie)
    try:
        _keep(checked(library().bpf_link_create(program, event, _PERF_EVENT, ctypes.byref(options)), name), pin)
    finally:
        os.close(event)


def attach_cgroup(program: int, kind: int, directory: Path, pin: Path) -> None:
    """A program of a cgroup, beside those of others; ``directory`` is the root of a cgroup2 file system."""
    root = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _keep(checked(library().bpf_link_create(program, root, kind, None), pin.name), pin)
    finally:
        os.close(root)


@contextlib.contextmanager
def cgroup_root() -> Iterator[Path]:
    """The root of the cgroup2 hierarchy, mounted for the moment where nobody has. Raises Unavailable."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        if " - cgroup2 " in line and _is_root(Path(line.split()[4])):
            yield Path(line.split()[4])
            return
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory(prefix="hullguard-cgroup-") as place:
        if libc.mount(b"cgroup2", place.encode(), b"cgroup2", 0, None) != 0:
            raise Unavailable(f"no cgroup2 file system: {os.strerror(ctypes.get_errno())}", "sensor.no-cgroup2")
        try:
            if not _is_root(Path(place)):
                raise Unavailable("the agent is in a cgroup namespace of its own", "sensor.no-cgroup2")
            yield Path(place)
        finally:
            libc.umount2(place.encode(), 2)


def _is_root(place: Path) -> bool:
    """In a cgroup namespace another group looks like the root; only the root has the number 1."""
    try:
        return place.stat().st_ino == 1
    except OSError:
        return False


def _keep(link: int, pin: Path) -> None:
    try:
        checked(library().bpf_obj_pin(link, str(pin).encode()), pin.name)
    finally:
        os.close(link)
