"""The enforcing part of an agent with a real responder, on a real daemon, and the policies' word to it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.support.agents import come_true

from hullguard.agent.policies import Wanted
from hullguard.agent.respond import line
from hullguard.agent.respond.enforcement import Enforcement, Place
from hullguard.agent.respond.fanotify import Group
from hullguard.agent.runtime.docker import Docker
from hullguard.agent.runtime.watch import Seen
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir
from hullguard.model.incident import Observation
from hullguard.model.node import Reason
from hullguard.model.policy import NodePolicies
from hullguard.wire import codec

DEADLINE_MS = 4000
"""Longer than the product's: this machine may be busy with other tests."""


class Node:
    """The enforcing part of an agent, on a real daemon, with a real responder."""

    def __init__(self, directory: Path, docker_host: str) -> None:
        self.state, self.host = StateDir(directory), docker_host
        self.docker = Docker(docker_host)
        self.spool = Spool(self.state.spool, "boot", min_free=0)
        self.changes = 0
        self.part = self.enforcement()
        self._task: asyncio.Task[None] | None = None

    def enforcement(self) -> Enforcement:
        place = Place(self.state, "node-1", "boot", DEADLINE_MS)
        return Enforcement(place, self.docker, self.spool, self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def start(self, wanted: NodePolicies, *, protection: bool = True) -> None:
        self.part.take(Wanted(protection, wanted))
        self._task = asyncio.create_task(self.part.run())

    async def look(self) -> None:
        self.part.look(Seen("docker", tuple(await self.docker.containers({}))))

    async def ready(self, container: str) -> None:
        """Until the responder has been told of it and has marked it."""

        async def told() -> bool:
            await self.look()
            return container in self.part._told and self.part._line is not None and await self._settled()

        await come_true(told)

    async def _settled(self) -> bool:
        before = self.part._answered
        self.part._ask()
        for _ in range(100):
            await asyncio.sleep(0.02)
            if self.part._answered > before:
                return True
        return False

    async def settle(self) -> None:
        """Until the responder has done what it was told so far."""
        await come_true(self._settled)

    async def die(self) -> None:
        """The agent is gone; its responder is not told."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.part.stop(unpin=False)

    async def again(self, wanted: NodePolicies) -> None:
        self.part = self.enforcement()
        self.start(wanted)

    async def stop(self) -> None:
        await self.die()
        await self.part.stop(unpin=True)
        self.spool.close()

    async def shell(self, container: str, script: str, seconds: float = 60) -> tuple[int, str]:
        """Asynchronously: whoever waits for an answer must not keep the agent from hearing of it.

        The shell itself joins its two outputs: docker, which passes each on by itself, does not keep their order."""
        words = ("docker", "-H", self.host, "exec", container, "/bin/sh", "-c", f"exec 2>&1\n{script}")
        process = await asyncio.create_subprocess_exec(
            *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(seconds):
            out, _ = await process.communicate()
        return process.returncode or 0, out.decode()

    def incidents(self) -> list[Observation]:
        found: list[Observation] = []
        for record in self.spool.sent(0, 1000, 1 << 30) + self.spool.take(1000, 1 << 30):
            found.extend(codec.decode_from_agent(record.payload).observations)  # type: ignore[union-attr]
        return found

    async def incident(self, holds: Callable[[Observation], bool]) -> Observation:
        found: list[Observation] = []

        async def there() -> bool:
            found[:] = [each for each in self.incidents() if holds(each)]
            return bool(found)

        await come_true(there)
        return found[0]

    def reason(self, code: str) -> Reason | None:
        return next((each for each in self.part.reasons() if each.code == code), None)

    @property
    def line(self) -> line.Line:
        assert self.part._line is not None
        return self.part._line


@pytest.fixture(autouse=True)
def permitted() -> None:
    try:
        Group().close()
    except OSError as why:
        pytest.skip(f"this machine has no permission events: {why}")


@pytest.fixture
async def node(tmp_path: Path, docker_host: str) -> AsyncIterator[Node]:
    made = Node(tmp_path, docker_host)
    yield made
    await made.stop()
