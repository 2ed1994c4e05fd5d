"""``evt.arg.*``: what a call was given, by Falco's names, and what a sensor must put into ``Event.arguments`` for it.

``Event.arguments`` holds what has no attribute of its own, numbers as the kernel has them:

=================  =====================================================================================================
kind               keys
=================  =====================================================================================================
all with a path    ``dirfd`` where the call counts from a descriptor other than AT_FDCWD; ``directory``: its path
FILE_OPEN          ``mode`` (permission bits of a file to be made), ``resolve`` (openat2)
FILE_RENAME, LINK  ``raw_target``: the second path as the program wrote it; ``flags``
FILE_UNLINK        ``flags``
FILE_MODE          ``fd``, of fchmod
FILE_OWNER         ``owner``, ``owner_group``: the new ones; ``fd``, of fchown
FILE_MAKE          ``device``, of mknod
MOUNT, UMOUNT      ``fs_type``, ``flags``
sockets            ``fd``; ``backlog`` of LISTEN, ``size`` of SEND
DNS                ``name``, ``type``
DUP                ``old_fd``, ``new_fd``
PTRACE             ``request``, ``pid``, ``address``, ``data``
PROCESS_MEMORY     ``pid``
CREDENTIALS        ``uid``, ``euid``, ``suid``, ``gid``, ``egid``, ``sgid``, ``user_name``, ``group_name``,
                   ``cap_effective``, ``cap_permitted``, ``cap_inheritable``
NAMESPACE          ``fd``, ``flags`` (setns's type as well)
MODULE             ``name``, ``parameters``, ``fd``, ``flags``
BPF                ``cmd``, ``prog_type``, ``name``
MEMFD              ``name``, ``flags``
MEMORY_PROTECTION  ``address``, ``size``, ``prot``
SIGNAL             ``signal``, ``pid``
IO_URING           ``entries``, ``flags``, ``opcode``
USERFAULTFD        ``flags``
SPLICE             ``fd_in``, ``fd_out``, ``size``; ``merge``: ``prepared``, ``open`` where a write changes the file
FORK               ``flags``
EXIT               ``status``
=================  =====================================================================================================
"""

from collections.abc import Callable, Mapping
from typing import Final

from hullguard.detect.fields import linux, process
from hullguard.detect.fields.descriptor import name as descriptor_name
from hullguard.detect.fields.field import Reader, Value
from hullguard.model.event import Event, EventKind

Arguments = Mapping[str, Reader]


def _given(key: str) -> Reader:
    def read(event: Event) -> Value:
        value = event.arguments.get(key)
        return None if value is None else str(value)

    return read


def _rendered(key: str, render: Callable[[int], str]) -> Reader:
    """A number in words; a sensor may give the words at once."""

    def read(event: Event) -> Value:
        value = event.arguments.get(key)
        return render(value) if isinstance(value, int) else value

    return read


def _flags(names: Mapping[int, str], key: str = "flags") -> Reader:
    return _rendered(key, lambda value: linux.flags(value, names))


def _choice(names: Mapping[int, str], key: str) -> Reader:
    return _rendered(key, lambda value: names.get(value, str(value)))


def _text(get: Callable[[Event], object]) -> Reader:
    def read(event: Event) -> Value:
        value = get(event)
        return None if value is None else str(value)

    return read


def _path(event: Event) -> Value:
    """As the program wrote it, where that is known."""
    return event.raw_path if event.raw_path is not None else event.path


_target: Final = _text(lambda event: event.arguments.get("raw_target", event.target))
"""A recorded event may hold anything there; what is compared with a path is a text."""


def _mode(event: Event) -> Value:
    return None if event.file is None else linux.flags(event.file.mode, linux.MODE_BITS)


def _open_flags(event: Event) -> Value:
    if event.file is None:
        access = (event.reads, event.writes)
        return {(True, False): "O_RDONLY", (False, True): "O_WRONLY", (True, True): "O_RDWR"}.get(access)
    extra = "|O_F_CREATED" if event.file.created else ""
    # A sensor that saw the truncation, not the flags, says so too.
    flags = event.file.flags | (0o1000 if event.file.truncated else 0)
    return linux.open_flags(flags) + extra + ("|FD_UPPER_LAYER" if event.file.upper else "")


def _exe_flags(event: Event) -> Value:
    one = event.lineage[-1]
    found = (
        ("EXE_WRITABLE", one.exe_writable),
        ("EXE_UPPER_LAYER", process.new_program(event)),
        ("EXE_FROM_MEMFD", one.exe_memfd),
        ("EXE_LOWER_LAYER", not process.new_program(event)),
    )
    return "|".join(name for name, holds in found if holds)


def _fd(event: Event) -> Value:
    if event.kind in {EventKind.FILE_OPEN, EventKind.SOCKET, EventKind.MEMFD, EventKind.USERFAULTFD}:
        return None if event.result is None else str(event.result)
    return _given("fd")(event)


