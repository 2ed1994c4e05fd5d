"""Every hook there is: what it tells, where it can be put, best place first, and what it costs while it is there."""

import enum

from msgspec import Struct

from hullguard.agent.sensor import abi, attach
from hullguard.detect.detectors.interface import Access, Transport
from hullguard.model.event import EventKind


class Backend(enum.StrEnum):
    """How a program is attached."""

    TYPED = "tp_btf"
    RAW = "raw_tp"
    CGROUP = "cgroup"
    """On the root of the cgroup2 hierarchy, which every task is in."""
    CALL = "tp/syscalls"


class Cost(enum.StrEnum):
    """What a hook costs those whom it does not concern."""

    FREE = "free"
    """Nothing: it is on a rare path of the kernel."""
    CHEAP = "cheap"
    """Little, on a path that is not so rare."""
    EVERY_CALL = "taxes every system call"
    """Some nanoseconds on each system call of each process; the second such hook adds nothing to that."""


class Attachment(Struct, frozen=True):
    """One program in one place."""

    program: str
    point: str
    """A tracepoint's name; for people where there is none."""
    number: int = 0
    """The cookie of a call; the attach type of a cgroup."""
    link: str = ""
    """By which it is pinned, if not by its point."""

    @property
    def pin(self) -> str:
        return self.link or self.point


class Way(Struct, frozen=True):
    """One way to have a hook: all of its attachments, or none."""

    backend: Backend
    attachments: tuple[Attachment, ...]
    cost: Cost


class Hook(Struct, frozen=True):
    """One place where something can be seen."""

    name: str
    kinds: frozenset[EventKind]
    ways: tuple[Way, ...]
    always: bool = False
    """The agent's table of processes needs it."""
    transports: frozenset[Transport] = frozenset(Transport)
    """Of sockets; wants that exclude them all do not need it."""
    access: frozenset[Access] = frozenset(Access)
    """The same of opened files."""


_POINTS = {"umount2": "sys_exit_umount", "sendfile": "sys_exit_sendfile64"}
"""Tracepoints with other names than their calls."""


def _always(kind: EventKind, program: str, point: str) -> Hook:
    way = Way(Backend.TYPED, (Attachment(program, point, link=program),), Cost.FREE)
    return Hook(point, frozenset({kind}), (way,), always=True)


def _ended(program: str, call: str, link: str = "") -> Way:
    """At the end of a system call."""
    point = _POINTS.get(call, f"sys_exit_{call}")
    attachment = Attachment(program, point, abi.CALLS.index(call), link)
    return Way(Backend.CALL, (attachment,), Cost.EVERY_CALL)


def _calls(kind: EventKind, program: str, *names: str) -> tuple[Hook, ...]:
    return tuple(
        Hook(_POINTS.get(name, f"sys_exit_{name}"), frozenset({kind}), (_ended(program, name),)) for name in names
    )


def _open(name: str) -> Hook:
    access = frozenset(Access) - {Access.FAILED}
    if name == "open_by_handle_at":
        return Hook(f"sys_exit_{name}", frozenset({EventKind.FILE_OPEN}), (_ended("on_open", name),), access=access)
    return Hook(
        f"sys_exit_{name}",
        frozenset({EventKind.FILE_OPEN}),
        (_ended("on_open", name),),
        access=access - {Access.HANDLE},
    )


def _failed_open(name: str) -> Hook:
    link = f"sys_exit_{name}_failed"
    kinds, access = frozenset({EventKind.FILE_OPEN}), frozenset({Access.FAILED})
    return Hook(link, kinds, (_ended("on_failed_open", name, link),), access=access)


def _traced(kind: EventKind, name: str, program: str, cost: Cost, backend: Backend = Backend.RAW) -> Hook:
    """On a tracepoint that is no system call's."""
    return Hook(name, frozenset({kind}), (Way(backend, (Attachment(program, name, link=program),), cost),))


def _ring(kinds: frozenset[EventKind], program: str, point: str, name: str) -> Hook:
    """What is done through an io_uring; only who has one pays."""
    way = Way(Backend.RAW, (Attachment(program, point, link=program),), Cost.FREE)
    return Hook(f"io_uring {name}", kinds, (way,))


def _cgroup(cost: Cost, **attachments: int) -> Way:
    return Way(
        Backend.CGROUP, tuple(Attachment(program, program, number) for program, number in attachments.items()), cost
    )


CONNECT, CONNECT_UNIX = "connect", "connect unix"
"""The hooks by which connections are refused, where they are there in their first way."""
_INTERNET = frozenset({Transport.TCP, Transport.UDP, Transport.OTHER})

