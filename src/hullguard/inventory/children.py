"""Processes that are forked to work beside this one, and hand over what they found through a file.

A forked process has all that was loaded, and nothing has to be told to it. Only a process that has no other thread may
make one, since a lock that another thread holds would stay locked in it for ever.
"""

import os
import signal
from collections.abc import Callable
from typing import NoReturn

_INTERRUPT = {signal.SIGINT}


def forked(life: Callable[[], None]) -> int:
    """The number of a new process that lives this life and ends with it, whatever happens in it; raises OSError."""
    # Who presses Ctrl-C meanwhile interrupts the one that asked, or ends the other: that must not go on as the first.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPT)
    try:
        if (pid := os.fork()) == 0:
            _live(life)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def reap(pid: int) -> None:
    """Ends such a process, if it has not ended yet."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def _live(life: Callable[[], None]) -> NoReturn:
    """The life of such a process, which says nothing, whatever happens, and never goes on as the one that made it."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPT)
        life()
    finally:
        os._exit(0)
