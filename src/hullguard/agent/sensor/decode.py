"""Bytes from the kernel become Python values. No I/O: tested on recorded bytes, without root."""

import ctypes

from msgspec import Struct

from hullguard.agent.sensor import abi
from hullguard.model.errors import Invalid

_EVENT_SIZE = ctypes.sizeof(abi.Event)
_PROC_SIZE = ctypes.sizeof(abi.Proc)
_HEAD_SIZE = ctypes.sizeof(abi.Head)
_NAMES = {abi.EXEC: "exec", abi.FILE: "file", abi.FORK: "fork", abi.EXIT: "exit"}


class RawTask(Struct, frozen=True):
    """A process as the kernel names it; pid and start together are unique while the machine is up."""

    pid: int
    start_ns: int
    comm: str
    outside: bool = False


class RawEvent(Struct, frozen=True):
    """An exec or a file open.

    ``other`` is the working directory of the one, the watched name that matched of the other; a file open has the path
    of its program as its only word of ``args``.
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
    args: tuple[str, ...]


class RawProc(Struct, frozen=True):
    """A fork or an exit."""

    kind: int
    sequence: int
    cgroup: int
    task: RawTask
    ppid: int


def decode(raw: bytes) -> RawEvent | RawProc:
    """Raises Invalid for anything that this version's kernel part cannot have written."""
    if len(raw) < _HEAD_SIZE:
        raise Invalid(f"A record of {len(raw)} bytes is too short for its head.", "sensor.record")
    head = abi.Head.from_buffer_copy(raw)
    if head.abi != abi.ABI or head.kind not in _NAMES:
        raise Invalid(f"Unknown record: layout {head.abi}, kind {head.kind}.", "sensor.record")
    if head.kind in {abi.FORK, abi.EXIT}:
        return _decode_proc(raw)
    return _decode_event(raw)


def _decode_proc(raw: bytes) -> RawProc:
    if len(raw) < _PROC_SIZE:
        raise Invalid(f"A process record of {len(raw)} bytes is too short.", "sensor.record")
    record = abi.Proc.from_buffer_copy(raw)
    return RawProc(record.head.kind, record.head.sequence, record.head.cgroup, _task(record.task), record.ppid)


def _decode_event(raw: bytes) -> RawEvent:
    if len(raw) < _EVENT_SIZE:
        raise Invalid(f"An event record of {len(raw)} bytes is too short.", "sensor.record")
    event = abi.Event.from_buffer_copy(raw)
    sizes = (event.path_size, event.other_size, event.args_size)
    if event.ancestors > abi.ANCESTORS or max(sizes) > abi.PATH or _EVENT_SIZE + sum(sizes) > len(raw):
        raise Invalid("An event record claims more than it holds.", "sensor.record")
    middle, last = _EVENT_SIZE + sizes[0], _EVENT_SIZE + sizes[0] + sizes[1]
    path = _text(raw[_EVENT_SIZE:middle])
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
        other=_text(raw[middle:last]) or None,
        args=_words(raw[last : last + sizes[2]]),
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
