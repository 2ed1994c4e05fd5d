"""What the kernel saw, decoded: the input of every detector."""

import enum
from datetime import datetime

from msgspec import Struct


class EventKind(enum.StrEnum):
    """One class of events; each has its own loss counter in the kernel."""

    EXEC = "exec"
    FORK = "fork"
    EXIT = "exit"
    FILE_OPEN = "file_open"
    FILE_RENAME = "file_rename"
    FILE_LINK = "file_link"
    FILE_SYMLINK = "file_symlink"
    FILE_UNLINK = "file_unlink"
    FILE_MODE = "file_mode"
    FILE_OWNER = "file_owner"
    FILE_MAKE = "file_make"
    """mkdir and mknod."""
    MOUNT = "mount"
    UMOUNT = "umount"
    PIVOT_ROOT = "pivot_root"
    SOCKET = "socket"
    CONNECT = "connect"
    ACCEPT = "accept"
    BIND = "bind"
    LISTEN = "listen"
    SEND = "send"
    DNS = "dns"
    DUP = "dup"
    PTRACE = "ptrace"
    PROCESS_MEMORY = "process_memory"
    """process_vm_readv and process_vm_writev."""
    CREDENTIALS = "credentials"
    """setuid, setgid, setresuid, capset and their like."""
    NAMESPACE = "namespace"
    """setns and unshare."""
    MODULE = "module"
    BPF = "bpf"
    MEMFD = "memfd"
    MEMORY_PROTECTION = "memory_protection"
    """Memory that becomes executable."""
    SIGNAL = "signal"
    IO_URING = "io_uring"
    USERFAULTFD = "userfaultfd"
    SPLICE = "splice"
    """A page of a file that may not be written came into a pipe that could write it."""
    CONTAINER_START = "container_start"


class Capabilities(Struct, frozen=True):
    """A process's capabilities as bit masks (capabilities(7))."""

    effective: int = 0
    permitted: int = 0
    inheritable: int = 0


class Stream(Struct, frozen=True):
    """What one of a process's first three descriptors is."""

    kind: str
    """As ``OpenFile.kind``, or ``ipv4``, ``ipv6``, ``unix`` for a socket."""
    name: str = ""
    """Its path, or ``CLIENT:PORT->SERVER:PORT``."""


class Process(Struct, frozen=True, omit_defaults=True):
    """One process, as far as it is known. Pids are the host's."""

    pid: int
    ppid: int = 0
    comm: str = ""
    exe: str | None = None
    args: tuple[str, ...] = ()
    args_truncated: bool = False
    cwd: str | None = None
    uid: int | None = None
    gid: int | None = None
    tty: bool = False
    started: datetime | None = None
    outside: bool = False
    """Not in any container: the runtime that started the container's process."""
    euid: int | None = None
    egid: int | None = None
    login_uid: int | None = None
    """Who signed in (audit's loginuid); None where nobody did."""
    vpid: int | None = None
    """Its pid in its own namespace."""
    group: int | None = None
    """Its process group."""
    session: int | None = None
    """Its session's leader."""
    capabilities: Capabilities | None = None
    exe_inode: int | None = None
    exe_new: bool = False
    """Its executable is not in the image, or not as the image has it."""
    exe_memfd: bool = False
    """Its executable is only in memory."""
    script: str = ""
    """The script that its program, Perl, was started for, by the kernel's word at that moment: a process can rewrite
    its arguments later. Empty for none, with options that load something, and where nobody saw it start."""
    env: tuple[str, ...] = ()
    """``NAME=value`` of the variables that some rule asks for."""
    terminal: int | None = None
    """Device number of its controlling terminal, 0 for none; None where only ``tty`` is known."""
    user_name: str | None = None
    """What the password file that it sees calls ``uid``."""
    group_name: str | None = None
    login_name: str | None = None
    exe_writable: bool | None = None
    """Its own user may write to its executable."""
    exe_modified: datetime | None = None
    """When its executable's content changed last (mtime)."""
    exe_changed: datetime | None = None
    """When its executable's inode changed last (ctime)."""
    streams: tuple[Stream, ...] = ()
    """Descriptors 0, 1 and 2 as they were when it started its program; empty where nobody looked."""


class ContainerRef(Struct, frozen=True):
    """The container an event belongs to; ``name`` is empty until the runtime was asked."""

    id: str
    name: str = ""


class Mount(Struct, frozen=True):
    """One directory or file of the host, or a volume, inside a container."""

    source: str
    destination: str
    mode: str = ""
    writable: bool = True
    propagation: str = ""


class Pod(Struct, frozen=True, omit_defaults=True):
    """The Kubernetes pod that a container belongs to, as the container engine's labels say."""

    name: str
    namespace: str
    uid: str = ""
    sandbox: str = ""
    """The id of the pod's own container."""
    address: str = ""
    labels: dict[str, str] = {}


class ContainerDetails(Struct, frozen=True, omit_defaults=True):
    """What the container's engine said of it; None where it said nothing."""

    engine: str = ""
    """``docker``, ``containerd``, ``cri-o``, ``podman``."""
    privileged: bool | None = None
    mounts: tuple[Mount, ...] | None = None
    labels: dict[str, str] = {}
    image_digest: str | None = None
    """The digest under which the image's registry knows it, ``sha256:…``."""
    started: datetime | None = None
    address: str | None = None
    host_pid: bool | None = None
    """It shares the host's process ids; so too for the next two."""
    host_network: bool | None = None
    host_ipc: bool | None = None
    builds_image: bool | None = None
    """It is a step of an image's build, which the engine runs by itself."""
    pod: Pod | None = None
    kubernetes: str | None = None
    """The address at which its kubelet told it to reach the Kubernetes API server."""


