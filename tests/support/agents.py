"""A real agent inside the test's process, with a sensor that sees what the test tells it."""

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.support.fleet import SCOPE, Hostmgr

from hullguard.agent.config import AgentConfig
from hullguard.agent.enrol import enrol
from hullguard.agent.run import run
from hullguard.agent.sensor.interface import Handler, HookInfo, Tamper
from hullguard.agent.state import StateDir
from hullguard.agent.status import Status, read
from hullguard.detect import default_policy
from hullguard.detect.plan import KernelPlan
from hullguard.model.errors import Unavailable
from hullguard.model.event import ContainerRef, Event, EventKind, Gap, ImageRef, Process
from hullguard.model.node import SensorHealth, SensorState
from hullguard.storage.stores import Policies

ROOT = Path(__file__).parents[2]
NO_DOCKER = "unix:///nonexistent/docker.sock"
SECONDS = 60
"""How long a test waits for what must come: a bound on hanging, not on speed."""


def shell_event(sequence: int, path: str = "/bin/sh") -> Event:
    """A shell on a terminal in a container: what ``container.terminal-shell`` objects to."""
    parent = Process(10, 1, "containerd-shim", "/usr/bin/containerd-shim", outside=True)
    process = Process(11, 10, "sh", path, ("sh",), uid=0, tty=True)
    return Event(
        EventKind.EXEC,
        datetime.now(UTC),
        sequence,
        ContainerRef("c" * 64, "web"),
        ImageRef("sha256:" + "a" * 64, "nginx:1.25"),
        (parent, process),
        path=path,
    )


class ScriptedSensor:
    """The ``Sensor`` protocol over a list: an event leaves it only when its handler has returned, as in the kernel."""

    def __init__(self) -> None:
        self.events: deque[Event | Gap] = deque()
        self.plans: list[KernelPlan] = []
        self.closed: list[bool] = []
        self.opened = 0
        self.missing: str | None = None
        self.changed: tuple[Tamper, ...] = ()
        self.taken_down = False
        self.attaching = False
        self._some = threading.Event()

    def open(self, config: AgentConfig) -> "ScriptedSensor":
        if self.missing:
            raise Unavailable(self.missing, "sensor.no-object")
        self.opened += 1
        return self

    def see(self, *events: Event | Gap) -> None:
        self.events.extend(events)
        self._some.set()

    def apply(self, plan: KernelPlan) -> None:
        self.plans.append(plan)

    def settled(self) -> bool:
        return not self.attaching

    def poll(self, handler: Handler, timeout_ms: int) -> int:
        self._some.wait(timeout_ms / 1000)
        self._some.clear()
        taken = 0
        while self.events:
            handler(self.events[0])
            self.events.popleft()
            taken += 1
        return taken

    def wake(self) -> None:
        self._some.set()

    def health(self) -> SensorHealth:
        return SensorHealth(SensorState.ACTIVE)

    def tampered(self) -> tuple[Tamper, ...]:
        changed, self.changed = self.changed, ()
        if self.taken_down:
            self.taken_down = False
            raise Unavailable("It was taken down.", "sensor.taken-down")
        return changed

    def hooks(self) -> tuple[HookInfo, ...]:
        return ()

    def close(self, unpin: bool) -> None:
        self.closed.append(unpin)


class LiveAgent:
    """An enrolled agent that a test starts, stops and looks at."""

    def __init__(self, state: Path, hostmgr: Hostmgr, docker_host: str = NO_DOCKER) -> None:
        self.state, self.hostmgr = StateDir(state), hostmgr
        # What this machine's own engines have is no test's.
        self.config = AgentConfig(state=str(state), docker_host=docker_host, docker_only=True)
        self.sensor = ScriptedSensor()
        self.node = ""
        self._stop = asyncio.Event()
        self.task: asyncio.Task[None] | None = None

    async def enrol(self) -> None:
        token = await self.hostmgr.token()
        self.node = await enrol(f"wss://127.0.0.1:{self.hostmgr.port}", token, self.state.root)

    def start(self, **changes: object) -> None:
        self._stop = asyncio.Event()
        self.config = msgspec.structs.replace(self.config, **changes)
        self.task = asyncio.create_task(run(self.config, self._stop, self.sensor.open))

    async def stop(self) -> None:
        self._stop.set()
        if self.task is not None:
            task, self.task = self.task, None
            await task

    async def die(self) -> None:
        """As near to kill -9 as a task in this process can come: nothing is said to anybody."""
        if self.task is not None:
            task, self.task = self.task, None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def status(self) -> Status | None:
        return read(self.state)

    async def until(self, holds: Callable[[Status], object]) -> Status:
        """The status for which it holds."""
        async with asyncio.timeout(SECONDS):
            while True:
                assert self.task is None or not self.task.done() or self.task.result() is None
                status = self.status()
                if status is not None and holds(status):
                    return status
                await asyncio.sleep(0.02)

    async def connected(self) -> Status:
        return await self.until(lambda status: status.line.state == "connected")


async def come_true(holds: Callable[[], Awaitable[object]], seconds: float = SECONDS) -> None:
    """Until the awaited answer is true."""
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def importable() -> Iterator[dict[str, str]]:
    """The environment in which a child process finds the package."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(ROOT / "src")
    try:
        yield dict(os.environ)
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture
def child_environment() -> Iterator[dict[str, str]]:
    with importable() as environment:
        yield environment


@pytest_asyncio.fixture
async def live_agent(hostmgr: Hostmgr, tmp_path: Path) -> AsyncIterator[LiveAgent]:
    """Enrolled, not started; without a runtime. Its platform has the default policy."""
    async with hostmgr.storage.transaction(SCOPE) as tx:
        await Policies(tx).create(default_policy(), "system", built_in=True)
    agent = LiveAgent(tmp_path / "agent", hostmgr)
    await agent.enrol()
    yield agent
    await agent.stop()
