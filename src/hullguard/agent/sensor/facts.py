"""Facts of one kind of event, under the names that ``detect/fields/arguments.py`` lists."""

from collections.abc import Callable

from hullguard.agent.sensor import abi, dns
from hullguard.agent.sensor.decode import RawEvent

Facts = dict[str, str | int]


def facts(record: RawEvent) -> Facts:
    """What is said of the event beside its paths, its file and its socket."""
    found = _KINDS[record.kind](record) if record.kind in _KINDS else {}
    if record.kind in _WITH_DIRECTORY:
        found |= _directory(record)
    # That nothing is there is what an open that failed, or a link to nothing, is about.
    if record.flags & abi.UNRESOLVED and record.result >= 0:
        found["unresolved"] = 1
    return found


def _directory(record: RawEvent) -> Facts:
    """Where a path counts from a descriptor, so that nobody takes it for one below the working directory."""
    if record.call in {"fchmod", "fchown"}:
        return {"fd": _signed(record.arguments[2])}
    first, second = record.arguments[_WITH_DIRECTORY[record.kind] :][:2]
    pairs = [(record.raw or "", first)]
    if record.kind in {abi.RENAME, abi.LINK}:
        pairs.append((text(record.data), second))
    counted = [_signed(number) for path, number in pairs if path and not path.startswith("/")]
    return next(({"dirfd": number} for number in counted if number != _CURRENT), {})


def text(raw: bytes) -> str:
    """A string that the kernel put beside the record."""
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


def _dup(record: RawEvent) -> Facts:
    return {"old_fd": record.arguments[0], "new_fd": record.arguments[1]}


def _dns(record: RawEvent) -> Facts:
    asked = dns.question(record.data)
    return {"name": asked.name, "type": asked.kind} if asked else {}


def _pair(record: RawEvent) -> Facts:
    found: Facts = {"raw_target": text(record.data)} if record.data else {}
    return {**found, "flags": record.arguments[0]} if record.call in {"renameat2", "linkat"} else found


def _symlink(record: RawEvent) -> Facts:
    return {"resolved_target": record.other} if record.other else {}


def _unlink(record: RawEvent) -> Facts:
    return {"flags": record.arguments[0]}


def _make(record: RawEvent) -> Facts:
    device = record.arguments[1]
    return {"mode": record.arguments[0] & 0o7777, **({"device": device} if device else {})}


def _mode(record: RawEvent) -> Facts:
    return {"mode": record.arguments[0] & 0o7777}


def _owner(record: RawEvent) -> Facts:
    """-1 leaves an owner as it is."""
    return {"owner": _signed(record.arguments[0]), "owner_group": _signed(record.arguments[1])}


def _mount(record: RawEvent) -> Facts:
    found: Facts = {"flags": record.arguments[0]}
    return {**found, "fs_type": record.file.file_system} if record.file.file_system else found


def _ptrace(record: RawEvent) -> Facts:
    request, pid, number, address, data, _ = record.arguments
    return {"request": request, "pid": pid or number, "vpid": number, "address": address, "data": data}


def _reached(record: RawEvent) -> Facts:
    return {"pid": record.arguments[1] or record.arguments[2], "vpid": record.arguments[2]}


_IDS: dict[str, tuple[str, ...]] = {
    "setuid": ("uid",),
    "setgid": ("gid",),
    "setreuid": ("uid", "euid"),
    "setregid": ("gid", "egid"),
    "setresuid": ("uid", "euid", "suid"),
    "setresgid": ("gid", "egid", "sgid"),
    "setfsuid": ("uid",),
    "setfsgid": ("gid",),
}


def _credentials(record: RawEvent) -> Facts:
    if record.call == "capset":
        rights = record.rights
        return {
            "cap_effective": rights.effective,
            "cap_permitted": rights.permitted,
            "cap_inheritable": rights.inheritable,
        }
    asked = zip(_IDS.get(record.call, ()), record.arguments, strict=False)
    return {name: _signed(value) for name, value in asked}


def _namespace(record: RawEvent) -> Facts:
    flags, descriptor = record.arguments[:2]
    return {"flags": flags, **({"fd": descriptor} if record.call == "setns" else {})}


def _module(record: RawEvent) -> Facts:
    if record.call == "finit_module":
        fd, flags = record.arguments[:2]
        name = (record.path or "").rpartition("/")[2]
        return {"name": name, "parameters": record.raw or "", "fd": fd, "flags": flags}
    return {"name": record.raw} if record.raw else {}


def _bpf(record: RawEvent) -> Facts:
    loads = record.arguments[0] == _PROG_LOAD and record.result >= 0
    return {
        "cmd": record.arguments[0],
        **({"prog_type": record.arguments[1], "name": record.raw or ""} if loads else {}),
    }


def _memfd(record: RawEvent) -> Facts:
    return {"name": record.raw or "", "flags": record.arguments[0]}


def _protection(record: RawEvent) -> Facts:
    return {"address": record.arguments[0], "size": record.arguments[1], "prot": record.arguments[2]}


def _signal(record: RawEvent) -> Facts:
    return {"signal": record.arguments[0], "pid": record.arguments[1]}


def _io_uring(record: RawEvent) -> Facts:
    return {"entries": record.arguments[0], "flags": record.arguments[1]}


def _flags(record: RawEvent) -> Facts:
    return {"flags": record.arguments[0]}


def _splice(record: RawEvent) -> Facts:
    source, target, size, merge = record.arguments[:4]
    return {"fd_in": _signed(source), "fd_out": _signed(target), "size": size, "merge": _MERGES.get(merge, "")}


def _signed(value: int) -> int:
    """A number of 32 bits in a register of 64."""
    value &= 0xFFFFFFFF
    return value - (1 << 32) if value >> 31 else value


_PROG_LOAD = 5
_MERGES = {1: "prepared", 2: "open"}
"""``PREPARED`` and ``OPEN`` of ``bpf/pipe.h``."""
_CURRENT = -100
"""AT_FDCWD."""
_WITH_DIRECTORY = {
    abi.FILE: 0,
    **dict.fromkeys((abi.RENAME, abi.LINK, abi.SYMLINK, abi.UNLINK, abi.MAKE, abi.MODE, abi.OWNER), 2),
}
"""Which argument is the descriptor that the first path counts from; the next is that of the second."""
_KINDS: dict[int, Callable[[RawEvent], Facts]] = {
    abi.DUP: _dup,
    abi.DNS: _dns,
    abi.RENAME: _pair,
    abi.LINK: _pair,
    abi.SYMLINK: _symlink,
    abi.UNLINK: _unlink,
    abi.MAKE: _make,
    abi.MODE: _mode,
    abi.OWNER: _owner,
    abi.MOUNT: _mount,
    abi.UMOUNT: _flags,
    abi.PTRACE: _ptrace,
    abi.PROCESS_MEMORY: _reached,
    abi.CREDENTIALS: _credentials,
    abi.NAMESPACE: _namespace,
    abi.MODULE: _module,
    abi.BPF: _bpf,
    abi.MEMORY_FILE: _memfd,
    abi.PROTECTION: _protection,
    abi.SIGNAL: _signal,
    abi.IO_URING: _io_uring,
    abi.USERFAULTFD: _flags,
    abi.SPLICE: _splice,
}
