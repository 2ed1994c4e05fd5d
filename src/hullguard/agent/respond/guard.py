"""The watchdog of the responder, and how both are started.

The watchdog is the responder's parent and does nothing but listen to its beat. When none comes for the deadline, be it
that the responder hangs, is stopped or is starved, the watchdog kills it: what nobody answers for is then open. That is
what failing open means, and better than a machine on which everything waits. When the watchdog dies, the responder dies
with it. What happened is left in a note for the agent, which says it and starts both anew.

``python -m hullguard.agent.respond.guard STATE DEADLINE_MS``
"""

import contextlib
import ctypes
import fcntl
import gc
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

from hullguard.agent.respond.responder import Responder

DEADLINE_MS = 500
NOTE, SOCKET, LOCK = "respond.note", "respond.sock", "respond.lock"
_BEATS = 5
"""In a deadline."""
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
_MCL_CURRENT, _MCL_FUTURE = 1, 2
_NICE = -10


def main(state: Path, deadline_ms: int) -> int:
    """Runs until it is told to quit (0), or until the responder failed (1)."""
    lock = os.open(state / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return 3  # another one is there
    _quiet()
    listener = _listen(state)
    heard, beats = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    watchdog = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(heard)
        os.close(lock)
        os._exit(_respond(listener, beats, watchdog, deadline_ms, state))
    os.close(beats)
    listener.close()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGKILL))
    return _watch(child, heard, deadline_ms, state)


def _watch(child: int, heard: int, deadline_ms: int, state: Path) -> int:
    why = ""
    poll = select.poll()
    poll.register(heard, select.POLLIN)
    while True:
        # A second look without waiting: the beat may have come while this process itself did not run.
        if not poll.poll(deadline_ms) and not poll.poll(0):
            why = f"it did not answer within {deadline_ms} ms"
            os.kill(child, signal.SIGKILL)
            break
        if not os.read(heard, 4096):
            break  # its end of the pipe is closed: it has ended
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0 and not why:
        return 0
    _leave_note(state, why or (f"it was ended by signal {-code}" if code < 0 else f"it ended with {code}"))
    return 1


def _respond(listener: socket.socket, beats: int, watchdog: int, deadline_ms: int, state: Path) -> int:
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    libc.prctl(_PR_SET_NAME, b"hullguard-deny")
    if os.getppid() != watchdog:
        return 1
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
    libc.mlockall(_MCL_CURRENT | _MCL_FUTURE)  # where it may not, a page that is swapped out makes an answer slow
    gc.freeze()
    pause = deadline_ms / 1000 / _BEATS
    try:
        responder = Responder(listener, watchdog, deadline_ms)
    except OSError as refused:
        _leave_note(state, str(refused))
        return 4
    last = 0.0
    try:
        while responder.turn(pause):
            now = time.monotonic()
            if now - last >= pause / 2:
                last = now
                with contextlib.suppress(BlockingIOError):
                    os.write(beats, b".")
    except BaseException as broken:  # noqa: BLE001 -- the boundary of the process: whatever it was must be told
        _leave_note(state, f"{type(broken).__name__}: {broken}"[:500])
        return 1
    finally:
        responder.close()
    return 0


def _listen(state: Path) -> socket.socket:
    """Agents come through the directory's descriptor: a path of any length would not fit into an address."""
    place = state / SOCKET
    place.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    directory = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(f"/proc/self/fd/{directory}/{SOCKET}")
        finally:
            os.umask(before)
    finally:
        os.close(directory)
    listener.listen(4)
    listener.setblocking(False)
    return listener


def _leave_note(state: Path, why: str) -> None:
    """Only the first: why it began is worth more than how it ended."""
    with contextlib.suppress(OSError):
        descriptor = os.open(state / NOTE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"why": why, "at": time.time()}, file)


def _quiet() -> None:
    """No word to anybody's pipe: it could be full, and then everybody would wait."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.chdir("/")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
