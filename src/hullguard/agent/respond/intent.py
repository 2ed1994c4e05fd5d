"""What somebody who waits in a system call wants: to open a file for writing, or to start which file.

fanotify says neither. The kernel keeps the call's registers while it waits, and nobody else can change those. What a
register only points to another thread can change: a lie there is found out once the sensor sees what really was done.
"""

import errno
import os
import platform
import struct
from typing import Final

from hullguard.agent.respond.inside import open_inside

_TRIES = 64
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_TRUNC
_MOST_PATH = 4096
_OPENAT2: Final = 437
"""The same number on every architecture; its third argument points to the flags."""
_CREATES: Final = -1
_CALLS: Final[dict[str, dict[int, int]]] = {
    # open, openat, open_by_handle_at, creat; then those of 32-bit programs, whose numbers open nothing in 64 bits.
    "x86_64": {2: 1, 257: 2, 304: 2, 85: _CREATES, 5: 1, 295: 2, 342: 2, 8: _CREATES},
    "aarch64": {56: 2, 265: 2, 5: 1, 322: 2, 371: 2, 8: _CREATES},
}
"""Per machine and system call, which argument has the flags."""
_EXECS: Final[dict[str, dict[int, int]]] = {
    "x86_64": {59: 0, 322: 1, 11: 0, 358: 1},
    "aarch64": {221: 0, 281: 1, 11: 0},
}
"""Per machine and system call, which argument points to the path of the program."""
_MACHINE: Final = platform.machine()
KNOWN: Final = _MACHINE in _CALLS
"""Whether this can be told on this machine at all."""


def writes(thread: int) -> bool:
    """Whether a thread opens for writing, or to make the file empty.

    Where it cannot be told (io_uring, a dump of memory) it is taken to read: the sensor sees what it does.
    """
    number, arguments = _call(thread)
    if number == _OPENAT2:
        flags = _flags(thread, arguments[2])
    else:
        at = _CALLS.get(_MACHINE, {}).get(number)
        if at is None:
            return False
        flags = os.O_WRONLY if at == _CREATES else arguments[at]
    return bool(flags & _WRITES) and flags & os.O_ACCMODE != os.O_ACCMODE


def starts_elsewhere(thread: int) -> bool:
    """Whether the program that a thread starts lies on another mount than its root, so that nobody was asked of it."""
    number, arguments = _call(thread)
    at = _EXECS.get(_MACHINE, {}).get(number)
    if at is None:
        return False
    try:
        name = os.fsdecode(_memory(thread, arguments[at], _MOST_PATH).partition(b"\0")[0])
        if not name.startswith("/"):
            name = f"{os.readlink(f'/proc/{thread}/cwd')}/{name}"  # noqa: PTH115 -- on the way of every exec
        root = os.open(f"/proc/{thread}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.close(open_inside(root, name))
        except OSError as bad:
            return bad.errno == errno.EXDEV
        finally:
            os.close(root)
    except (OSError, ValueError):
        return False
    return False


def _call(thread: int) -> tuple[int, tuple[int, ...]]:
    """The number of the system call and its arguments; below zero if it waits in none, or cannot be told."""
    for _ in range(_TRIES):
        try:
            with open(f"/proc/{thread}/syscall", encoding="ascii") as file:  # noqa: PTH123
                words = file.read().split()
        except OSError:
            break
        # It has asked, and is not asleep yet.
        if words and words[0] != "running":
            return (int(words[0]), tuple(int(word, 16) for word in words[1:7])) if len(words) >= 9 else (-1, ())
        os.sched_yield()
    return -1, ()


def _flags(thread: int, address: int) -> int:
    try:
        return int(struct.unpack("=Q", _memory(thread, address, 8))[0])
    except (OSError, ValueError, OverflowError, struct.error):
        return 0


def _memory(thread: int, address: int, size: int) -> bytes:
    """Less than asked for, where a page is not there."""
    place = os.open(f"/proc/{thread}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(place, min(size, 4096 - address % 4096) or size, address)
    finally:
        os.close(place)
