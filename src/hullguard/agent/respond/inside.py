"""Paths of a container, resolved so that no link leads out of it. Nothing but the standard library.

Everything here is opened with ``O_PATH``: that raises no permission event, so it never waits for anybody's answer.
"""

import ctypes
import os
import struct

OVERLAY, TMPFS = 0x794C7630, 0x01021994
"""What statfs(2) calls the file systems."""
_OPENAT2 = 437
"""The same number on every architecture."""
_NO_XDEV, _NO_SYMLINKS, _BENEATH, _IN_ROOT = 0x01, 0x04, 0x08, 0x10
_HOW = struct.Struct("=QQQ")

_libc = ctypes.CDLL(None, use_errno=True)


def open_inside(root: int, path: str, *, same_mount: bool = True) -> int:
    """A path as those see it whose root this is; links are followed, but stay inside. Raises ``OSError``.

    On another mount it is EXDEV, unless that is allowed: a file system whose server is in the container (FUSE) can let
    whoever looks into it wait for ever.
    """
    return _open(root, path, _IN_ROOT | (_NO_XDEV if same_mount else 0))


def open_beneath(directory: int, path: str) -> int:
    """A path below a directory, without following any link: ``OSError`` (ELOOP) where there is one."""
    return _open(directory, path.lstrip("/") or ".", _BENEATH | _NO_SYMLINKS)


def kind_of(place: int) -> int:
    """The magic number of the file system that a descriptor is on. Raises ``OSError``."""
    buffer = (ctypes.c_long * 32)()
    checked(_libc.fstatfs(place, ctypes.byref(buffer)), "fstatfs")
    return int(buffer[0]) & 0xFFFFFFFF


def mount_of(place: int) -> int:
    """The number of the mount that a descriptor is on: the same for all files of one mount. Raises ``OSError``."""
    with open(f"/proc/self/fdinfo/{place}", encoding="ascii") as file:  # noqa: PTH123 -- without pathlib it is faster
        for line in file:
            if line.startswith("mnt_id:"):
                return int(line.split()[1])
    raise OSError("this kernel does not number mounts")


def checked(result: int, what: str) -> int:
    """The result of a call of libc that answers below zero on failure; raises ``OSError``."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return int(result)


def _open(place: int, path: str, how: int) -> int:
    request = _HOW.pack(os.O_PATH | os.O_CLOEXEC, 0, how)
    return checked(_libc.syscall(_OPENAT2, place, os.fsencode(path), request, len(request)), "openat2")
