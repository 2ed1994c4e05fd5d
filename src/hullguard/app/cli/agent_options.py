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
        help="The agent's directory; by default this machine's own, that of `hullguard up`, or the running agent's.",
        show_default=False,
    ),
]
DockerHost = Annotated[
    str,
    typer.Option(
        "--docker-host", envvar="DOCKER_HOST", help="Docker daemon to watch: unix:///PATH or tcp://HOST:PORT."
    ),
]
DockerOnly = Annotated[bool, typer.Option("--docker-only", help="List nothing of podman and containerd.")]
Beside = Annotated[
    bool,
    typer.Option(
        "--beside", envvar="HULLGUARD_AGENT_BESIDE", help="Run, though another agent may watch this machine already."
    ),
]
DEFAULT_DOCKER = "unix:///var/run/docker.sock"


def known(state: Path | None) -> Path:
    """The directory of the agent that is asked about.

    That of an agent of its own, else the one inside the platform's data, else that of the agent that runs here,
    wherever it keeps its state (``hullguard up --data DIR``). Only root can be told the last.
    """
    if state is not None:
        return state.absolute()
    from hullguard.agent.state import StateDir

    for place in (DEFAULT_STATE, Layout(default_data_dir()).agent):
        if StateDir(place).reason_missing() is None:
            return place
    from hullguard.agent import alone

    running = alone.state_of_the_first()
    return DEFAULT_STATE if running is None or StateDir(running).reason_missing() is not None else running
