"""What a thread wants that waits in the kernel: each waits here for the other end of a pipe with a name."""

import ctypes
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hullguard.agent.respond import intent

pytestmark = pytest.mark.skipif(not intent.KNOWN, reason="the numbers of this machine's system calls are not known")

_OPENAT2 = 437
_libc = ctypes.CDLL(None, use_errno=True)


def openat2(path: str, flags: int) -> int:
    how = struct.pack("=QQQ", flags, 0, 0)
    return int(_libc.syscall(_OPENAT2, -100, path.encode(), how, len(how)))


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "pipe")
    return str(tmp_path / "pipe")


@pytest.fixture
def waiting(pipe: str) -> Iterator[Callable[[Callable[[], int], int], int]]:
    """Starts a thread that opens the pipe, and gives its number once it waits; ``other`` opens the other end."""
    threads: list[tuple[threading.Thread, int]] = []

    def begin(opens: Callable[[], int], other: int) -> int:
        thread = threading.Thread(target=lambda: os.close(opens()))
        thread.start()
        threads.append((thread, other))
        number = thread.native_id or 0
        while Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            time.sleep(0.005)
        return number

    yield begin
    for thread, other in threads:
        end = os.open(pipe, other | os.O_NONBLOCK)
        thread.join(10)
        os.close(end)


@pytest.mark.parametrize(
    ("flags", "other", "writes"),
    [
        (os.O_RDONLY, os.O_RDWR, False),
        (os.O_RDONLY | os.O_TRUNC, os.O_RDWR, True),
        (os.O_RDONLY | os.O_CREAT, os.O_RDWR, False),
        (os.O_WRONLY, os.O_RDONLY, True),
        (os.O_WRONLY | os.O_APPEND | os.O_CREAT, os.O_RDONLY, True),
    ],
)
def test_a_call_says_whether_it_writes(pipe: str, waiting, flags: int, other: int, writes: bool):
    assert intent.writes(waiting(lambda: os.open(pipe, flags), other)) is writes
    assert intent.writes(waiting(lambda: openat2(pipe, flags), other)) is writes


def test_who_waits_elsewhere_opens_nothing():
    begun, done = threading.Event(), threading.Event()
    thread = threading.Thread(target=lambda: (begun.set(), done.wait(30)))
    thread.start()
    assert begun.wait(10)
    assert not intent.writes(thread.native_id or 0)
    assert not intent.starts_elsewhere(thread.native_id or 0)
    done.set()
    thread.join()
    assert not intent.writes(1 << 22), "there is no such thread"