KUBERNETES = "kubernetes.default.svc.cluster.local"
"""What every pod calls the API server of its cluster."""


class ImageRef(Struct, frozen=True):
    """The image a container runs: ``id`` is the configuration's digest, ``sha256:…``."""

    id: str
    name: str = ""


class Endpoint(Struct, frozen=True):
    """One end of a connection: an IP address and a port, or a Unix socket's path (abstract ones begin with ``@``)."""

    address: str
    port: int = 0
    name: str = ""
    """What the address is called here, where that is known: ``KUBERNETES`` for the one in ``ContainerDetails``."""


class Socket(Struct, frozen=True, omit_defaults=True):
    """What an event did to a socket, or through one."""

    family: str
    """``ipv4``, ``ipv6``, ``unix``, ``packet``, ``netlink`` or the family's number."""
    kind: str = ""
    """``stream``, ``datagram``, ``raw`` or ``packet``."""
    protocol: int = 0
    """IP protocol number."""
    local: Endpoint | None = None
    remote: Endpoint | None = None
    inbound: bool = False
    """The other end began it."""


class OpenFile(Struct, frozen=True, omit_defaults=True):
    """What the kernel knows of the file that an event is about."""

    inode: int = 0
    device: int = 0
    kind: str = "file"
    """``file``, ``directory``, ``block``, ``character``, ``pipe``, ``socket``, ``memfd``, ``other``."""
    mode: int = 0
    """Permission bits: the file's; of FILE_MODE those that it gets."""
    uid: int | None = None
    flags: int = 0
    """open(2)'s flags as the kernel took them."""
    created: bool = False
    truncated: bool = False
    file_system: str = ""
    """``overlay``, ``proc``, ``sysfs``, ``cgroup``, ``tmpfs``, ``devtmpfs`` or the magic number."""
    upper: bool = False
    """It lies in the overlay's upper layer."""


class Gap(Struct, frozen=True):
    """Events of one container that nobody will ever see."""

    container: ContainerRef
    image: ImageRef | None
    what: str
    """Which events: ``exec``, ``file``, ``process``, ``network``, ``security``, or ``any`` where nobody knows."""
    why: str
    """``full``: too many at once for the kernel's ring; ``limit``: too many of one kind within a second; ``busy``: a
    processor was within another program; ``unreadable``: the program took its arguments' memory away meanwhile."""
    count: int
    since: datetime
    until: datetime


class Origin(enum.StrEnum):
    """How an executed file that is not as the image has it differs from the image."""

    NEW = "new"
    """The image has no file at its path."""
    MODIFIED = "modified"
    """The image has one with another content."""
    TOUCHED = "touched"
    """The image's own content, byte for byte: only times, owner or mode were changed."""
    MEMORY = "memory"
    """It is only in memory."""
    UNKNOWN = "unknown"


class Drift(Struct, frozen=True):
    """What is known of an executed file that is not as the image has it."""

    origin: Origin
    why: str = ""
    """Of UNKNOWN: why it could not be compared, as a code."""
    placed_by: tuple[str, ...] = ()
    """The image's own programs that moved it to its path, outermost first; nobody wrote to it since."""
    by_operator: bool = False
    """Whoever ran them came in through the runtime (``docker exec``): the container's own main process did not."""


class Event(Struct, frozen=True):
    """One kernel event, in a container or, where a rule asks for it, on the host itself (``container.id`` is ``host``).

    ``lineage`` runs from the outermost known ancestor inside the container (its runtime parent first, where the kernel
    still knew it) to the process itself, which is last.
    """

    kind: EventKind
    at: datetime
    sequence: int
    """Counts every event that the kernel sent since it booted; with the boot id it names the event."""
    container: ContainerRef
    image: ImageRef | None
    lineage: tuple[Process, ...]
    path: str | None = None
    """EXEC: the executable; FILE_OPEN: the real path of the opened file; else what the event is about, links followed.

    Of a rename the old name, of a link or symbolic link the new one, of a mount where it is, of a Unix socket its own.
    """
    known_as: str | None = None
    """FILE_OPEN: the watched name of the same file, where it was opened by another (a hard link)."""
    reads: bool = False
    writes: bool = False
    new_file: bool = False
    """EXEC: the executable is not in the image, or not as the image has it (overlay upper layer, memfd, deleted)."""
    stopped: bool = False
    """EXEC: the kernel killed the process before it could go on. CONNECT and SEND: the kernel refused it."""
    call: str = ""
    """The system call, for example ``openat``; ``io_uring openat`` for one that came through a ring."""
    result: int | None = None
    """What the call answered; negative numbers are errors (errno(3)).

    None where the kernel told of it before the answer, having allowed it so far: rules see it as done.
    """
    raw_path: str | None = None
    """The path as the program wrote it, before links were followed."""
    target: str | None = None
    """The second path: where a rename or link leads to, what a symbolic link says, what is mounted."""
    file: OpenFile | None = None
    socket: Socket | None = None
    arguments: dict[str, str | int] = {}
    """Facts of one kind of event, by the names of ``detect/fields/arguments.py``: ``fs_type``, ``request``."""
    container_details: ContainerDetails | None = None
    host: str = ""
    """The node's host name."""
    drift: Drift | None = None
    """EXEC of a file that is not as the image has it: how it differs. None where nobody looked."""

    @property
    def process(self) -> Process:
        """The process that caused the event."""
        return self.lineage[-1]