def _identity(key: str, name: str) -> Reader:
    """``evt.arg.uid``: the user's name where it is known, as Falco shows it."""

    def read(event: Event) -> Value:
        value = event.arguments.get(name, event.arguments.get(key))
        return None if value is None else str(value)

    return read


_SOCKET: Final[dict[str, Reader]] = {
    "fd": _fd,
    "addr": descriptor_name,
    "tuple": descriptor_name,
    "domain": lambda event: (
        None if event.socket is None else linux.FAMILIES.get(event.socket.family, event.socket.family)
    ),
    "type": lambda event: (
        None if event.socket is None else linux.SOCKET_KINDS.get(event.socket.kind, event.socket.kind or None)
    ),
    "proto": _text(lambda event: event.socket.protocol if event.socket else None),
}
_PATH: Final[dict[str, Reader]] = {"path": _path, "name": _path, "pathname": _path, "filename": _path}
_PAIR: Final[dict[str, Reader]] = {"oldpath": _path, "newpath": _target, "flags": _given("flags")}
_CREDENTIAL: Final[dict[str, Reader]] = {
    **{
        key: _given(key)
        for key in ("euid", "suid", "egid", "sgid", "cap_effective", "cap_permitted", "cap_inheritable")
    },
    "uid": _identity("uid", "user_name"),
    "ruid": _identity("uid", "user_name"),
    "gid": _identity("gid", "group_name"),
    "rgid": _identity("gid", "group_name"),
}
_OF_PROCESS: Final[dict[str, Reader]] = {
    "exe": lambda event: process.exe(event.lineage[-1]),
    "args": lambda event: process.args(event.lineage[-1]),
    "comm": lambda event: process.name(event.lineage[-1]),
    "cwd": lambda event: process.cwd(event.lineage[-1]),
    "env": lambda event: process.env(event.lineage[-1]),
    "pid": lambda event: str(event.lineage[-1].pid),
    "ptid": lambda event: str(event.lineage[-1].ppid),
    "uid": _text(lambda event: event.lineage[-1].uid),
    "gid": _text(lambda event: event.lineage[-1].gid),
    "loginuid": _text(lambda event: event.lineage[-1].login_uid),
    "tty": lambda event: str(int(event.lineage[-1].tty)),
}

BY_KIND: Final[dict[EventKind, Arguments]] = {
    EventKind.EXEC: {
        **_OF_PROCESS,
        "filename": _path,
        "pathname": _path,
        "flags": _exe_flags,
        "trusted_exepath": lambda event: event.lineage[-1].exe,
    },
    EventKind.FORK: {**_OF_PROCESS, "flags": _flags(linux.CLONE_FLAGS)},
    EventKind.EXIT: {"status": _given("status")},
    EventKind.FILE_OPEN: {
        **_PATH,
        "flags": _open_flags,
        "mode": _rendered("mode", lambda value: f"0{value:o}"),
        "fd": _fd,
        "dirfd": _given("dirfd"),
        "ino": _text(lambda event: event.file.inode if event.file else None),
        "resolve": _given("resolve"),
    },
    EventKind.FILE_RENAME: _PAIR,
    # A link is told by its new name.
    EventKind.FILE_LINK: {"oldpath": _target, "newpath": _path, "flags": _given("flags")},
    EventKind.FILE_SYMLINK: {"target": lambda event: event.target, "linkpath": _path},
    EventKind.FILE_UNLINK: {**_PATH, "flags": _flags(linux.UNLINK_FLAGS)},
    EventKind.FILE_MODE: {**_PATH, "mode": _mode, "fd": _fd},
    EventKind.FILE_OWNER: {**_PATH, "uid": _given("owner"), "gid": _given("owner_group"), "fd": _fd},
    EventKind.FILE_MAKE: {**_PATH, "mode": _mode, "dev": _given("device")},
    EventKind.MOUNT: {
        "dev": lambda event: event.target,
        "dir": _path,
        "type": _given("fs_type"),
        "flags": _flags(linux.MOUNT_FLAGS),
    },
    EventKind.UMOUNT: {"name": _path, "flags": _flags(linux.UMOUNT_FLAGS)},
    EventKind.PIVOT_ROOT: {"new_root": _path, "put_old": lambda event: event.target},
    EventKind.SOCKET: _SOCKET,
    EventKind.CONNECT: _SOCKET,
    EventKind.ACCEPT: _SOCKET,
    EventKind.BIND: _SOCKET,
    EventKind.LISTEN: {**_SOCKET, "backlog": _given("backlog")},
    EventKind.SEND: {**_SOCKET, "size": _given("size")},
    EventKind.DNS: {"name": _given("name"), "type": _given("type")},
    EventKind.DUP: {"fd": _given("old_fd"), "oldfd": _given("old_fd"), "newfd": _given("new_fd")},
    EventKind.PTRACE: {
        "request": _choice(linux.PTRACE_REQUESTS, "request"),
        "pid": _given("pid"),
        "addr": _given("address"),
        "data": _given("data"),
    },
    EventKind.PROCESS_MEMORY: {"pid": _given("pid")},
    EventKind.CREDENTIALS: _CREDENTIAL,
    EventKind.NAMESPACE: {
        "fd": _fd,
        "nstype": _flags(linux.CLONE_FLAGS),
        "flags": _flags(linux.CLONE_FLAGS),
    },
    EventKind.MODULE: {
        "img": _given("name"),
        "name": _given("name"),
        "uargs": _given("parameters"),
        "fd": _fd,
        "flags": _given("flags"),
    },
    EventKind.BPF: {
        "cmd": _rendered("cmd", lambda value: f"BPF_{linux.BPF_COMMANDS.get(value, value)}"),
        "name": _given("name"),
        "prog_type": _given("prog_type"),
    },
    EventKind.MEMFD: {"name": _given("name"), "flags": _flags(linux.MEMFD_FLAGS), "fd": _fd},
    EventKind.MEMORY_PROTECTION: {
        "addr": _given("address"),
        "size": _given("size"),
        "prot": _flags(linux.PROTECTION, "prot"),
    },
    EventKind.SIGNAL: {"sig": _rendered("signal", linux.signal_name), "pid": _given("pid"), "tid": _given("pid")},
    EventKind.IO_URING: {key: _given(key) for key in ("entries", "flags", "opcode")},
    EventKind.USERFAULTFD: {"flags": _given("flags"), "fd": _fd},
    EventKind.SPLICE: {key: _given(key) for key in ("fd_in", "fd_out", "size", "merge")},
    EventKind.CONTAINER_START: {},
}
"""Falco's names, without ``res``, which every call has. The order is that of ``evt.args`` and of ``evt.arg[n]``."""

