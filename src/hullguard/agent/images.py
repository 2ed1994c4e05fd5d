"""The images of this node: which they are, and what is in those that the platform does not know yet.

The platform asks for an inventory once per image and fleet, so an image that a hundred nodes have is read on one; a
layer that several images share is read once per node (the worker's cache).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from hullguard.agent.channel import ChannelLostError
from hullguard.agent.images_job import Answer, Job
from hullguard.agent.runtime.stock import Place
from hullguard.agent.state import StateDir
from hullguard.inventory import apart
from hullguard.model.errors import HullguardError, Unavailable
from hullguard.model.inventory import unread
from hullguard.wire import limits
from hullguard.wire.messages import AgentMessage, InventoryPart

READ_SECONDS = 900.0
_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 600.0, 24 * 3600.0
"""What cannot be read is tried again, each time after twice as long."""
_SENTENCE = 1000
_GONE = frozenset({"docker.no-image", "containerd.no-image"})
"""The engine has no such image any more: there is nothing to be told of it."""

_log = structlog.get_logger()


class _Failure(NamedTuple):
    """An image that could not be read, or whose inventory is not taken."""

    until: float
    """It is left in peace, on the clock of ``time.monotonic``."""
    pause: float
    """Seconds that it is left in peace."""


class Images:
    """Reads one image at a time: the node's work comes first."""

    def __init__(
        self,
        state: StateDir,
        docker_host: str,
        send: Callable[[AgentMessage], Awaitable[None]],
        places: Callable[[str], Sequence[Place]],
    ) -> None:
        self._state, self._host, self._send, self._places = state, docker_host, send, places
        self._turn = asyncio.Lock()
        self._asked: asyncio.Queue[str] = asyncio.Queue(maxsize=limits.IMAGES)
        self._waiting: set[str] = set()
        self._failed: dict[str, _Failure] = {}

    def request(self, image_ids: tuple[str, ...]) -> None:
        """The platform lacks these. One that could not be read lately is left in peace for a while."""
        now = time.monotonic()
        # How often one failed is known for as long again, to wait longer the next time.
        self._failed = {
            image: failure for image, failure in self._failed.items() if now < failure.until + failure.pause
        }
        for image in image_ids:
            failure = self._failed.get(image)
            if image in self._waiting or (failure is not None and now < failure.until) or self._asked.full():
                continue
            self._waiting.add(image)
            self._asked.put_nowait(image)

    def refused(self, image_id: str) -> None:
        """The platform does not take what was read of it: reading it again at once would give the same."""
        self._fail(image_id)

    def _fail(self, image_id: str) -> float:
        """Seconds until it may be tried again."""
        before = self._failed.get(image_id)
        pause = min(_RETRY_SECONDS if before is None else 2 * before.pause, _LONGEST_RETRY_SECONDS)
        self._failed[image_id] = _Failure(time.monotonic() + pause, pause)
        return pause

    async def run(self) -> None:
        """Answer requests for ever."""
        while True:
            image = await self._asked.get()
            try:
                await self.report(image)
            except ChannelLostError:
                pass  # the platform asks again in the next session
            except HullguardError as bad:
                pause = self._fail(image)
                _log.warning("image not read", image=image, why=str(bad))
                if bad.code not in _GONE:
                    asyncio.get_running_loop().call_later(pause + 1, self.request, (image,))
            else:
                self._failed.pop(image, None)
            finally:
                self._waiting.discard(image)

    async def report(self, image_id: str) -> None:
        """Read one image and send its inventory; where it cannot be read, that is sent, and raised."""
        try:
            await self._report(image_id)
        except ChannelLostError:
            raise
        except HullguardError as bad:
            if bad.code not in _GONE:
                await self._tell_unread(image_id, str(bad))
            raise

    async def _tell_unread(self, image_id: str, why: str) -> None:
        from hullguard.wire.inventory import split  # few agents ever need it

        for part in split(image_id, unread(image_id, why[:_SENTENCE])):
            await self._send(part)

    async def _report(self, image_id: str) -> None:
        async with self._turn:
            output = self._state.work / "inventory"
            try:
                answer = await self._read_anywhere(image_id, output)
                await self._deliver(image_id, output, answer.parts)
            finally:
                output.unlink(missing_ok=True)
        _log.info("image read", image=image_id, packages=answer.packages, complete=answer.complete)

    async def _read_anywhere(self, image_id: str, output: Path) -> Answer:
        """From the first engine that gives it; raises what the first one said that has it and cannot."""
        failed: HullguardError | None = None
        for place in self._places(image_id):
            try:
                return await self._read(image_id, place, output)
            except HullguardError as bad:
                if failed is None or failed.code in _GONE:
                    failed = bad
        raise failed or Unavailable(f"No engine has {image_id}.", "docker.no-image")

    async def _read(self, image_id: str, place: Place, output: Path) -> Answer:
        layers = str(self._state.work / "layers")
        job = Job(image_id, place.target, self._host, layers, str(output), place.variables)
        answer = await apart.ask("hullguard.agent.images_worker", job, Answer, READ_SECONDS, image_id)
        if answer.code:
            raise Unavailable(answer.message, answer.code)
        return answer

    async def _deliver(self, image_id: str, output: Path, parts: int) -> None:
        with output.open("rb") as file:
            for number in range(parts):
                await self._send(InventoryPart(image_id, number, parts, file.read(limits.PART_BYTES)))
