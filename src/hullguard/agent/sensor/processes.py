"""What each container process is, so that the ancestors of an event have programs and arguments, not just numbers."""

import os
import re
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.decode import Glance, RawEvent, RawTask, decode, text, words
from hullguard.detect.detectors.interface import EVERY_VARIABLE
from hullguard.model.event import Capabilities, Process

_MOST = 4096
_MOST_ENDED = 512
"""A child's deed may still name its parent for the moment between the parent's end and the child's new one."""
_LONGEST_COMMAND = 4096
_NOBODY = (0, 0)
_NOBODY_SIGNED_IN = 0xFFFFFFFF
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PERL = re.compile(r"/(?:usr/)?(?:local/)?bin/perl[0-9.]*")
_PLAIN_OPTIONS = re.compile(r"-[wWtT]+")

Key = tuple[int, int]
"""Pid and start in nanoseconds: unique while the machine is up."""
Reader = Callable[[RawTask, Process], Process]


class Processes:
    """A bounded table; what has ended leaves soon, and of what runs the longest unused entry first.

    Execs and forks fill it; a process older than the agent is read from /proc when it first appears as an ancestor.
    Most entries are never looked at, so an exec is kept as the kernel wrote it, and decoded when an event needs it.
    """

    def __init__(self, read_host: Reader | None = None) -> None:
        self.environment: frozenset[str] = frozenset()
        """Names of the variables that some rule asks for."""
        self._known: OrderedDict[Key, Process | bytes] = OrderedDict()
        self._alive: dict[int, Key] = {}
        self._ended: deque[Key] = deque()
        """Those that are known though they have ended, the first of them first."""
        self._read_host = read_host

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, glance: Glance, raw: bytes) -> None:
        """An exec that nobody judges."""
        self._keep((glance.pid, glance.start_ns), raw)

    def note(self, glance: Glance) -> None:
        """A fork has its parent's program; an exit frees the number, but what is known stays for a while."""
        key = (glance.pid, glance.start_ns)
        if glance.kind == abi.FORK:
            parent = self._known.get(self._alive.get(glance.ppid, _NOBODY))
            if parent is not None:
                self._keep(key, parent)
            return
        self._free(key)
        if key in self._known:
            self._ended.append(key)
        if len(self._ended) > _MOST_ENDED:
            gone = self._ended.popleft()
            self._known.pop(gone, None)
            self._free(gone)  # where it was asked about once more after its end

    def actor(self, event: RawEvent, started: datetime) -> Process:
        """The process that caused the event; an exec replaces what was known of it."""
        if event.kind == abi.EXEC:
            process = executed(event, started, self.environment)
        else:
            known = self.ancestor(event.task, event.ppid, started)
            # The kernel's word on what runs now; from the table, or from /proc, comes the rest, if it is there.
            process = _with_rights(
                msgspec.structs.replace(
                    known,
                    exe=event.exe or known.exe,
                    args=event.args or known.args,
                    args_truncated=bool(event.flags & abi.ARGS_TRUNCATED),
                    exe_new=bool(event.flags & abi.EXE_NEW),
                    exe_memfd=bool(event.flags & abi.EXE_MEMFD),
                ),
                event,
            )
        self._keep((event.task.pid, event.task.start_ns), process)
        return process

    def ancestor(self, task: RawTask, ppid: int, started: datetime) -> Process:
        """What is known of a process, from the table or from /proc; at least what the kernel said."""
        key = (task.pid, task.start_ns)
        known = self._known.get(key)
        if isinstance(known, bytes):
            record = decode(known)
            known = executed(record, started, self.environment) if isinstance(record, RawEvent) else None
        bare = Process(pid=task.pid, ppid=ppid, comm=task.comm, started=started, outside=task.outside)
        if known is None:
            process = self._read_host(task, bare) if self._read_host else bare
        else:
            process = msgspec.structs.replace(
                known, pid=task.pid, ppid=ppid, comm=task.comm, started=started, outside=task.outside
            )
        self._keep(key, process)
        return process

    def heal(self) -> None:
        """After execs or exits were lost: what still runs is asked anew, and what does not has no number any more."""
        if self._read_host is None:
            return
        for pid, key in list(self._alive.items()):
            known = self._known.get(key)
            fresh = self._read_host(RawTask(pid, key[1], ""), Process(pid=pid))
            if fresh.exe is None:
                del self._alive[pid]
            elif known is not None:
                self._known[key] = _updated(known, fresh, self.environment)

    def _keep(self, key: Key, entry: Process | bytes) -> None:
        self._known[key] = entry
        self._known.move_to_end(key)
        self._alive[key[0]] = key
        if len(self._known) > _MOST:
            gone, _ = self._known.popitem(last=False)
            self._free(gone)

    def _free(self, key: Key) -> None:
        """The number may be another's from now on."""
        if self._alive.get(key[0]) == key:
            del self._alive[key[0]]


