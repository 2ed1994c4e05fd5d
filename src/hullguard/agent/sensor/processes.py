"""What each container process is, so that the ancestors of an event have programs and arguments, not just numbers."""

import os
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import RawEvent, RawProc, RawTask
from hullguard.model.event import Process

_MOST = 4096
_LONGEST_COMMAND = 4096
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")

Key = tuple[int, int]
Reader = Callable[[RawTask, Process], Process]


class Processes:
    """A bounded table by pid and start; the longest unused entry leaves first.

    Execs and forks fill it, exits mark what may leave; a process older than the agent is read from /proc when it first
    appears as somebody's ancestor.
    """

    def __init__(self, read_host: Reader | None = None) -> None:
        self._known: OrderedDict[Key, Process] = OrderedDict()
        self._alive: dict[int, Key] = {}
        self._read_host = read_host

    def __len__(self) -> int:
        return len(self._known)

    def note(self, record: RawProc, started: datetime) -> None:
        """A fork copies its parent's program; an exit frees the number, but the memory of it stays for its children."""
        key = (record.task.pid, record.task.start_ns)
        if record.kind == abi.EXIT:
            if self._alive.get(record.task.pid) == key:
                del self._alive[record.task.pid]
            return
        parent = self._known.get(self._alive.get(record.ppid, (0, 0)))
        if parent is not None:
            self._keep(
                key,
                Process(
                    pid=record.task.pid,
                    ppid=record.ppid,
                    comm=record.task.comm,
                    exe=parent.exe,
                    args=parent.args,
                    args_truncated=parent.args_truncated,
                    cwd=parent.cwd,
                    uid=parent.uid,
                    gid=parent.gid,
                    tty=parent.tty,
                    started=started,
                ),
            )

    def actor(self, event: RawEvent, started: datetime) -> Process:
        """The process that caused the event; an exec replaces what was known of it."""
        key = (event.task.pid, event.task.start_ns)
        known = self._known.get(key)
        executes = event.kind == abi.EXEC
        if known is None and not executes:
            known = self._from_host(event.task, event.ppid, started)
        process = Process(
            pid=event.task.pid,
            ppid=event.ppid,
            comm=event.task.comm,
            exe=event.path if executes else (event.args[0] if event.args else None),
            args=event.args if executes or known is None else known.args,
            args_truncated=bool(event.flags & abi.ARGS_TRUNCATED) if executes else bool(known and known.args_truncated),
            cwd=event.other if executes else (known.cwd if known else None),
            uid=event.uid,
            gid=event.gid,
            tty=bool(event.flags & abi.TTY),
            started=started,
        )
        self._keep(key, process)
        return process

    def ancestor(self, task: RawTask, ppid: int, started: datetime) -> Process:
        """What is known of an ancestor, from the table or from /proc; at least what the kernel said."""
        key = (task.pid, task.start_ns)
        known = self._known.get(key)
        if known is None:
            known = self._from_host(task, ppid, started)
            self._keep(key, known)
        else:
            self._known.move_to_end(key)
        return known

    def _from_host(self, task: RawTask, ppid: int, started: datetime) -> Process:
        bare = Process(pid=task.pid, ppid=ppid, comm=task.comm, started=started, outside=task.outside)
        return self._read_host(task, bare) if self._read_host else bare

    def _keep(self, key: Key, process: Process) -> None:
        self._known[key] = process
        self._known.move_to_end(key)
        self._alive[process.pid] = key
        if len(self._known) > _MOST:
            gone, _ = self._known.popitem(last=False)
            if self._alive.get(gone[0]) == gone:
                del self._alive[gone[0]]


def read_host(task: RawTask, bare: Process) -> Process:
    """Adds what /proc still says, if the number still means the same process."""
    root = Path("/proc") / str(task.pid)
    try:
        exe, cwd = _link(root / "exe"), _link(root / "cwd")
        with (root / "cmdline").open("rb") as file:
            args = file.read(_LONGEST_COMMAND)
            owner = os.fstat(file.fileno())
        if _started_ticks(root) != task.start_ns // _TICK:
            return bare
    except (OSError, ValueError, IndexError):
        return bare
    return msgspec.structs.replace(
        bare,
        exe=exe,
        args=tuple(_clean(word) for word in args.removesuffix(b"\0").split(b"\0")) if args else (),
        args_truncated=len(args) == _LONGEST_COMMAND,
        cwd=cwd,
        uid=owner.st_uid,
        gid=owner.st_gid,
    )


def _link(path: Path) -> str:
    return _clean(os.fsencode(path.readlink()))


def _clean(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _started_ticks(root: Path) -> int:
    # The command, in brackets, may contain anything; the fields after its last bracket may not.
    fields = (root / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return int(fields[19])


def at(nanoseconds: int, offset: int) -> datetime:
    """A kernel time as a date; ``offset`` is when the machine started, in nanoseconds since 1970."""
    return datetime.fromtimestamp((nanoseconds + offset) / 1e9, UTC)
