"""Keeps the lists of containers and images current, and comes back by itself when the runtime does."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

import structlog

from hullguard.agent.runtime.docker import Change, Docker, LocalImage
from hullguard.agent.tasks import first_of
from hullguard.model.errors import Unavailable
from hullguard.model.node import Container, Reason

REFRESH_SECONDS = 60.0
_SETTLE_SECONDS = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0

_log = structlog.get_logger()


class Seen(NamedTuple):
    """The runtime at one moment. Without a runtime the lists are the last ones known."""

    version: str | None
    containers: tuple[Container, ...] = ()
    images: tuple[LocalImage, ...] = ()
    reason: Reason | None = None
    """Why the runtime cannot be asked."""


class RuntimeWatch:
    """Calls ``changed`` whenever something is different, and ``happened`` with what the runtime says of a container."""

    def __init__(
        self, docker: Docker, changed: Callable[[Seen], None], happened: Callable[[Change], None] = lambda _: None
    ) -> None:
        self._docker, self._changed, self._happened = docker, changed, happened
        self._known: dict[str, Container] = {}
        self._images_stale = True
        self._due = asyncio.Event()
        self._fresh = asyncio.Event()
        self.seen = Seen(None, reason=Reason("runtime.starting", "The container runtime has not been asked yet."))

    async def run(self) -> None:
        """Watch for ever."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await first_of(self._hear(), self._refresh())
            except Unavailable as bad:
                if self.seen.version is not None:
                    pause = _FIRST_PAUSE
                self._tell(self._absent(bad))
            await asyncio.sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    @property
    def here(self) -> bool:
        """Whether the runtime may be on this machine."""
        return self._docker.here()

    async def refreshed(self, seconds: float = 60.0) -> Seen:
        """Read everything anew; ``Unavailable`` if the runtime does not answer."""
        self._fresh.clear()
        self._known.clear()
        self._images_stale = True
        self._due.set()
        try:
            async with asyncio.timeout(seconds):
                await self._fresh.wait()
        except TimeoutError:
            reason = self.seen.reason
            raise Unavailable(reason.message if reason else "the container runtime did not answer in time") from None
        return self.seen

    def _absent(self, bad: Unavailable) -> Seen:
        reason = Reason("runtime.unreachable", f"{bad}.", {"host": self._docker.host})
        return self.seen._replace(version=None, reason=reason)

    async def _hear(self) -> None:
        async for change in self._docker.changes():
            self._note(change)

    def _note(self, change: Change) -> None:
        if change.kind == "image" or change.action == "commit":
            self._images_stale = True
        else:
            self._known.pop(change.id, None)
            self._happened(change)
            if change.action == "kill":
                return  # a signal alone changes no list; what follows from it comes by itself
        self._due.set()

    async def _refresh(self) -> None:
        version = await self._docker.version()
        self._known.clear()
        self._images_stale = True
        while True:
            self._due.clear()
            fresh = self._images_stale
            self._images_stale = False
            images = tuple(await self._docker.images()) if fresh else self.seen.images
            containers = tuple(await self._docker.containers(self._known))
            self._known = {container.id: container for container in containers}
            self._tell(Seen(version, containers, images))
            if not self._due.is_set():
                self._fresh.set()
            await self._until_due()

    async def _until_due(self) -> None:
        try:
            async with asyncio.timeout(REFRESH_SECONDS):
                await self._due.wait()
        except TimeoutError:
            self._images_stale = True
            return
        await asyncio.sleep(_SETTLE_SECONDS)  # a start is several events

    def _tell(self, seen: Seen) -> None:
        if seen == self.seen:
            return
        if (seen.version is None) != (self.seen.version is None):
            _log.info("container runtime", version=seen.version, why=seen.reason.message if seen.reason else "")
        self.seen = seen
        self._changed(seen)
