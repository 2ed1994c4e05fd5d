"""The mirror of ``bpf/events.h``; a test compiles that header and compares every size, offset and constant."""

import ctypes
from typing import ClassVar

ABI = 3
COMM, NAME, CONTAINER, ANCESTORS, PATH, TRIE = 16, 39, 128, 8, 4096, 248
INODE_WORDS, SLOTS, ARGUMENTS, OPERATIONS = 64, 512, 6, 48
GRAM, GRAMS, TEXT = 4, 32, 24

EXEC, FILE, FORK, EXIT = 1, 2, 3, 4
RENAME, LINK, SYMLINK, UNLINK, MODE, OWNER, MAKE = range(5, 12)
MOUNT, UMOUNT, PIVOT = range(12, 15)
SOCKET, CONNECT, ACCEPT, BIND, LISTEN, SEND, DNS, DUP = range(15, 23)
PTRACE, PROCESS_MEMORY, CREDENTIALS, NAMESPACE, MODULE, BPF, MEMORY_FILE, PROTECTION = range(23, 31)
SIGNAL, IO_URING, USERFAULTFD, SPLICE = range(31, 35)
OPEN_WRITE, OPEN_CREATE, OPEN_TRUNCATE, OPEN_FAILED, OPEN_HANDLE = range(40, 45)
CLASSES = ("exec", "file", "process", "network", "security")
"""In the order of ``enum hg_class``; the names under which losses are reported."""

STRINGS = 6
RAW, DATA, PATH_STRING, OTHER, EXE, ARGS = range(STRINGS)

TTY, ARGS_TRUNCATED, PATH_TRUNCATED = 1 << 0, 1 << 1, 1 << 2
UPPER, COPIED_UP, MODIFIED, MEMFD, DELETED, TMPFS, NEW = (1 << bit for bit in range(3, 10))
KILLED, READS, WRITES, BY_INODE, CREATED, TRUNCATES = (1 << bit for bit in range(10, 16))
EXE_NEW, EXE_MEMFD, UNRESOLVED, OTHER_UNRESOLVED, HOST = (1 << bit for bit in range(16, 21))
INBOUND, STDIO_SOCKET, ENV_TRUNCATED, RING, BEFORE, ASKED, REFUSED = (1 << bit for bit in range(21, 28))
OUTSIDE = 1
KILL_NEW, HAS_ENDINGS, HAS_DIRECTORIES = 1 << 0, 1 << 1, 1 << 2
PATH_WANTED, PATH_ENDING, PATH_DIRECTORY, PATH_EXEMPT = b"W", b"E", b"D", b"X"
PROGRAM_WANTED, PROGRAM_ENDING, PROGRAM_DIRECTORY, CWD_WANTED = b"P", b"Q", b"R", b"C"
PARENT_WANTED, TEXT_WANTED, VARIABLE_WANTED, SOCKET_ALLOWED = b"N", b"T", b"V", b"U"
NAME_FILE, NAME_DIRECTORY = b"F", b"D"
TRAIT_NEW, TRAIT_ENTRY, TRAIT_STDIO, TRAIT_SETUID, TRAIT_HIDDEN, TRAIT_TERMINAL, TRAITS = range(7)
ENV_NONE, ENV_NAMED, ENV_ALL = range(3)
ACCESS_READ, ACCESS_WRITE, ACCESS_CREATE, ACCESS_TRUNCATE, ACCESS_FAILED, ACCESS_HANDLE = (1 << bit for bit in range(6))
TCP, UDP, UNIX, OTHER_TRANSPORT, TRANSPORTS = range(5)
RING_FULL, RATE_LIMIT, UNREADABLE = 1, 2, 3
ALLOWED_BITS = 48
CGROUP_V2, CGROUP_MEMORY, CGROUP_PIDS = 0, 1, 2

