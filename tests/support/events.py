"""Events and records as the sensor would give them."""

import ctypes
from datetime import UTC, datetime

import msgspec

from hullguard.agent.sensor import abi
from hullguard.model.event import ContainerRef, Event, EventKind, ImageRef, Process
from hullguard.model.policy import Binding, DetectorSettings, NodePolicies, Policy, PolicySpec, RulesSpec
from hullguard.model.rollout import Rollout

AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
CONTAINER = "c0ffee" + "0" * 58
RUNTIME = Process(pid=100, ppid=1, comm="containerd-shim", exe="/usr/bin/containerd-shim-runc-v2", outside=True)


def process(**changes: object) -> Process:
    return msgspec.structs.replace(
        Process(pid=200, ppid=100, comm="sh", exe="/bin/sh", args=("sh",), uid=0, gid=0), **changes
    )


def event(kind: EventKind = EventKind.EXEC, *, lineage: tuple[Process, ...] | None = None, **changes: object) -> Event:
    given = Event(
        kind=kind,
        at=AT,
        sequence=7,
        container=ContainerRef(CONTAINER, "web"),
        image=ImageRef("sha256:1", "nginx:1.25"),
        lineage=lineage or (RUNTIME, process()),
        path="/bin/sh",
    )
    return msgspec.structs.replace(given, **changes)


def policy(
    name: str,
    *,
    detectors: dict[str, DetectorSettings] | None = None,
    nodes: tuple[str, ...] = (),
    images: tuple[str, ...] = (),
    enabled: bool = True,
    rollout: Rollout | None = None,
    rules: RulesSpec | None = None,
) -> Policy:
    spec = PolicySpec(
        name=name,
        enabled=enabled,
        detectors=detectors or {},
        binding=Binding(nodes=list(nodes), images=list(images)),
        rollout=rollout or Rollout(),
        rules=rules or RulesSpec(pack=False),
    )
    return Policy(id=name, version=1, revision=1, spec=spec, changed_at=AT, changed_by="user:a")


def policies(*given: Policy) -> NodePolicies:
    return NodePolicies(revision=1, hash="h", policies=given)


def raw_event(
    kind: int = abi.EXEC,
    *,
    path: bytes = b"/bin/sh\0",
    other: bytes = b"/\0",
    exe: bytes = b"",
    args: bytes = b"sh\0-c\0true\0",
    raw: bytes = b"",
    data: bytes = b"",
    flags: int = 0,
    call: str = "execve",
    result: int = 0,
    arguments: tuple[int, ...] = (),
    socket: abi.Socket | None = None,
    file: abi.File | None = None,
    login_uid: int = 0xFFFFFFFF,
    pid: int = 200,
    start_ns: int = 5_000_000_000,
    sequence: int = 7,
    cgroup: int = 42,
    container: bytes = CONTAINER.encode(),
    ancestry: tuple[tuple[int, int, bytes, int], ...] = ((100, 1_000_000_000, b"containerd-shim", abi.OUTSIDE),),
) -> bytes:
    """A record as the kernel writes it; ``ancestry`` holds (pid, start, comm, flags), parent first."""
    record = abi.Event(
        head=abi.Head(abi=abi.ABI, kind=kind, sequence=sequence, time_ns=6_000_000_000, cgroup=cgroup),
        task=abi.Task(start_ns=start_ns, pid=pid, comm=b"sh"),
        ppid=ancestry[0][0] if ancestry else 0,
        flags=flags,
        login_uid=login_uid,
        call=abi.CALLS.index(call),
        result=result,
        file=file or abi.File(inode=11, device=(8 << 20) | 1, mode=0o100755, type=b"overlay"),
        socket=socket or abi.Socket(),
        ancestors=len(ancestry),
        container=container,
    )
    record.arguments[: len(arguments)] = arguments
    strings = (raw, data, path, other, exe, args)
    record.sizes[:] = tuple(map(len, strings))
    for index, (number, start, comm, marks) in enumerate(ancestry):
        record.ancestry[index] = abi.Task(start_ns=start, pid=number, flags=marks, comm=comm)
    return bytes(record) + b"".join(strings)


def raw_process(kind: int, *, pid: int, start_ns: int = 5_000_000_000, ppid: int = 0, sequence: int = 8) -> bytes:
    record = abi.Proc(
        head=abi.Head(abi=abi.ABI, kind=kind, sequence=sequence, cgroup=42),
        task=abi.Task(start_ns=start_ns, pid=pid, comm=b"child"),
        ppid=ppid,
    )
    assert ctypes.sizeof(record) == len(bytes(record))
    return bytes(record)
