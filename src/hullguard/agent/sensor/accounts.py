"""What this machine calls its users and groups: passwd(5) and group(5), read again when they change.

The files only, no name service: a directory server that does not answer must not hold up events. Those of containers
are not read, since whoever is in one may write there who they are.
"""

import time
from pathlib import Path

import msgspec

from hullguard.agent.sensor.containers import HOST
from hullguard.model.event import Process

_LARGEST = 1 << 20
_LOOK_SECONDS = 1.0


class Accounts:
    """Of the files in ``etc``."""

    def __init__(self, etc: Path = Path("/etc")) -> None:
        self._users, self._groups = _Names(etc / "passwd"), _Names(etc / "group")

    def named(self, process: Process, container: str) -> Process:
        """With the names of its user and group, where it is the host's own, and of whoever signed in."""
        own = container == HOST.container.id
        return msgspec.structs.replace(
            process,
            user_name=self._users.of(process.uid) if own else None,
            group_name=self._groups.of(process.gid) if own else None,
            login_name=self._users.of(process.login_uid),
        )


class _Names:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._looked = 0.0
        self._names: dict[int, str] = {}

    def of(self, number: int | None) -> str | None:
        if number is None:
            return None
        now = time.monotonic()
        if not self._looked or now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            self._look()
        return self._names.get(number)

    def _look(self) -> None:
        try:
            status = self._path.stat()
            seen = status.st_ino, status.st_mtime_ns, status.st_size
            if seen != self._seen:
                with self._path.open("rb") as file:
                    self._names = _read(file.read(_LARGEST))
                self._seen = seen
        except OSError:
            self._seen, self._names = None, {}


def _read(content: bytes) -> dict[int, str]:
    """Names by number: of several for one number the first, as getpwuid(3) has it."""
    names: dict[int, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        fields = line.split(":")
        if len(fields) >= 3 and fields[2].isascii() and fields[2].isdigit() and len(fields[2]) <= 10:
            names.setdefault(int(fields[2]), fields[0])
    return names