CALLS = (
    *("", "execve", "open", "openat", "openat2", "creat", "open_by_handle_at"),
    *("rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat", "rmdir"),
    *("mkdir", "mkdirat", "mknod", "mknodat"),
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat"),
    *("mount", "move_mount", "umount2", "pivot_root"),
    *("socket", "connect", "accept", "accept4", "bind", "listen", "dup", "dup2", "dup3", "fcntl", "sendmsg"),
    *("ptrace", "process_vm_readv", "process_vm_writev"),
    *("setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "capset"),
    *("setns", "unshare", "clone"),
    *("init_module", "finit_module", "bpf", "memfd_create", "userfaultfd"),
    *("mprotect", "pkey_mprotect", "mmap"),
    *("io_uring_setup", "kill", "splice", "sendfile"),
)
"""By their number in ``enum hg_call`` of ``bpf/calls.h``; none has the number 0."""


class Head(ctypes.Structure):
    """``struct hg_head``."""

    _fields_: ClassVar = [
        ("abi", ctypes.c_uint16),
        ("kind", ctypes.c_uint16),
        ("cpu", ctypes.c_uint32),
        ("sequence", ctypes.c_uint64),
        ("time_ns", ctypes.c_uint64),
        ("cgroup", ctypes.c_uint64),
    ]


class Task(ctypes.Structure):
    """``struct hg_task``."""

    _fields_: ClassVar = [
        ("start_ns", ctypes.c_uint64),
        ("pid", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("comm", ctypes.c_char * COMM),
    ]


class File(ctypes.Structure):
    """``struct hg_file``."""

    _fields_: ClassVar = [
        ("inode", ctypes.c_uint64),
        ("device", ctypes.c_uint32),
        ("mode", ctypes.c_uint32),
        ("owner", ctypes.c_uint32),
        ("group", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("type", ctypes.c_char * COMM),
    ]


class Socket(ctypes.Structure):
    """``struct hg_socket``."""

    _fields_: ClassVar = [
        ("family", ctypes.c_uint16),
        ("type", ctypes.c_uint16),
        ("protocol", ctypes.c_uint32),
        ("local", ctypes.c_uint8 * 16),
        ("remote", ctypes.c_uint8 * 16),
        ("local_port", ctypes.c_uint16),
        ("remote_port", ctypes.c_uint16),
        ("pad", ctypes.c_uint32),
    ]


class Event(ctypes.Structure):
    """``struct hg_event``; ``STRINGS`` strings follow it."""

    _fields_: ClassVar = [
        ("head", Head),
        ("task", Task),
        *((name, ctypes.c_uint32) for name in ("ppid", "uid", "gid", "flags", "euid", "egid", "login_uid", "vpid")),
        *((name, ctypes.c_uint32) for name in ("group", "session", "call", "slot")),
        ("result", ctypes.c_int64),
        *((name, ctypes.c_uint64) for name in ("effective", "permitted", "inheritable", "exe_inode")),
        ("file", File),
        ("socket", Socket),
        ("arguments", ctypes.c_uint64 * ARGUMENTS),
        ("sizes", ctypes.c_uint32 * STRINGS),
        ("ancestors", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("container", ctypes.c_char * CONTAINER),
        ("ancestry", Task * ANCESTORS),
    ]


class Proc(ctypes.Structure):
    """``struct hg_proc``."""

    _fields_: ClassVar = [("head", Head), ("task", Task), ("ppid", ctypes.c_uint32), ("pad", ctypes.c_uint32 * 3)]


class Verdict(ctypes.Structure):
    """``struct hg_verdict``."""

    _fields_: ClassVar = [("container", ctypes.c_uint32), ("pad", ctypes.c_uint32), ("name", ctypes.c_char * CONTAINER)]


class Known(ctypes.Structure):
    """``struct hg_known``."""

    _fields_: ClassVar = [("host", ctypes.c_uint32), ("slot", ctypes.c_uint32), ("fence", ctypes.c_uint32)]


class Slot(ctypes.Structure):
    """``struct hg_slot``."""

    _fields_: ClassVar = [
        ("flags", ctypes.c_uint32),
        ("pad", ctypes.c_uint32),
        ("wants", ctypes.c_uint64 * OPERATIONS),
        ("any_path", ctypes.c_uint64),
        ("any_address", ctypes.c_uint64),
        ("any_port", ctypes.c_uint64),
        ("transports", ctypes.c_uint64 * TRANSPORTS),
        ("climbing", ctypes.c_uint64),
        ("named", ctypes.c_uint64),
        ("spared", ctypes.c_uint64),
        ("refused", ctypes.c_uint64),
        ("execs", ctypes.c_uint64),
        ("traits", ctypes.c_uint64 * TRAITS),
        ("by_program", ctypes.c_uint64),
        ("by_cwd", ctypes.c_uint64),
        ("by_parent", ctypes.c_uint64),
        ("by_text", ctypes.c_uint64),
        ("by_variable", ctypes.c_uint64),
    ]


class Program(ctypes.Structure):
    """``struct hg_program``."""

    _fields_: ClassVar = [("slot", ctypes.c_uint16), ("name", ctypes.c_char * COMM)]


class Name(ctypes.Structure):
    """``struct hg_name``."""

    _fields_: ClassVar = [("kind", ctypes.c_char), ("name", ctypes.c_char * NAME)]


class Inode(ctypes.Structure):
    """``struct hg_inode``."""

    _fields_: ClassVar = [("inode", ctypes.c_uint64), ("device", ctypes.c_uint32), ("pad", ctypes.c_uint32)]


class Path(ctypes.Structure):
    """``struct hg_path``."""

    _fields_: ClassVar = [
        ("bits", ctypes.c_uint32),
        ("slot", ctypes.c_uint16),
        ("kind", ctypes.c_char),
        ("path", ctypes.c_char * TRIE),
        ("pad", ctypes.c_char),
    ]


class Network(ctypes.Structure):
    """``struct hg_network``."""

    _fields_: ClassVar = [
        ("bits", ctypes.c_uint32),
        ("slot", ctypes.c_uint16),
        ("family", ctypes.c_uint16),
        ("address", ctypes.c_uint8 * 16),
    ]


class Allowed(ctypes.Structure):
    """``struct hg_allowed``."""

    _fields_: ClassVar = [
        ("bits", ctypes.c_uint32),
        ("fence", ctypes.c_uint16),
        ("port", ctypes.c_uint16),
        ("transport", ctypes.c_uint8),
        ("family", ctypes.c_uint8),
        ("address", ctypes.c_uint8 * 16),
        ("pad", ctypes.c_uint8 * 2),
    ]


class Port(ctypes.Structure):
    """``struct hg_port``."""

    _fields_: ClassVar = [("slot", ctypes.c_uint16), ("port", ctypes.c_uint16)]


class LossKey(ctypes.Structure):
    """``struct hg_loss_key``."""

    _fields_: ClassVar = [("cgroup", ctypes.c_uint64), ("class", ctypes.c_uint32), ("why", ctypes.c_uint32)]


class Loss(ctypes.Structure):
    """``struct hg_loss``."""

    _fields_: ClassVar = [("count", ctypes.c_uint64), ("first_ns", ctypes.c_uint64), ("last_ns", ctypes.c_uint64)]


class RateKey(ctypes.Structure):
    """``struct hg_rate_key``."""

    _fields_: ClassVar = [("cgroup", ctypes.c_uint64), ("kind", ctypes.c_uint64)]


class Rate(ctypes.Structure):
    """``struct hg_rate``."""

    _fields_: ClassVar = [("second", ctypes.c_uint64), ("count", ctypes.c_uint64)]


class Host(ctypes.Structure):
    """``struct hg_host``."""

    _fields_: ClassVar = [
        ("mnt_ns", ctypes.c_uint32),
        ("controller", ctypes.c_uint32),
        ("typed", ctypes.c_uint32),
        ("abi", ctypes.c_uint32),
    ]


class Config(ctypes.Structure):
    """``struct hg_config``."""

    _fields_: ClassVar = [
        ("name_lengths", ctypes.c_uint64),
        ("directory_lengths", ctypes.c_uint64),
        ("unknown_slot", ctypes.c_uint32),
        ("everything", ctypes.c_uint32),
        ("host_slot", ctypes.c_uint32),
        ("host", ctypes.c_uint32),
        ("agent", ctypes.c_uint32),
        ("environment", ctypes.c_uint32),
        ("rate", ctypes.c_uint32),
        ("climbing", ctypes.c_uint32),
        ("inodes", ctypes.c_uint64 * INODE_WORDS),
        ("texts", ctypes.c_uint64 * GRAMS),
        ("variables", ctypes.c_uint64 * GRAMS),
    ]


MIRROR: dict[str, type[ctypes.Structure]] = {
    "hg_head": Head,
    "hg_task": Task,
    "hg_file": File,
    "hg_socket": Socket,
    "hg_event": Event,
    "hg_proc": Proc,
    "hg_verdict": Verdict,
    "hg_known": Known,
    "hg_slot": Slot,
    "hg_program": Program,
    "hg_name": Name,
    "hg_inode": Inode,
    "hg_path": Path,
    "hg_network": Network,
    "hg_allowed": Allowed,
    "hg_port": Port,
    "hg_loss_key": LossKey,
    "hg_loss": Loss,
    "hg_rate_key": RateKey,
    "hg_rate": Rate,
    "hg_host": Host,
    "hg_config": Config,
}

_LETTERS = (
    *("PATH_WANTED", "PATH_ENDING", "PATH_DIRECTORY", "PATH_EXEMPT", "NAME_FILE", "NAME_DIRECTORY"),
    *("PROGRAM_WANTED", "PROGRAM_ENDING", "PROGRAM_DIRECTORY", "CWD_WANTED"),
    *("PARENT_WANTED", "TEXT_WANTED", "VARIABLE_WANTED", "SOCKET_ALLOWED"),
)
_STRING_NAMES = ("RAW", "DATA", "PATH", "OTHER", "EXE", "ARGS")
_CLASS_NAMES = ("EXEC", "FILE", "PROC", "NETWORK", "SECURITY")
_NOT_IN_C = frozenset({"PATH_STRING", "RAW", "DATA", "OTHER", "EXE", "ARGS"})

CONSTANTS: dict[str, int] = {
    **{
        f"HG_{name}": value
        for name, value in list(globals().items())
        if name.isupper() and isinstance(value, int) and name not in _NOT_IN_C
    },
    **{f"HG_{name}": ord(globals()[name]) for name in _LETTERS},
    **{f"HG_STRING_{name}": number for number, name in enumerate(_STRING_NAMES)},
    **{f"HG_CLASS_{name}": number for number, name in enumerate(_CLASS_NAMES)},
    **{f"HG_CALL_{name.upper()}": number for number, name in enumerate(CALLS) if name},
    "HG_CLASSES": len(CLASSES),
}
"""Every constant of the header; what is a plain number here has the same name there."""