NAMES: Final = frozenset(name for arguments in BY_KIND.values() for name in arguments) | {"res"}

FALCO_NAMES: Final = frozenset(
    """
    actor addr aux aux_ID backlog base_addr cgroups cmd code config core cpu cpuset cpuset_list data_len dev_ID
    dev_id dip dport dst dst_fd dst_vma dest_vma egid event_data event_type event_vmas exe_ino exe_ino_ctime
    exe_ino_mtime exe_writable fd1 fd2 fd_in fd_out fdin fdout fdlimit fds file_flags fs groups how how_many id img
    in initval interval ip json key length level linkdirfd maxevents min_complete mountfd msg mtu nativeID
    newdir newdirfd new_root next nfds nstype off_in off_out off offset off_t olddir olddirfd op optlen optname option
    opts out owner path_in path_out peer pgft_maj pgft_min pgid pgoffset pidns_init_start_ts plugin_ID
    plugin_id pos pts put_old quota_fmt quotafilepath queuelen queuemax queuepct ratio reaper_tid rem request ret ruid
    rgid scap_opts sival_ptr size sk_type_flags source special spid src src_fd suid sgid tags target_fd tgid
    tid timeout to_submit tv_sec type uffd val value version vm_rss vm_size vm_swap vpid vtid whence which
    """.split()  # noqa: SIM905 - a name a line would fill the page
)
"""Names of Falco's arguments that no event has here, beside some that have."""


def result(event: Event) -> str:
    """``evt.res``: what became of the call; one that the kernel told of before its end counts as done."""
    return "SUCCESS" if event.result is None or event.result >= 0 else linux.error(-event.result)


def named(name: str) -> Reader:
    """The reader of ``evt.arg.NAME``; None for events whose call has no such argument."""
    if name == "res":
        return result
    readers = {kind: arguments[name] for kind, arguments in BY_KIND.items() if name in arguments}

    def read(event: Event) -> Value:
        reader = readers.get(event.kind)
        return None if reader is None else reader(event)

    return read


def kinds_with(name: str) -> frozenset[EventKind]:
    """The kinds whose calls have the argument, by name or number."""
    if name.isdigit():
        return frozenset(kind for kind, arguments in BY_KIND.items() if int(name) <= len(arguments))
    return frozenset(kind for kind, arguments in BY_KIND.items() if name in arguments or name == "res")


def numbered(index: int) -> Reader:
    """The reader of ``evt.arg[n]``: 0 is the result."""
    if index == 0:
        return result

    def read(event: Event) -> Value:
        readers = tuple(BY_KIND[event.kind].values())
        return readers[index - 1](event) if index <= len(readers) else None

    return read


def all_of(event: Event) -> str:
    """``evt.args``: ``name=value`` of all that are known."""
    said = [f"res={result(event)}"]
    for name, read in BY_KIND[event.kind].items():
        value = read(event)
        if value is not None:
            said.append(f"{name}={value!s}")
    return " ".join(said)
