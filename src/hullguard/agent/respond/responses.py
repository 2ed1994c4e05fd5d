"""What can be done to a container, whoever asks: a person through a command, or a policy."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path

import msgspec
import structlog

from hullguard.agent.respond import processes
from hullguard.agent.respond.isolation import Isolation
from hullguard.agent.respond.memory import Memory
from hullguard.agent.runtime.docker import Docker, MainProcess
from hullguard.agent.runtime.watch import Seen
from hullguard.agent.state import StateDir
from hullguard.model.command import CommandKind
from hullguard.model.errors import Conflict, HullguardError, Invalid, NotFound
from hullguard.model.node import Container, Reason
from hullguard.model.policy import Action, Parameter

KEEP_SECONDS = 20.0
_MOST_GRACE = 300

_log = structlog.get_logger()

Parameters = Mapping[str, Parameter]
Result = dict[str, str | int]


class Responses:
    """``changed`` is called when what is held has changed, though the runtime may not know it."""

    def __init__(self, state: StateDir, docker: Docker, seen: Callable[[], Seen], changed: Callable[[], None]) -> None:
        self._docker, self._seen, self._changed = docker, seen, changed
        self._memory = Memory(state)
        self._isolation = Isolation(self._memory, docker)
        self._due = asyncio.Event()
        self._doers: dict[CommandKind, Callable[[Container, Parameters], Awaitable[Result]]] = {
            CommandKind.PAUSE_CONTAINER: self._pause,
            CommandKind.UNPAUSE_CONTAINER: self._unpause,
            CommandKind.STOP_CONTAINER: self._stop,
            CommandKind.START_CONTAINER: self._start,
            CommandKind.ISOLATE_CONTAINER: self._isolate,
            CommandKind.RECONNECT_CONTAINER: self._reconnect,
            CommandKind.KILL_PROCESS: self._kill,
        }

    async def carry_out(self, kind: CommandKind, parameters: Parameters) -> Result:
        """Do it; the result names the container and says ``already`` where nothing was left to do."""
        identity = str(parameters.get("container", ""))
        container = await self._docker.container(identity)
        if container is None:
            raise NotFound(f"There is no container {identity[:64]!r} on this node.", "respond.no-container")
        if identity in _own_cgroups():
            raise Conflict(
                f"Container {container.name} is the agent's own; it does nothing to itself.",
                "respond.own-container",
                container=container.name,
            )
        result = await self._doers[kind](container, parameters)
        self._changed()
        return {"container": container.name, **result}

    def marked(self, containers: Iterable[Container]) -> tuple[Container, ...]:
        """The same, with what is held of each."""
        return tuple(
            msgspec.structs.replace(container, held=held) if (held := self._memory.held(container.id)) else container
            for container in containers
        )

    def look(self) -> None:
        """The runtime's containers have changed."""
        self._due.set()

    async def run(self) -> None:
        """Keep up what was done, for ever."""
        while True:
            seen = self._seen()
            if seen.version is not None:
                await self._keep(seen.containers)
            self._due.clear()
            try:
                async with asyncio.timeout(KEEP_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                continue

    async def _keep(self, containers: tuple[Container, ...]) -> None:
        try:
            self._memory.keep_only(container.id for container in containers)
            await self._isolation.keep(containers)
        except (HullguardError, OSError) as bad:
            _log.warning("responses not kept up", why=str(bad))

    def reasons(self) -> list[Reason]:
        """What should be so and is not."""
        return self._isolation.reasons()

    def close(self) -> None:
        """What was done stays done."""
        self._isolation.close()

    # Each of them ----------------------------------------------------------------------------------------------------

    async def _pause(self, container: Container, _: Parameters) -> Result:
        if container.state == "paused":
            return {"already": 1}
        _require(container, "running")
        self._memory.write(container.id, Action.PAUSE)
        await self._or_forget(container, Action.PAUSE, self._docker.order(container.id, "pause"))
        return {}

    async def _unpause(self, container: Container, _: Parameters) -> Result:
        if container.state == "paused":
            await self._docker.order(container.id, "unpause")
        elif Action.PAUSE not in self._memory.held(container.id):
            raise Conflict(
                f"Container {container.name} is not paused: it is {container.state}.",
                "respond.not-paused",
                container=container.name,
            )
        self._memory.forget(container.id, Action.PAUSE)
        return {}

    async def _stop(self, container: Container, parameters: Parameters) -> Result:
        grace = parameters.get("grace_seconds", 10)
        if not isinstance(grace, int) or not 0 <= grace <= _MOST_GRACE:
            raise Invalid(f"The parameter grace_seconds must be from 0 to {_MOST_GRACE}.", "command.parameter")
        if container.state not in {"running", "paused", "restarting"}:
            return {"already": 1}
        self._memory.write(container.id, Action.STOP)
        await self._or_forget(container, Action.STOP, self._docker.order(container.id, "stop", grace))
        if Action.PAUSE in self._memory.held(container.id):
            self._memory.forget(container.id, Action.PAUSE)
        return {}

    async def _start(self, container: Container, _: Parameters) -> Result:
        if Action.STOP not in self._memory.held(container.id):
            raise Conflict(
                f"Container {container.name} was not stopped by Hullguard, so it is not started by it.",
                "respond.not-stopped",
                container=container.name,
            )
        already = container.state == "running"
        if not already:
            await self._docker.order(container.id, "start")
        self._memory.forget(container.id, Action.STOP)
        return {"already": 1} if already else {}

    async def _isolate(self, container: Container, _: Parameters) -> Result:
        process = await self._docker.main_process(container.id)
        return await self._isolation.isolate(process, self._seen().containers)

    async def _reconnect(self, container: Container, _: Parameters) -> Result:
        process: MainProcess | None = None
        if container.state in {"running", "paused"}:
            process = await self._docker.main_process(container.id)
        elif Action.ISOLATE not in self._memory.held(container.id):
            raise Conflict(
                f"Container {container.name} is not isolated.", "respond.not-isolated", container=container.name
            )
        return await self._isolation.reconnect(process, container.id)

    async def _kill(self, container: Container, parameters: Parameters) -> Result:
        pid = parameters.get("pid")
        started = _moment(parameters.get("started"))
        if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0 or started is None:
            raise Invalid(
                "The parameters must name a process: pid, and started, when it began (RFC 3339).", "command.parameter"
            )
        await asyncio.to_thread(processes.kill, pid, container.id, started)
        return {"pid": pid}

    async def _or_forget(self, container: Container, action: Action, deed: Awaitable[None]) -> None:
        """What was noted before it was done, and then failed, is not held."""
        try:
            await deed
        except HullguardError:
            self._memory.forget(container.id, action)
            raise


def _require(container: Container, state: str) -> None:
    if container.state != state:
        raise Conflict(
            f"Container {container.name} is not {state}: it is {container.state}.",
            "respond.wrong-state",
            container=container.name,
            state=container.state,
        )


def _moment(value: Parameter | None) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        found = msgspec.convert(value, datetime)
    except (msgspec.ValidationError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _own_cgroups() -> str:
    try:
        return Path("/proc/self/cgroup").read_text()
    except OSError:
        return ""
