"""``hullguard agent``: make this host a node, run its agent, ask how it is."""

import os
import sys
from typing import Annotated

import msgspec
import typer

from hullguard.app.cli import exits
from hullguard.app.cli.agent_options import (
    DEFAULT_DOCKER,
    DEFAULT_STATE,
    Beside,
    DockerHost,
    DockerOnly,
    KnownState,
    State,
    known,
)
from hullguard.app.cli.selftest import selftest
from hullguard.app.readiness import READY_FD_VARIABLE
from hullguard.model.errors import Unavailable
from hullguard.words import local, say
from hullguard.words.columns import padded

agent = typer.Typer(help="The agent of this machine.", no_args_is_help=True)
agent.command()(selftest)


@agent.command()
def enrol(
    server: Annotated[str, typer.Option(help="Where agents connect: wss://HOST:PORT, from the console.")],
    token: Annotated[str, typer.Option(help="Enrolment token; - reads it from standard input.")],
    state: State = DEFAULT_STATE,
    again: Annotated[bool, typer.Option("--again", help="Give up an earlier enrolment of this host.")] = False,
) -> None:
    """Make this host a node of the platform."""
    import asyncio

    from hullguard.agent.enrol import enrol as join

    if token == "-":  # noqa: S105 - a dash, not a password
        token = sys.stdin.readline()
    node = asyncio.run(join(server, token, state.absolute(), again=again))
    typer.echo(say("enrolled as node {node}", node=node))


@agent.command()
def run(
    state: State = DEFAULT_STATE,
    docker_host: DockerHost = DEFAULT_DOCKER,
    docker_only: DockerOnly = False,
    no_sensor: Annotated[bool, typer.Option("--no-sensor", help="Do not watch the kernel.")] = False,
    beside: Beside = False,
) -> None:
    """Run the agent in the foreground, as service managers do."""
    from hullguard.agent import identity
    from hullguard.agent.config import AgentConfig
    from hullguard.agent.runtime.http import parse_address
    from hullguard.agent.update import launcher

    ready = os.environ.pop(READY_FD_VARIABLE, None)
    config = AgentConfig(
        state=str(state.absolute()),
        docker_host=docker_host,
        docker_only=docker_only,
        sensor=not no_sensor,
        ready_fd=int(ready) if ready else None,
    )
    parse_address(docker_host)
    identity.load(config.state_dir)
    if not beside:
        _claim_this_machine()
    fds = [config.ready_fd] if config.ready_fd is not None else []
    # The launcher takes this process over, so that the command line's 30 MB do not stay on every node.
    argv = launcher.command(state.absolute(), msgspec.json.encode(config).decode(), fds)
    os.execv(argv[0], argv)  # noqa: S606 - an argument list, no shell


def _claim_this_machine() -> None:
    """Raises Conflict where another agent runs. The launcher, which this process becomes, keeps the claim open."""
    from hullguard.agent import alone

    try:
        # Not among the descriptors that the launcher gives to its children: what ends with it is the claim.
        os.set_inheritable(alone.claim(), True)
    except Unavailable as why:
        exits.remark(str(why))


@agent.command()
def status(
    state: KnownState = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole status as JSON.")] = False,
) -> None:
    """Say whether the agent runs, is connected, and what protects this node."""
    from hullguard.agent import identity
    from hullguard.agent import status as agent_status
    from hullguard.agent.state import StateDir

    directory = StateDir(known(state))
    membership = identity.load(directory)
    last, running = agent_status.read(directory), agent_status.running(directory)
    if as_json and last is not None:
        typer.echo(msgspec.json.format(msgspec.json.encode({"running": running, "last": last})).decode())
    else:
        facts = [("node", membership.node), ("server", membership.server)]
        facts.append(("agent", "running" if running else "not running"))
        for what, fact in [*facts, *(agent_status.describe(last) if last is not None else ())]:
            typer.echo(f"{padded(say(what), 12)}{local(fact)}")
    if not running:
        exits.fail(say("the agent does not run; start it with `hullguard agent run`"), exits.OUTSIDE_FAILED)
    if last is None or last.line.state != "connected":
        why = local(last.line.why) if last else say("it has just started")
        exits.fail(say("not connected: {why}", why=why), exits.OUTSIDE_FAILED)


@agent.command()
def doctor(state: KnownState = None, docker_host: DockerHost = DEFAULT_DOCKER) -> None:
    """Say what this kernel and this host allow, which hooks are active, and what is lost."""
    import asyncio

    from hullguard.agent.config import AgentConfig
    from hullguard.agent.doctor import examine

    findings = asyncio.run(examine(AgentConfig(state=str(known(state)), docker_host=docker_host)))
    for finding in findings:
        mark = {True: "ok", False: "NOT OK", None: "-"}[finding.ok]
        what, detail = local(finding.what), local(finding.detail)
        typer.echo(f"{padded(say(mark), 8)} {padded(what, 28)} {detail}".rstrip())
    if any(finding.ok is False for finding in findings):
        raise typer.Exit(exits.OUTSIDE_FAILED)
