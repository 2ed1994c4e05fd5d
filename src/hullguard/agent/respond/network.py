"""A container's network namespace: whose it is, and how to speak to the kernel from inside of it."""

import contextlib
import ctypes
import os
import socket
import threading
from pathlib import Path
from typing import NamedTuple

from hullguard.agent.respond import nftables
from hullguard.agent.respond.nftables import Nftables
from hullguard.model.errors import Unavailable

Namespace = tuple[int, int]
"""Device and inode: unique while anything holds the namespace."""

_CLONE_NEWNET = 0x40000000
_LOOPBACK = 1
_SECONDS = 5.0


class Inside(NamedTuple):
    """A way to speak to a namespace, and the devices that it has beside the loopback."""

    tables: Nftables
    devices: tuple[str, ...]


def namespace(process: int) -> Namespace:
    """Of a process; ``process`` is a descriptor of its directory in /proc."""
    found = os.stat("ns/net", dir_fd=process)
    return found.st_dev, found.st_ino


def untouchable() -> frozenset[Namespace]:
    """The machine's own and the agent's, which must never be cut off; empty where none can be read."""
    found = set()
    # The first process may be closed even to root; a kernel thread is in the same namespace.
    for pid in ("1", "2", "self"):
        with contextlib.suppress(OSError):
            place = Path(f"/proc/{pid}/ns/net").stat()
            found.add((place.st_dev, place.st_ino))
    return frozenset(found)


def enter(process: int) -> Inside:
    """Makes a socket inside the namespace of a process; ``OSError`` if it has gone.

    A thread enters for that and ends there, so that no other thread of the agent is ever in the wrong namespace.
    """
    there = os.open("ns/net", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        visit = _Visit(there)
        visit.start()
        visit.join(_SECONDS)
        return visit.outcome()
    finally:
        os.close(there)


def _set_namespace(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


class _Visit(threading.Thread):
    def __init__(self, namespace: int) -> None:
        super().__init__(name="namespace", daemon=True)
        self._namespace = namespace
        self._found: Inside | None = None
        self._failed: OSError | None = None

    def run(self) -> None:
        try:
            _set_namespace(self._namespace)
            devices = tuple(name for index, name in socket.if_nameindex() if index != _LOOPBACK)
            self._found = Inside(Nftables(nftables.channel()), devices)
        except OSError as bad:
            self._failed = bad

    def outcome(self) -> Inside:
        if self._failed is not None:
            raise self._failed
        if self._found is None:
            raise Unavailable("The container's network namespace could not be entered in time.", "isolation.silent")
        return self._found
