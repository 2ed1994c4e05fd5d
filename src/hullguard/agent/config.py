"""What ``app`` tells the agent; it travels to the child process as one JSON argument, so it holds no secret."""

from pathlib import Path

from msgspec import Struct

from hullguard.agent.respond.guard import DEADLINE_MS
from hullguard.agent.runtime.docker import DEFAULT_HOST
from hullguard.agent.spool import DEFAULT_MAX_BYTES, DEFAULT_MIN_FREE
from hullguard.agent.state import DEFAULT_STATE, StateDir


class AgentConfig(Struct, frozen=True, kw_only=True):
    """Settings of one agent."""

    state: str = str(DEFAULT_STATE)
    docker_host: str = DEFAULT_HOST
    docker_only: bool = False
    """Nothing is listed of podman and containerd."""
    sensor: bool = True
    """False: run without looking at the kernel, and say so."""
    spool_bytes: int = DEFAULT_MAX_BYTES
    spool_min_free: int = DEFAULT_MIN_FREE
    deny_deadline_ms: int = DEADLINE_MS
    """After so long without a beat of the responder nothing is denied any more."""
    ready_fd: int | None = None
    """A pipe on which to say, with one line, that the first session is up."""

    @property
    def state_dir(self) -> StateDir:
        """The names inside ``state``."""
        return StateDir(Path(self.state))