def _updated(known: Process | bytes, fresh: Process, wanted: frozenset[str]) -> Process | bytes:
    """The entry, with the program of ``fresh`` if another was known: its exec was lost, and its new rights with it."""
    if isinstance(known, bytes):
        record = decode(known)
        if not isinstance(record, RawEvent):
            return known
        known = executed(record, datetime.fromtimestamp(0, UTC), wanted)
    if (known.args, known.exe) == (fresh.args, fresh.exe):
        return known
    return msgspec.structs.replace(
        fresh, ppid=known.ppid, comm=known.comm, tty=known.tty, started=known.started, outside=known.outside
    )


def executed(event: RawEvent, started: datetime, wanted: frozenset[str] = frozenset()) -> Process:
    """The process as its exec describes it, with the variables of these names."""
    process = Process(
        pid=event.task.pid,
        ppid=event.ppid,
        comm=event.task.comm,
        exe=event.path,
        args=event.args,
        args_truncated=bool(event.flags & abi.ARGS_TRUNCATED),
        cwd=event.other,
        started=started,
        exe_new=bool(event.flags & abi.NEW),
        exe_memfd=bool(event.flags & abi.MEMFD),
        script=_script(event.path, event.args),
        env=_asked_for(words(event.data), wanted),
    )
    return _with_rights(process, event)


def _script(program: str | None, args: tuple[str, ...]) -> str:
    """The script that Perl is started for; a script's first line may ask for warnings and taint, and for no module."""
    if not _PERL.fullmatch(program or ""):
        return ""
    words = args[2:] if len(args) > 1 and _PLAIN_OPTIONS.fullmatch(args[1]) else args[1:]
    return words[0] if words and words[0].startswith("/") else ""


def _asked_for(pairs: Iterable[str], names: frozenset[str]) -> tuple[str, ...]:
    """The variables of these names; what nobody asks for may be a secret, and is not kept."""
    return tuple(pair for pair in pairs if EVERY_VARIABLE in names or pair.partition("=")[0] in names)


def _with_rights(process: Process, event: RawEvent) -> Process:
    """What the kernel said of the acting process itself."""
    rights = event.rights
    return msgspec.structs.replace(
        process,
        uid=rights.uid,
        gid=rights.gid,
        euid=rights.euid,
        egid=rights.egid,
        login_uid=None if rights.login_uid == _NOBODY_SIGNED_IN else rights.login_uid,
        vpid=event.vpid,
        group=event.group,
        session=event.session,
        capabilities=Capabilities(rights.effective, rights.permitted, rights.inheritable),
        exe_inode=event.exe_inode,
        tty=bool(event.flags & abi.TTY),
    )


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
        args=tuple(text(word) for word in args.removesuffix(b"\0").split(b"\0")) if args else (),
        args_truncated=len(args) == _LONGEST_COMMAND,
        cwd=cwd,
        uid=owner.st_uid,
        gid=owner.st_gid,
    )


def _link(path: Path) -> str:
    return text(os.fsencode(path.readlink()))


def _started_ticks(root: Path) -> int:
    # The command, in brackets, may contain anything; the fields after its last bracket may not.
    fields = (root / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    return int(fields[19])


def at(nanoseconds: int, offset: int) -> datetime:
    """A kernel time as a date; ``offset`` is when the machine started, in nanoseconds since 1970."""
    return datetime.fromtimestamp((nanoseconds + offset) / 1e9, UTC)
