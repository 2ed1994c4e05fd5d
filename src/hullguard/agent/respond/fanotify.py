"""fanotify's permission events through libc: the kernel asks, and whoever opens a file waits for the answer.

Constants and layouts are from ``linux/fanotify.h``; fanotify(7) describes them. Nothing but the standard library.
"""

import ctypes
import os
import struct
from collections.abc import Iterator
from typing import NamedTuple

from hullguard.agent.respond.inside import checked

OPEN_PERM, ACCESS_PERM, OPEN_EXEC_PERM = 0x0001_0000, 0x0002_0000, 0x0004_0000
ON_CHILD = 0x0800_0000
Q_OVERFLOW = 0x4000
_CLASS_CONTENT, _CLOEXEC, _NONBLOCK, _REPORT_TID = 0x4, 0x1, 0x2, 0x100
_ADD, _REMOVE, _MARK_MOUNT, _MARK_FILESYSTEM = 0x1, 0x2, 0x10, 0x100
_ALLOW, _DENY = 1, 2
_VERSION = 3
_AT_FDCWD = -100
_HEAD = struct.Struct("=IBBHQii")
_ANSWER = struct.Struct("=iI")
_BUFFER = 24 * 128
"""Of this many events at most descriptors are open at once."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.fanotify_mark.argtypes = [ctypes.c_int, ctypes.c_uint, ctypes.c_uint64, ctypes.c_int, ctypes.c_char_p]


class Asked(NamedTuple):
    """Somebody waits. ``descriptor`` is the file, opened for us without asking anybody; below zero there is none.

    ``thread`` is its number; what /proc says of it is there under that number too.
    """

    mask: int
    descriptor: int
    thread: int


class Group:
    """One fanotify group. When its last descriptor is closed, the kernel lets everybody who waits go on."""

    def __init__(self) -> None:
        """Raises ``OSError``: EPERM without CAP_SYS_ADMIN, ENOSYS or EINVAL where there are no permission events."""
        flags = _CLASS_CONTENT | _CLOEXEC | _NONBLOCK | _REPORT_TID
        self.fd = checked(_libc.fanotify_init(flags, os.O_RDONLY | os.O_CLOEXEC | os.O_LARGEFILE), "fanotify_init")

    def watch(self, place: int, mask: int) -> None:
        """Ask about the file or directory of this descriptor (``O_PATH`` will do), by whatever name it is opened."""
        self._mark(_ADD, mask, place)

    def watch_mount(self, place: int, mask: int) -> None:
        """Ask about every file that is opened through this mount, and no other mount of the same file system."""
        self._mark(_ADD | _MARK_MOUNT, mask, place)

    def watch_filesystem(self, place: int, mask: int) -> None:
        """Ask about every file of this file system, wherever it is mounted."""
        self._mark(_ADD | _MARK_FILESYSTEM, mask, place)

    def watches(self, place: int, other: int, *, filesystem: bool = False) -> bool:
        """Whether there is a mark. Raises ``OSError`` where that cannot be told.

        ``other`` is what it does not ask about: taking that away changes nothing, and fails where there is no mark.
        """
        try:
            self._mark(_REMOVE | (_MARK_FILESYSTEM if filesystem else 0), other, place)
        except FileNotFoundError:
            return False
        return True

    def forget(self, place: int, mask: int) -> None:
        """Ask no more about the file, or the file system, of this descriptor; it is no error if nobody did."""
        for flags in (_REMOVE, _REMOVE | _MARK_FILESYSTEM, _REMOVE | _MARK_MOUNT):
            try:
                self._mark(flags, mask, place)
            except OSError:
                continue

    def read(self) -> Iterator[Asked]:
        """Who waits now; each must be answered with ``answer``, in any order."""
        try:
            data = os.read(self.fd, _BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at + _HEAD.size <= len(data):
            length, version, _, _, mask, descriptor, thread = _HEAD.unpack_from(data, at)
            if version != _VERSION or length < _HEAD.size:
                raise OSError(f"the kernel speaks version {version} of fanotify, not {_VERSION}")
            at += length
            yield Asked(mask, descriptor, thread)

    def answer(self, asked: Asked, *, allow: bool) -> None:
        """Let whoever waits go on, or refuse; and close the descriptor."""
        if asked.descriptor < 0:
            return
        try:
            os.write(self.fd, _ANSWER.pack(asked.descriptor, _ALLOW if allow else _DENY))
        except FileNotFoundError:
            pass  # whoever waited was killed
        finally:
            os.close(asked.descriptor)

    def close(self) -> None:
        os.close(self.fd)

    def _mark(self, flags: int, mask: int, place: int) -> None:
        # An O_PATH descriptor is no place to mark; its link in /proc leads to the very same file, and opens nothing.
        result = _libc.fanotify_mark(self.fd, flags, mask, _AT_FDCWD, b"/proc/self/fd/%d" % place)
        checked(result, "fanotify_mark")
