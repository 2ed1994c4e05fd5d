"""Bytes from the kernel become Python values. No I/O: tested on recorded bytes, without root."""

import ctypes
import struct

from msgspec import Struct

from hullguard.agent.sensor import abi
from hullguard.model.errors import Invalid

_EVENT_SIZE = ctypes.sizeof(abi.Event)
_LAST_KIND = abi.SPLICE
_BARE = frozenset({abi.FORK, abi.EXIT})
GLANCE = struct.Struct(f"<HHIQQQ QII{abi.COMM}s IIII")
"""``hg_head``, ``hg_task``, then the parent, and for events owner and flags; a test holds it to ``abi``."""


class RawTask(Struct, frozen=True):
    """A process as the kernel names it; pid and start together are unique while the machine is up."""

    pid: int
    start_ns: int
    comm: str
    outside: bool = False


class RawRights(Struct, frozen=True):
    """Whose rights a process has, at the time of the event; numbers are the host's."""

    uid: int
    gid: int
    euid: int
    egid: int
    login_uid: int
    effective: int
    permitted: int
    inheritable: int


class RawFile(Struct, frozen=True):
    """``struct hg_file``."""

    inode: int
    device: int
    mode: int
    owner: int
    group: int
    flags: int
    file_system: str


class RawSocket(Struct, frozen=True):
    """``struct hg_socket``; addresses are 16 bytes whatever the family."""

    family: int
    type: int
    protocol: int
    local: bytes
    remote: bytes
    local_port: int
    remote_port: int


class RawEvent(Struct, frozen=True):
    """Anything but a fork or an exit. Which of the strings means what, ``enum hg_string`` says."""

    kind: int
    sequence: int
    time_ns: int
    cgroup: int
    task: RawTask
    ppid: int
    flags: int
    rights: RawRights
    vpid: int
    group: int
    session: int
    call: str
    result: int
    exe_inode: int
    file: RawFile
    socket: RawSocket
    arguments: tuple[int, ...]
    container: str
    ancestry: tuple[RawTask, ...]
    path: str | None
    other: str | None
    exe: str | None
    args: tuple[str, ...]
    raw: str | None
    data: bytes


class Glance(Struct, frozen=True):
    """The beginning of any record, read cheaply: most records are forks, exits and execs that no rule asks about."""

    kind: int
    sequence: int
    cgroup: int
    pid: int
    start_ns: int
    ppid: int
    comm: bytes
    flags: int
    """Of forks and exits 0."""


def glance(raw: bytes) -> Glance:
    """Raises Invalid for what cannot be a record of this version."""
    if len(raw) < GLANCE.size:
        raise Invalid(f"A record of {len(raw)} bytes is too short.", "sensor.record")
    layout, kind, _, sequence, _, cgroup, start, pid, _, comm, ppid, _, _, flags = GLANCE.unpack_from(raw)
    if layout != abi.ABI or not 0 < kind <= _LAST_KIND:
        raise Invalid(f"Unknown record: layout {layout}, kind {kind}.", "sensor.record")
    return Glance(kind, sequence, cgroup, pid, start, ppid, comm, 0 if kind in _BARE else flags)


def decode(raw: bytes) -> RawEvent | Glance:
    """A fork or an exit is no more than its glance. Raises Invalid for what this version's kernel part cannot write."""
    seen = glance(raw)
    return seen if seen.kind in _BARE else _decode_event(raw)


def _decode_event(raw: bytes) -> RawEvent:
    if len(raw) < _EVENT_SIZE:
        raise Invalid(f"An event record of {len(raw)} bytes is too short.", "sensor.record")
    event = abi.Event.from_buffer_copy(raw)
    sizes = tuple(event.sizes)
    if (
        event.ancestors > abi.ANCESTORS
        or max(sizes) > abi.PATH
        or _EVENT_SIZE + sum(sizes) > len(raw)
        or event.call >= len(abi.CALLS)
    ):
        raise Invalid("An event record claims more than it holds.", "sensor.record")
    strings = []
    place = _EVENT_SIZE
    for size in sizes:
        strings.append(raw[place : place + size])
        place += size
    path = _text(strings[abi.PATH_STRING])
    if path and event.flags & abi.PATH_TRUNCATED:
        path = f"…{path}"
    return RawEvent(
        kind=event.head.kind,
        sequence=event.head.sequence,
        time_ns=event.head.time_ns,
        cgroup=event.head.cgroup,
        task=_task(event.task),
        ppid=event.ppid,
        flags=event.flags,
        rights=_rights(event),
        vpid=event.vpid,
        group=event.group,
        session=event.session,
        call=abi.CALLS[event.call],
        result=event.result,
        exe_inode=event.exe_inode,
        file=_file(event.file),
        socket=_socket(event.socket),
        arguments=tuple(event.arguments),
        container=event.container.decode("ascii", "replace"),
        ancestry=tuple(_task(task) for task in event.ancestry[: event.ancestors]),
        path=path or None,
        other=_text(strings[abi.OTHER]) or None,
        exe=_text(strings[abi.EXE]) or None,
        args=words(strings[abi.ARGS]),
        raw=_text(strings[abi.RAW]) or None,
        data=strings[abi.DATA],
    )


def _rights(event: abi.Event) -> RawRights:
    return RawRights(
        event.uid,
        event.gid,
        event.euid,
        event.egid,
        event.login_uid,
        event.effective,
        event.permitted,
        event.inheritable,
    )


def _file(file: abi.File) -> RawFile:
    return RawFile(file.inode, file.device, file.mode, file.owner, file.group, file.flags, text(file.type))


def _socket(socket: abi.Socket) -> RawSocket:
    return RawSocket(
        socket.family,
        socket.type,
        socket.protocol,
        bytes(socket.local),
        bytes(socket.remote),
        socket.local_port,
        socket.remote_port,
    )


def _task(task: abi.Task) -> RawTask:
    return RawTask(task.pid, task.start_ns, text(task.comm), bool(task.flags & abi.OUTSIDE))


def _text(raw: bytes) -> str:
    return text(raw.partition(b"\0")[0])


def words(raw: bytes) -> tuple[str, ...]:
    """NUL between, and usually after, the arguments; an empty argument in the middle is one."""
    if not raw:
        return ()
    return tuple(text(word) for word in raw.removesuffix(b"\0").split(b"\0"))


def text(raw: bytes) -> str:
    """Text that any encoder takes: names are bytes that an attacker chose."""
    return raw.decode("utf-8", "replace")
