"""How a running agent knows the containers of a self-test, and answers what it heard of them.

Whoever tests writes their ids into the agent's state directory before it starts them. Only root can, so no container
can pass its attack off as a test, as it could by a label or a name.
"""

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from hullguard.agent.state import StateDir, read_json, write_json
from hullguard.model.errors import Conflict, HullguardError
from hullguard.model.incident import Observation

KEPT_SECONDS = 600.0
"""How long ids count after the last one was written: what waits in the kernel may still be about them."""
_MOST_BYTES = 4 << 20


class _Known(Struct, frozen=True):
    until: float
    """Seconds since 1970."""
    containers: tuple[str, ...]


class Heard(Struct, frozen=True):
    """Something objected to what a scratch container did."""

    container: str
    rule: str
    at: datetime
    """When it was done."""
    heard: datetime
    """When it was known, and kept on the disk where an agent runs."""
    incident: str = ""
    text: str = ""

    @property
    def seconds(self) -> float:
        """From the deed to the incident."""
        return (self.heard - self.at).total_seconds()


@contextlib.contextmanager
def alone(docker_host: str) -> Iterator[None]:
    """One self-test at a time on an engine, since each removes what it finds of others. Raises Conflict.

    By a name in the kernel that goes with the process, so that nothing of it is ever left on a disk.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as held:
        name = hashlib.sha256(docker_host.encode()).hexdigest()[:32]
        try:
            held.bind(f"\0hullguard-selftest-{name}")
        except OSError as taken:
            raise Conflict("Another self-test runs on this machine.", "selftest.running") from taken
        yield


def announce(state: StateDir, containers: Iterable[str]) -> None:
    """These are a self-test's, from now on."""
    write_json(state.selftest, _Known(time.time() + KEPT_SECONDS, tuple(containers)))


class Marks:
    """The agent's side: marks what a self-test did, and notes that it was heard."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._read: tuple[int, int] | None = None
        self._known = _Known(0.0, ())

    def mark(self, observation: Observation) -> Observation:
        """The same, marked where a scratch container is what it is about."""
        self._refresh()
        if observation.container.id not in self._known.containers or time.time() > self._known.until:
            return observation
        return msgspec.structs.replace(observation, self_test=True)

    def note(self, observation: Observation) -> None:
        """After it was kept; what is not marked is nobody's business."""
        if not observation.self_test:
            return
        said = Heard(observation.container.id, observation.rule, observation.at, datetime.now(UTC), observation.id)
        with contextlib.suppress(OSError):
            descriptor = os.open(
                self._state.selftest_heard, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
            )
            with os.fdopen(descriptor, "ab") as file:
                if file.tell() < _MOST_BYTES:
                    file.write(msgspec.json.encode(said) + b"\n")

    def _refresh(self) -> None:
        try:
            seen = self._state.selftest.stat()
        except OSError:
            self._read, self._known = None, _Known(0.0, ())
            return
        if self._read == (seen.st_ino, seen.st_mtime_ns):
            return
        try:
            self._known = read_json(self._state.selftest, _Known) or _Known(0.0, ())
        except (HullguardError, OSError):
            self._known = _Known(0.0, ())
        self._read = seen.st_ino, seen.st_mtime_ns