HOOKS: tuple[Hook, ...] = (
    _always(EventKind.EXEC, "on_exec", "sched_process_exec"),
    _always(EventKind.FORK, "on_fork", "sched_process_fork"),
    _always(EventKind.EXIT, "on_exit", "sched_process_exit"),
    *(_open(name) for name in ("openat", "openat2", "open", "creat", "open_by_handle_at")),
    Hook(
        CONNECT,
        frozenset({EventKind.CONNECT}),
        (
            _cgroup(Cost.FREE, on_connect4=attach.CGROUP_CONNECT4, on_connect6=attach.CGROUP_CONNECT6),
            _ended("on_connected", "connect"),
        ),
        transports=_INTERNET,
    ),
    Hook(
        CONNECT_UNIX,
        frozenset({EventKind.CONNECT}),
        (
            _cgroup(Cost.FREE, on_connect_unix=attach.CGROUP_UNIX_CONNECT),
            _ended("on_connected_unix", "connect", "sys_exit_connect_unix"),
        ),
        transports=frozenset({Transport.UNIX}),
    ),
    Hook(
        "send",
        frozenset({EventKind.SEND}),
        (_cgroup(Cost.FREE, on_send4=attach.CGROUP_SENDMSG4, on_send6=attach.CGROUP_SENDMSG6),),
        transports=frozenset({Transport.UDP}),
    ),
    Hook("dns", frozenset({EventKind.DNS}), (_cgroup(Cost.CHEAP, on_packet=attach.CGROUP_EGRESS),)),
    Hook(
        "bind",
        frozenset({EventKind.BIND}),
        (
            _cgroup(Cost.FREE, on_bind4=attach.CGROUP_POST_BIND4, on_bind6=attach.CGROUP_POST_BIND6),
            _ended("on_socket", "bind"),
        ),
    ),
    Hook(
        "listen",
        frozenset({EventKind.LISTEN}),
        (
            Way(Backend.TYPED, (Attachment("on_listen", "inet_sock_set_state"),), Cost.FREE),
            _ended("on_socket", "listen"),
        ),
    ),
    *_calls(EventKind.SOCKET, "on_socket", "socket"),
    *_calls(EventKind.ACCEPT, "on_socket", "accept", "accept4"),
    *_calls(EventKind.DUP, "on_socket", "dup", "dup2", "dup3", "fcntl"),
    *(_failed_open(name) for name in ("openat", "openat2", "open", "creat")),
    *_calls(EventKind.FILE_RENAME, "on_pair", "rename", "renameat", "renameat2"),
    *_calls(EventKind.FILE_LINK, "on_pair", "link", "linkat"),
    *_calls(EventKind.FILE_SYMLINK, "on_pair", "symlink", "symlinkat"),
    *_calls(EventKind.FILE_UNLINK, "on_single", "unlink", "unlinkat", "rmdir"),
    *_calls(EventKind.FILE_MAKE, "on_single", "mkdir", "mkdirat", "mknod", "mknodat"),
    *_calls(EventKind.FILE_MODE, "on_rights", "chmod", "fchmod", "fchmodat", "fchmodat2"),
    *_calls(EventKind.FILE_OWNER, "on_rights", "chown", "fchown", "lchown", "fchownat"),
    *_calls(EventKind.MOUNT, "on_mount", "mount", "move_mount"),
    *_calls(EventKind.UMOUNT, "on_mount", "umount2"),
    *_calls(EventKind.PIVOT_ROOT, "on_mount", "pivot_root"),
    *_calls(EventKind.PTRACE, "on_reach", "ptrace"),
    *_calls(EventKind.PROCESS_MEMORY, "on_reach", "process_vm_readv", "process_vm_writev"),
    *_calls(EventKind.CREDENTIALS, "on_credentials", "setuid", "setgid", "setreuid", "setregid"),
    *_calls(EventKind.CREDENTIALS, "on_credentials", "setresuid", "setresgid", "setfsuid", "setfsgid", "capset"),
    *_calls(EventKind.NAMESPACE, "on_namespace", "setns", "unshare"),
    _traced(EventKind.NAMESPACE, "task_newtask", "on_clone", Cost.FREE, Backend.TYPED),
    _traced(EventKind.MODULE, "module_load", "on_module", Cost.FREE),
    *_calls(EventKind.MODULE, "on_kernel", "init_module", "finit_module"),
    *_calls(EventKind.BPF, "on_kernel", "bpf"),
    *_calls(EventKind.MEMFD, "on_kernel", "memfd_create"),
    *_calls(EventKind.USERFAULTFD, "on_kernel", "userfaultfd"),
    *_calls(EventKind.SPLICE, "on_splice", "splice", "sendfile"),
    *_calls(EventKind.MEMORY_PROTECTION, "on_memory", "mprotect", "pkey_mprotect", "mmap"),
    _traced(EventKind.SIGNAL, "signal_generate", "on_signal", Cost.CHEAP, Backend.TYPED),
    _traced(EventKind.IO_URING, "io_uring_create", "on_ring_made", Cost.FREE),
    _ring(frozenset({EventKind.FILE_OPEN}), "on_ring_opened", "io_uring_complete", "open"),
    _ring(frozenset({EventKind.FILE_OPEN}), "on_ring_silent_open", "io_uring_submit_req", "silent open"),
    _ring(frozenset({EventKind.SOCKET, EventKind.ACCEPT}), "on_ring_socket", "io_uring_complete", "socket"),
    _ring(
        frozenset(
            {
                EventKind.FILE_RENAME,
                EventKind.FILE_LINK,
                EventKind.FILE_SYMLINK,
                EventKind.FILE_UNLINK,
                EventKind.FILE_MAKE,
            }
        ),
        "on_ring_changes",
        "io_uring_submit_req",
        "changes",
    ),
)

PROCESS_PROGRAMS = tuple(hook.ways[0].attachments[0].program for hook in HOOKS if hook.always)
SOCKET_ADDRESS_PROGRAMS = {"on_connect_unix": attach.CGROUP_UNIX_CONNECT}
"""Programs that libbpf does not know by their sections yet, with their attach types."""
