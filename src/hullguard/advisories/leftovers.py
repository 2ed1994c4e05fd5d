"""What killed imports and updates left beside a database: nobody else will remove it, and each is as large as that."""

import contextlib
import fcntl
import os
import re
import shutil
import stat
import time
from pathlib import Path

_YOUNG = 60.0
"""Seconds for which a directory may not be held yet by who has just made it."""


def sweep(database: Path) -> None:
    """Removes it; for who holds the database's lock, so that no other import is under way."""
    name = re.escape(database.name)
    left = re.compile(rf"\.{name}\.(?:[0-9a-f]{{16}}|(?:bundle|update)\.[a-z0-9_]{{8}})")
    with contextlib.suppress(OSError), os.scandir(database.parent) as entries:
        for entry in entries:
            if left.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove(Path(entry.path), entry.stat(follow_symlinks=False))


def _remove(path: Path, state: os.stat_result) -> None:
    if state.st_uid != os.geteuid():
        return
    if stat.S_ISREG(state.st_mode):
        path.unlink()
    elif stat.S_ISDIR(state.st_mode) and time.time() - state.st_mtime > _YOUNG and not _held(path):
        shutil.rmtree(path, ignore_errors=True)


def hold(directory: Path) -> int:
    """A descriptor that says, as long as it is open, that somebody works there: an update fetches without the lock."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _held(directory: Path) -> bool:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
