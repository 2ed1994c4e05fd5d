"""What ``hullguard agent status`` shows: a small file that the running agent keeps."""

import contextlib
import fcntl
import os
from datetime import datetime

import msgspec

from hullguard.agent.state import StateDir, read_json
from hullguard.agent.uplink import Line
from hullguard.model.errors import Conflict, Invalid
from hullguard.model.node import Heartbeat


class Status(msgspec.Struct, frozen=True):
    """The agent's own word."""

    pid: int
    node: str
    line: Line
    heartbeat: Heartbeat
    protection: bool
    runtime: str
    spool_bytes: int
    at: datetime


def write(state: StateDir, status: Status) -> None:
    """Not flushed, and not insisted on: it is worth nothing after a crash."""
    draft = state.status.with_name(".status.json")
    with contextlib.suppress(OSError):
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(status))
        draft.rename(state.status)


def read(state: StateDir) -> Status | None:
    """The last word of the agent, running or not; None without one, or when a crash left half of it."""
    try:
        return read_json(state.status, Status)
    except Invalid:
        return None


class Lock:
    """Held by the one agent of a state directory; the kernel lets go of it when the process ends, however it does."""

    def __init__(self, state: StateDir) -> None:
        self._descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            os.close(self._descriptor)
            raise Conflict(f"Another agent runs on {state.root}.", "agent.running") from held

    def release(self) -> None:
        """Let another one start."""
        os.close(self._descriptor)


def running(state: StateDir) -> bool:
    """Whether an agent runs on this state directory."""
    if not state.lock.exists():
        return False
    try:
        Lock(state).release()
    except Conflict:
        return True
    return False


def describe(status: Status) -> list[tuple[str, str]]:
    """The same for people: what is told of, and what is said of it."""
    beat = status.heartbeat
    applied = f"revision {beat.applied.revision}, {beat.applied.hash[:12]}" if beat.applied else "none yet"
    dropped = ", ".join(f"{count} {name}" for name, count in sorted(beat.spool_dropped.items())) or "none"
    facts = [
        ("version", beat.agent_version),
        ("line", f"{status.line.state}: {status.line.why}" if status.line.why else status.line.state),
        ("protection", "on" if status.protection else "off"),
        ("policies", applied),
        ("sensor", beat.sensor.state),
        ("runtime", status.runtime or "unreachable"),
        ("spool", f"{beat.spool_records} records, {status.spool_bytes} bytes; dropped: {dropped}"),
        ("at", status.at.isoformat(timespec="seconds")),
    ]
    return facts + [("reason", reason.message) for reason in (*beat.sensor.reasons, *beat.reasons)]
