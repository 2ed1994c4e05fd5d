"""Every hook there is: what it tells, where it can be put, best place first, and what it costs while it is there."""

import enum

from msgspec import Struct

from hullguard.agent.sensor import abi, attach
from hullguard.detect.detectors.interface import Transport
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


def _always(kind: EventKind, program: str, point: str) -> Hook:
    way = Way(Backend.TYPED, (Attachment(program, point, link=program),), Cost.FREE)
    return Hook(point, frozenset({kind}), (way,), always=True)


def _ended(program: str, call: str, link: str = "") -> Way:
    """At the end of a system call."""
    attachment = Attachment(program, f"sys_exit_{call}", abi.CALLS.index(call), link)
    return Way(Backend.CALL, (attachment,), Cost.EVERY_CALL)


def _calls(kind: EventKind, program: str, *names: str) -> tuple[Hook, ...]:
    return tuple(Hook(f"sys_exit_{name}", frozenset({kind}), (_ended(program, name),)) for name in names)


def _cgroup(cost: Cost, **attachments: int) -> Way:
    return Way(
        Backend.CGROUP, tuple(Attachment(program, program, number) for program, number in attachments.items()), cost
    )


_INTERNET = frozenset({Transport.TCP, Transport.UDP, Transport.OTHER})

HOOKS: tuple[Hook, ...] = (
    _always(EventKind.EXEC, "on_exec", "sched_process_exec"),
    _always(EventKind.FORK, "on_fork", "sched_process_fork"),
    _always(EventKind.EXIT, "on_exit", "sched_process_exit"),
    *_calls(EventKind.FILE_OPEN, "on_open", "openat", "openat2", "open", "creat", "open_by_handle_at"),
    Hook(
        "connect",
        frozenset({EventKind.CONNECT}),
        (
            _cgroup(Cost.FREE, on_connect4=attach.CGROUP_CONNECT4, on_connect6=attach.CGROUP_CONNECT6),
            _ended("on_connected", "connect"),
        ),
        transports=_INTERNET,
    ),
    Hook(
        "connect unix",
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
)

PROCESS_PROGRAMS = tuple(hook.ways[0].attachments[0].program for hook in HOOKS if hook.always)
SOCKET_ADDRESS_PROGRAMS = {"on_connect_unix": attach.CGROUP_UNIX_CONNECT}
"""Programs that libbpf does not know by their sections yet, with their attach types."""
