"""Bytes from the kernel become Python values. No I/O: tested on recorded bytes, without root."""

import ctypes
import struct

from msgspec import Struct

from hullguard.agent.sensor import abi
from hullguard.model.errors import Invalid

_EVENT_SIZE = ctypes.sizeof(abi.Event)
_KINDS = frozenset({abi.EXEC, abi.FILE, abi.FORK, abi.EXIT})
GLANCE = struct.Struct(f"<HHIQQQ QII{abi.COMM}s IIII")
"""``hg_head``, ``hg_task``, then the parent, and for events owner and flags; a test holds it to ``abi``."""


class RawTask(Struct, frozen=True):
    """A process as the kernel names it; pid and start together are unique while the machine is up."""

    pid: int
    start_ns: int
    comm: str
    outside: bool = False


class RawEvent(Struct, frozen=True):
    """An exec or a file open.

    ``other`` is the working directory of the one, the watched name that matched of the other; ``exe`` is the program
    that opened.
    """

    kind: int
    sequence: int
    time_ns: int
    cgroup: int
    task: RawTask
    ppid: int
    uid: int
    gid: int
    flags: int
    inode: int
    device: int
    container: str
    ancestry: tuple[RawTask, ...]
    path: str | None
    other: str | None
    exe: str | None
    args: tuple[str, ...]


class Glance(Struct, frozen=True):
    """The beginning of any record, read cheaply: most records are forks, exits and execs that no rule asks about."""

    kind: int
    sequence: int
    cgroup: int
    pid: int
    start_ns: int
    ppid: int
    flags: int
    """Of execs and file opens only."""


def glance(raw: bytes) -> Glance:
    """Raises Invalid for what cannot be a record of this version."""
    if len(raw) < GLANCE.size:
        raise Invalid(f"A record of {len(raw)} bytes is too short.", "sensor.record")
    layout, kind, _, sequence, _, cgroup, start, pid, _, _, ppid, _, _, flags = GLANCE.unpack_from(raw)
    if layout != abi.ABI or kind not in _KINDS:
        raise Invalid(f"Unknown record: layout {layout}, kind {kind}.", "sensor.record")
    return Glance(kind, sequence, cgroup, pid, start, ppid, flags if kind in {abi.EXEC, abi.FILE} else 0)


def decode(raw: bytes) -> RawEvent | Glance:
    """A fork or an exit is no more than its glance. Raises Invalid for what this version's kernel part cannot write."""
    seen = glance(raw)
    return seen if seen.kind in {abi.FORK, abi.EXIT} else _decode_event(raw)


def _decode_event(raw: bytes) -> RawEvent:
    if len(raw) < _EVENT_SIZE:
        raise Invalid(f"An event record of {len(raw)} bytes is too short.", "sensor.record")
    event = abi.Event.from_buffer_copy(raw)
    sizes = (event.path_size, event.other_size, event.exe_size, event.args_size)
    if event.ancestors > abi.ANCESTORS or max(sizes) > abi.PATH or _EVENT_SIZE + sum(sizes) > len(raw):
        raise Invalid("An event record claims more than it holds.", "sensor.record")
    strings = []
    place = _EVENT_SIZE
    for size in sizes:
        strings.append(raw[place : place + size])
        place += size
    path = _text(strings[0])
    if path and event.flags & abi.PATH_TRUNCATED:
        path = f"…{path}"
    return RawEvent(
        kind=event.head.kind,
        sequence=event.head.sequence,
        time_ns=event.head.time_ns,
        cgroup=event.head.cgroup,
        task=_task(event.task),
        ppid=event.ppid,
        uid=event.uid,
        gid=event.gid,
        flags=event.flags,
        inode=event.inode,
        device=event.device,
        container=event.container.decode("ascii", "replace"),
        ancestry=tuple(_task(task) for task in event.ancestry[: event.ancestors]),
        path=path or None,
        other=_text(strings[1]) or None,
        exe=_text(strings[2]) or None,
        args=_words(strings[3]),
    )


def _task(task: abi.Task) -> RawTask:
    return RawTask(task.pid, task.start_ns, _clean(task.comm), bool(task.flags & abi.OUTSIDE))


def _text(raw: bytes) -> str:
    return _clean(raw.partition(b"\0")[0])


def _words(raw: bytes) -> tuple[str, ...]:
    """NUL between, and usually after, the arguments; an empty argument in the middle is one."""
    if not raw:
        return ()
    return tuple(_clean(word) for word in raw.removesuffix(b"\0").split(b"\0"))


def _clean(raw: bytes) -> str:
    """Text that any encoder takes: names are bytes that an attacker chose."""
    return raw.decode("utf-8", "replace")
