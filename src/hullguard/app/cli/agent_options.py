"""Options that the commands of ``hullguard agent`` share."""

from pathlib import Path
from typing import Annotated

import typer

from hullguard.app.settings import Layout, default_data_dir

DEFAULT_STATE = Path("/var/lib/hullguard-agent")
State = Annotated[Path, typer.Option("--state", help="Directory that keeps the agent's identity and spool.")]
KnownState = Annotated[
    Path | None,
    typer.Option(
        "--state",
        help="The agent's directory; by default this machine's own, or that of `hullguard up`.",
        show_default=False,
    ),
]
DockerHost = Annotated[
    str,
    typer.Option(
        "--docker-host", envvar="DOCKER_HOST", help="Docker daemon to watch: unix:///PATH or tcp://HOST:PORT."
    ),
]
Beside = Annotated[
    bool,
    typer.Option(
        "--beside", envvar="HULLGUARD_AGENT_BESIDE", help="Run, though another agent may watch this machine already."
    ),
]
DEFAULT_DOCKER = "unix:///var/run/docker.sock"


def known(state: Path | None) -> Path:
    """The directory of the agent that is asked about: one of its own, else the one inside the platform's data."""
    if state is not None:
        return state.absolute()
    from hullguard.agent.state import StateDir

    inside = Layout(default_data_dir()).agent
    own_is_absent = StateDir(DEFAULT_STATE).reason_missing() is not None
    return inside if own_is_absent and StateDir(inside).reason_missing() is None else DEFAULT_STATE
