"""inotify(7) through libc: which names appear in a directory. Nothing but the standard library."""

import ctypes
import os
import struct
from collections.abc import Iterator

from hullguard.agent.respond.inside import checked

_NONBLOCK, _CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_MOVED_TO, _CREATE, _ONLYDIR = 0x80, 0x100, 0x0100_0000
_IGNORED, _OVERFLOW = 0x8000, 0x4000
_HEAD = struct.Struct("=iIII")
_BUFFER = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class Names:
    """Watched directories. The kernel forgets one by itself when its file system goes."""

    def __init__(self) -> None:
        self.fd = checked(_libc.inotify_init1(_NONBLOCK | _CLOEXEC), "inotify_init1")

    def watch(self, directory: int) -> int:
        """Begins to watch a descriptor's directory; the same one gives the same number. Raises ``OSError``."""
        path = b"/proc/self/fd/%d" % directory
        return checked(_libc.inotify_add_watch(self.fd, path, _MOVED_TO | _CREATE | _ONLYDIR), "inotify_add_watch")

    def read(self) -> Iterator[tuple[int, str]]:
        """Number of the directory, and a name that appeared in it; number -1: some were lost."""
        try:
            data = os.read(self.fd, _BUFFER)
        except BlockingIOError:
            return
        at = 0
        while at + _HEAD.size <= len(data):
            number, mask, _, length = _HEAD.unpack_from(data, at)
            name = data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
            at += _HEAD.size + length
            if mask & _OVERFLOW:
                yield -1, ""
            elif not mask & _IGNORED:
                yield number, os.fsdecode(name)

    def close(self) -> None:
        os.close(self.fd)
