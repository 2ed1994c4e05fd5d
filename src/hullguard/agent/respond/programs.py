"""What starting a program brings with it: a script's interpreter, the loader of what is linked at run time.

The kernel asks about each of these files as about a program of its own. Read from the descriptor that comes with the
question: reading it asks nobody.
"""

import os
import struct
from collections import OrderedDict
from typing import Final

from hullguard.agent.respond.inside import open_inside

_MOST = 4096
_HEAD: Final = 64
_INTERPRETER: Final = 3
_MOST_HEADERS = 64
_LONGEST_PATH = 4096

File = tuple[int, int]
"""Device and inode."""


class Loaders:
    """The loaders that are asked about next, by the thread that starts a program."""

    def __init__(self) -> None:
        self._next: OrderedDict[int, File] = OrderedDict()

    def expected(self, thread: int, file: File) -> bool:
        """Whether this is the loader of the program that the thread was let start just now."""
        return self._next.pop(thread, None) == file

    def expect(self, thread: int, descriptor: int) -> None:
        """The thread is let start the program of this descriptor."""
        try:
            loader = loader_of(descriptor)
            if loader is None:
                return
            root = os.open(f"/proc/{thread}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                place = open_inside(root, loader)
            finally:
                os.close(root)
            try:
                found = os.fstat(place)
            finally:
                os.close(place)
        except (OSError, ValueError):
            return
        self._next[thread] = found.st_dev, found.st_ino
        if len(self._next) > _MOST:
            self._next.popitem(last=False)


def is_script(descriptor: int) -> bool:
    """Whether the kernel starts another program with this file: that one is asked about next."""
    return os.pread(descriptor, 2, 0) == b"#!"


def loader_of(descriptor: int) -> str | None:
    """The path of the loader that an ELF file names; None where it is none, names none, or is damaged."""
    head = os.pread(descriptor, _HEAD, 0)
    if len(head) < _HEAD or head[:4] != b"\x7fELF" or head[4] not in {1, 2} or head[5] not in {1, 2}:
        return None
    order, wide = "<" if head[5] == 1 else ">", head[4] == 2
    at = struct.unpack_from(f"{order}Q", head, 32)[0] if wide else struct.unpack_from(f"{order}I", head, 28)[0]
    size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
    if size < (56 if wide else 32) or count > _MOST_HEADERS or at > 1 << 40:
        return None
    table = os.pread(descriptor, size * count, at)
    for start in range(0, len(table) - size + 1, size):
        if struct.unpack_from(f"{order}I", table, start)[0] != _INTERPRETER:
            continue
        offset, length = _extent(order, table, start, wide=wide)
        if not 0 < length <= _LONGEST_PATH or offset > 1 << 40:
            return None
        return os.fsdecode(os.pread(descriptor, length, offset).partition(b"\0")[0])
    return None


def _extent(order: str, table: bytes, start: int, *, wide: bool) -> tuple[int, int]:
    """Where in the file the part of a program header lies, and how long it is."""
    if wide:
        offset, _, _, length = struct.unpack_from(f"{order}QQQQ", table, start + 8)
    else:
        offset, _, _, length = struct.unpack_from(f"{order}IIII", table, start + 4)
    return int(offset), int(length)
