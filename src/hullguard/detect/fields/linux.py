"""Numbers of Linux in the words that rules use: flags, capabilities, requests, errors."""

import errno
import signal
from collections.abc import Mapping
from typing import Final

OPEN_FLAGS: Final = {
    0o100: "O_CREAT",
    0o200: "O_EXCL",
    0o400: "O_NOCTTY",
    0o1000: "O_TRUNC",
    0o2000: "O_APPEND",
    0o4000: "O_NONBLOCK",
    0o10000: "O_DSYNC",
    0o40000: "O_DIRECT",
    0o100000: "O_LARGEFILE",
    0o200000: "O_DIRECTORY",
    0o400000: "O_NOFOLLOW",
    0o1000000: "O_NOATIME",
    0o2000000: "O_CLOEXEC",
    0o4000000: "O_SYNC",
    0o10000000: "O_PATH",
    0o20000000: "O_TMPFILE",
}
"""As on x86 and in asm-generic; the agent's sensor gives them so on every machine."""
O_TMPFILE: Final = 0o20000000
MODE_BITS: Final = {
    0o1: "S_IXOTH",
    0o2: "S_IWOTH",
    0o4: "S_IROTH",
    0o10: "S_IXGRP",
    0o20: "S_IWGRP",
    0o40: "S_IRGRP",
    0o100: "S_IXUSR",
    0o200: "S_IWUSR",
    0o400: "S_IRUSR",
    0o1000: "S_ISVTX",
    0o2000: "S_ISGID",
    0o4000: "S_ISUID",
}
CLONE_FLAGS: Final = {
    0x80: "CLONE_NEWTIME",
    0x100: "CLONE_VM",
    0x200: "CLONE_FS",
    0x400: "CLONE_FILES",
    0x800: "CLONE_SIGHAND",
    0x1000: "CLONE_PIDFD",
    0x2000: "CLONE_PTRACE",
    0x4000: "CLONE_VFORK",
    0x8000: "CLONE_PARENT",
    0x10000: "CLONE_THREAD",
    0x20000: "CLONE_NEWNS",
    0x40000: "CLONE_SYSVSEM",
    0x80000: "CLONE_SETTLS",
    0x100000: "CLONE_PARENT_SETTID",
    0x200000: "CLONE_CHILD_CLEARTID",
    0x800000: "CLONE_UNTRACED",
    0x1000000: "CLONE_CHILD_SETTID",
    0x2000000: "CLONE_NEWCGROUP",
    0x4000000: "CLONE_NEWUTS",
    0x8000000: "CLONE_NEWIPC",
    0x10000000: "CLONE_NEWUSER",
    0x20000000: "CLONE_NEWPID",
    0x40000000: "CLONE_NEWNET",
    0x80000000: "CLONE_IO",
}
MOUNT_FLAGS: Final = {
    1 << 0: "RDONLY",
    1 << 1: "NOSUID",
    1 << 2: "NODEV",
    1 << 3: "NOEXEC",
    1 << 4: "SYNCHRONOUS",
    1 << 5: "REMOUNT",
    1 << 6: "MANDLOCK",
    1 << 7: "DIRSYNC",
    1 << 10: "NOATIME",
    1 << 11: "NODIRATIME",
    1 << 12: "BIND",
    1 << 13: "MOVE",
    1 << 14: "REC",
    1 << 15: "SILENT",
    1 << 16: "POSIXACL",
    1 << 17: "UNBINDABLE",
    1 << 18: "PRIVATE",
    1 << 19: "SLAVE",
    1 << 20: "SHARED",
    1 << 21: "RELATIME",
    1 << 24: "STRICTATIME",
    1 << 25: "LAZYTIME",
}
"""Without ``MS_``, as Falco writes them."""
UMOUNT_FLAGS: Final = {1: "FORCE", 2: "DETACH", 4: "EXPIRE", 8: "NOFOLLOW"}
UNLINK_FLAGS: Final = {0x200: "AT_REMOVEDIR"}
MEMFD_FLAGS: Final = {1: "MFD_CLOEXEC", 2: "MFD_ALLOW_SEALING", 4: "MFD_HUGETLB", 8: "MFD_NOEXEC_SEAL", 16: "MFD_EXEC"}
PROTECTION: Final = {1: "PROT_READ", 2: "PROT_WRITE", 4: "PROT_EXEC", 8: "PROT_SEM"}
PTRACE_REQUESTS: Final = {
    0: "PTRACE_TRACEME",
    1: "PTRACE_PEEKTEXT",
    2: "PTRACE_PEEKDATA",
    3: "PTRACE_PEEKUSR",
    4: "PTRACE_POKETEXT",
    5: "PTRACE_POKEDATA",
    6: "PTRACE_POKEUSR",
    7: "PTRACE_CONT",
    8: "PTRACE_KILL",
    9: "PTRACE_SINGLESTEP",
    12: "PTRACE_GETREGS",
    13: "PTRACE_SETREGS",
    14: "PTRACE_GETFPREGS",
    15: "PTRACE_SETFPREGS",
    16: "PTRACE_ATTACH",
    17: "PTRACE_DETACH",
    24: "PTRACE_SYSCALL",
    0x4200: "PTRACE_SETOPTIONS",
    0x4201: "PTRACE_GETEVENTMSG",
    0x4202: "PTRACE_GETSIGINFO",
    0x4203: "PTRACE_SETSIGINFO",
    0x4204: "PTRACE_GETREGSET",
    0x4205: "PTRACE_SETREGSET",
    0x4206: "PTRACE_SEIZE",
    0x4207: "PTRACE_INTERRUPT",
    0x4208: "PTRACE_LISTEN",
    0x4209: "PTRACE_PEEKSIGINFO",
}
PTRACE_NUMBERS: Final = {name: number for number, name in PTRACE_REQUESTS.items()}
BPF_COMMANDS: Final = dict(
    enumerate(
        """
        MAP_CREATE MAP_LOOKUP_ELEM MAP_UPDATE_ELEM MAP_DELETE_ELEM MAP_GET_NEXT_KEY PROG_LOAD OBJ_PIN OBJ_GET
        PROG_ATTACH PROG_DETACH PROG_TEST_RUN PROG_GET_NEXT_ID MAP_GET_NEXT_ID PROG_GET_FD_BY_ID MAP_GET_FD_BY_ID
        OBJ_GET_INFO_BY_FD PROG_QUERY RAW_TRACEPOINT_OPEN BTF_LOAD BTF_GET_FD_BY_ID TASK_FD_QUERY
        MAP_LOOKUP_AND_DELETE_ELEM MAP_FREEZE BTF_GET_NEXT_ID MAP_LOOKUP_BATCH MAP_LOOKUP_AND_DELETE_BATCH
        MAP_UPDATE_BATCH MAP_DELETE_BATCH LINK_CREATE LINK_UPDATE LINK_GET_FD_BY_ID LINK_GET_NEXT_ID ENABLE_STATS
        ITER_CREATE LINK_DETACH PROG_BIND_MAP TOKEN_CREATE
        """.split()  # noqa: SIM905 - read as a table
    )
)
"""Without ``BPF_``."""
FAMILIES: Final = {
    "unix": "AF_UNIX",
    "ipv4": "AF_INET",
    "ipv6": "AF_INET6",
    "netlink": "AF_NETLINK",
    "packet": "AF_PACKET",
    "vsock": "AF_VSOCK",
    "5": "AF_APPLETALK",
    "29": "AF_CAN",
    "31": "AF_BLUETOOTH",
    "38": "AF_ALG",
    "40": "AF_VSOCK",
    "44": "AF_XDP",
}
"""``Socket.family`` -> the constant's name."""
SOCKET_KINDS: Final = {"stream": "1", "datagram": "2", "raw": "3", "packet": "10"}
PROTOCOLS: Final = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}
SERVICES: Final = {
    "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "dns": 53, "tftp": 69, "http": 80, "kerberos": 88,
    "pop3": 110, "sunrpc": 111, "ntp": 123, "imap": 143, "snmp": 161, "ldap": 389, "https": 443, "microsoft-ds": 445,
    "smtps": 465, "syslog": 514, "ldaps": 636, "imaps": 993, "pop3s": 995, "socks": 1080, "openvpn": 1194,
    "ms-sql-s": 1433, "nfs": 2049, "mysql": 3306, "ms-wbt-server": 3389, "postgresql": 5432, "amqp": 5672,
    "redis": 6379, "http-alt": 8080, "mongodb": 27017,
}  # fmt: skip
"""Names that may stand for a port in a rule."""
_CAPABILITIES: Final = """
    CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
    NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
    SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
    MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE
    """.split()  # noqa: SIM905 - read as a table
