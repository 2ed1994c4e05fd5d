"""Processes of containers, held so that a number which comes to mean another process harms nobody."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from hullguard.agent.sensor.processes import at
from hullguard.model.errors import NotFound, Unavailable

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_CLOCKS_DIFFER = timedelta(seconds=2)
"""An incident's times are made from the kernel's with the clock of that moment, which may have been set since."""
_MOST = 64 * 1024


@contextlib.contextmanager
def held(pid: int, container: str) -> Iterator[int]:
    """A descriptor of the process's directory in /proc, which stays that process's; it is one of the container's.

    Raises ``NotFound`` if there is no such process, or if it is not in that container.
    """
    try:
        directory = os.open(f"/proc/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as gone:
        raise _no_such(pid, container) from gone
    try:
        # Whoever is root in a container may make cgroups below its own; the runtime's name stays part of their path.
        if container not in _read(directory, "cgroup"):
            raise _no_such(pid, container)
        yield directory
    except (FileNotFoundError, ProcessLookupError) as gone:
        raise _no_such(pid, container) from gone
    finally:
        os.close(directory)


def kill(pid: int, container: str, started: datetime) -> None:
    """End a process of the container that began at that time. Raises ``NotFound`` if it is not there any more."""
    try:
        process = os.pidfd_open(pid)
    except OSError as gone:
        raise _no_such(pid, container) from gone
    try:
        # What is read now is read of this very process: while it is held its number is not given to another.
        with held(pid, container) as directory:
            if not began(directory, started):
                raise _no_such(pid, container)
            signal.pidfd_send_signal(process, signal.SIGKILL)
    except PermissionError as refused:
        raise Unavailable(f"The kernel does not let the agent end process {pid}: {refused.strerror}.") from refused
    finally:
        os.close(process)


def began(process: int, started: datetime) -> bool:
    """Whether a process of ``held`` is the one that began at that time."""
    return abs(started_at(process) - started) <= _CLOCKS_DIFFER


def mapped(process: int, most: int) -> bytes:
    """What the kernel says of the memory of a process of ``held``: ``maps`` of proc(5), at most so many bytes."""
    descriptor = os.open("maps", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor
        return file.read(most)


def started_at(process: int) -> datetime:
    """When a process began, by the clock as it stands now."""
    # The command, in brackets, may contain anything; the fields after its last bracket may not.
    ticks = int(_read(process, "stat").rpartition(")")[2].split()[19])
    boot = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return at(ticks * _TICK_NS, boot)


def _read(process: int, name: str) -> str:
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    try:
        return os.read(descriptor, _MOST).decode("utf-8", "replace")
    finally:
        os.close(descriptor)


def _no_such(pid: int, container: str) -> NotFound:
    return NotFound(f"There is no process {pid} in container {container[:12]} any more.", "respond.no-process", pid=pid)
