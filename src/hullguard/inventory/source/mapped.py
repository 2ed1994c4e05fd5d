"""A file's pages where the kernel keeps them, for whoever only looks at each byte once: reading would copy them first.

A page that is gone when it is looked at ends the process (SIGBUS), and a file that somebody shortens loses pages. So a
file is only looked at under a lease (fcntl(2)): who wants to change it waits until the lease is given back, and that
happens within one window. Where none is to be had, as for other people's files or one that is being written, one reads.
"""

import fcntl
import mmap
import os
import signal
import time
from collections.abc import Iterator

from hullguard.inventory.streams import Section

WINDOW = 1 << 24
_RELIED_ON = 1.0
"""Seconds for which a lease is taken to hold once it did; the kernel breaks it after ``fs.lease-break-time``, 45."""


def mapped(section: Section) -> Iterator[memoryview]:
    """Windows of the section from its beginning on, each valid until the next is asked for.

    They end early, perhaps at once, where the file cannot be held; ``section`` then stands where one must read on.
    """
    lease = lease_on(section.descriptor)
    if lease is None:
        return
    try:
        # From now on the file keeps its size.
        end = min(section.offset + section.left, os.fstat(lease).st_size)
        while section.offset < end and is_held(lease):
            size = min(end - section.offset, WINDOW)
            before = section.offset % mmap.ALLOCATIONGRANULARITY
            with (
                mmap.mmap(lease, before + size, access=mmap.ACCESS_READ, offset=section.offset - before) as pages,
                memoryview(pages) as whole,
                whole[before:] as window,
            ):
                yield window
            section.skip(size)
    except OSError:
        return  # what cannot be mapped can perhaps be read
    finally:
        os.close(lease)


class Pages:
    """Windows of a file for one that walks forward through it, as long as the lease lasts that somebody else holds."""

    def __init__(self, lease: int) -> None:
        self._lease = lease
        self._size = os.fstat(lease).st_size
        self._until = 0.0

    def at(self, place: int, end: int) -> tuple[mmap.mmap, int] | None:
        """A window with what lies between the two places, or its beginning, and where in it that begins; or None."""
        end = min(end, self._size)
        if place >= end or not self.last():
            return None
        before = place % mmap.ALLOCATIONGRANULARITY
        size = before + min(end - place, WINDOW)
        try:
            return mmap.mmap(self._lease, size, access=mmap.ACCESS_READ, offset=place - before), before
        except OSError:
            return None  # what cannot be mapped can perhaps be read

    def last(self) -> bool:
        """Whether no window has to be given back yet."""
        now = time.monotonic()
        if now > self._until:
            if not is_held(self._lease):
                return False
            self._until = now + _RELIED_ON
        return True


def lease_on(descriptor: int | None) -> int | None:
    """The same file, opened once more and held until it is closed: nobody else can write to it, or does already.

    None when it cannot be held: it is open for writing somewhere, or belongs to somebody else.
    """
    if descriptor is None:
        return None
    try:
        # A lease belongs to who opened the file, and other threads hold leases on the same file.
        leased = os.open(f"/proc/self/fd/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        # The signal that says that somebody waits would end a process that does not expect it; this one is passed over.
        fcntl.fcntl(leased, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(leased, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        os.close(leased)
        return None
    return leased


def is_held(lease: int) -> bool:
    """Whether nobody asked for the file meanwhile."""
    return fcntl.fcntl(lease, fcntl.F_GETLEASE) == fcntl.F_RDLCK