CAPABILITY_NAMES: Final = tuple(f"CAP_{name}" for name in _CAPABILITIES)
"""By their bits, from 0."""


def flags(value: int, names: Mapping[int, str]) -> str:
    """``A|B``; bits without a name are left out, as Falco does; ``0`` where none is set."""
    return "|".join(name for bit, name in names.items() if value & bit == bit) or "0"


def open_flags(value: int) -> str:
    """open(2)'s flags; the access mode comes first."""
    access = ("O_RDONLY", "O_WRONLY", "O_RDWR", "O_RDWR")[value & 3]
    rest = [name for bit, name in OPEN_FLAGS.items() if value & bit == bit]
    return "|".join([access, *rest])


def capabilities(mask: int) -> str:
    """``CAP_CHOWN CAP_KILL``; a capability that is younger than this table has its number."""
    names = [name for bit, name in enumerate(CAPABILITY_NAMES) if mask >> bit & 1]
    younger = range(len(CAPABILITY_NAMES), 64)
    return " ".join([*names, *(f"CAP_{bit}" for bit in younger if mask >> bit & 1)])


def error(number: int) -> str:
    """``ENOENT`` for 2; the number for one without a name."""
    return errno.errorcode.get(number, str(number))


def signal_name(number: int) -> str:
    """``SIGKILL`` for 9."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
