"""Who asks: what /proc says of a process while it waits for an answer, so that nothing of it changes meanwhile."""

import os

from hullguard.agent.respond.orders import Seen

_MOST_BYTES = 4096
_MOST_WORDS = 64
_MOST_ANCESTORS = 8


def host_namespaces() -> frozenset[str]:
    """Mount namespaces of the machine and of this process: who is in one of them is in no container."""
    found = set()
    for pid in ("1", "2", "self"):  # the first process may be closed even to root; a kernel thread is beside it
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/mnt"))  # noqa: PTH115 -- on the way of every exec
        except OSError:
            continue
    return frozenset(found)


def is_outside(pid: int, hosts: frozenset[str]) -> bool:
    """Whether a process is in no container: the engine, the agent, somebody who administers the machine."""
    try:
        return os.readlink(f"/proc/{pid}/ns/mnt") in hosts  # noqa: PTH115
    except OSError:
        return False


def program(pid: int) -> tuple[str, os.stat_result] | None:
    """The path of what a process runs, as its container has it, and the file itself; None if it cannot be told."""
    try:
        return os.readlink(f"/proc/{pid}/exe"), os.stat(f"/proc/{pid}/exe")  # noqa: PTH115, PTH116
    except OSError:
        return None


def process(thread: int) -> int:
    """The process that a thread is of; the thread's own number where that cannot be told."""
    try:
        with open(f"/proc/{thread}/status", "rb") as file:  # noqa: PTH123
            for line in file:
                if line.startswith(b"Tgid:"):
                    return int(line.split()[1])
    except (OSError, ValueError, IndexError):
        pass
    return thread


def look(pid: int, hosts: frozenset[str]) -> Seen | None:
    """What there is to know of a process; None if it has gone."""
    root = f"/proc/{pid}"
    try:
        with open(f"{root}/stat", "rb") as file:  # noqa: PTH123
            before, _, after = file.read(_MOST_BYTES).rpartition(b")")
        fields = after.split()
        if fields[0] in {b"Z", b"X"}:  # it has ended, and its children are another's
            return None
        with open(f"{root}/cmdline", "rb") as file:  # noqa: PTH123
            words = file.read(_MOST_BYTES)
            owner = os.fstat(file.fileno())
        comm = before.partition(b"(")[2]
        return Seen(
            pid=pid,
            ppid=int(fields[1]),
            comm=_text(comm),
            exe=_exe(root),
            args=tuple(map(_text, words.removesuffix(b"\0").split(b"\0")))[:_MOST_WORDS] if words else (),
            uid=owner.st_uid,
            gid=owner.st_gid,
            started_ticks=int(fields[19]),
            inside=not is_outside(pid, hosts),
        )
    except (OSError, ValueError, IndexError):
        return None


def ancestors(seen: Seen, hosts: frozenset[str]) -> tuple[Seen, ...]:
    """The processes above, outermost first, up to the first that is in no container."""
    found: list[Seen] = []
    at = seen
    while at.inside and at.ppid > 1 and len(found) < _MOST_ANCESTORS:
        above = look(at.ppid, hosts) or _adopted(at, hosts)
        if above is None:
            break
        found.append(above)
        at = above
    return tuple(reversed(found))


def _adopted(orphan: Seen, hosts: frozenset[str]) -> Seen | None:
    """A parent that has ended meanwhile, as what starts a program in a container does, leaves its child to another."""
    now = look(orphan.pid, hosts)
    same = now is not None and now.started_ticks == orphan.started_ticks
    return look(now.ppid, hosts) if now is not None and same and now.ppid != orphan.ppid else None


def _exe(root: str) -> str:
    try:
        return _text(os.fsencode(os.readlink(f"{root}/exe")))  # noqa: PTH115
    except OSError:
        return ""


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
