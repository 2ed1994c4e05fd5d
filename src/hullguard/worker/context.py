"""What every kind of job may use, and what a kind of job is."""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
from msgspec import Struct

from hullguard.access.registries.vault import Vault
from hullguard.cache import Cache
from hullguard.model.errors import Unavailable
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage import Storage
from hullguard.worker.advisory_file import AdvisoryFile
from hullguard.worker.exceptions import Compiler

T = TypeVar("T")


class RegistryFiles(Struct, frozen=True):
    """What is needed to ask registries: what opens their passwords, where layers are remembered, where answers lie."""

    vault: Vault
    layers: Path
    scratch: Path


class Context(Struct, frozen=True):
    """The worker's connections.

    ``thread`` is the one thread that ``advisories`` and ``exceptions`` belong to; ``anchors`` the file that notes the
    end of the audit.
    """

    storage: Storage
    cache: Cache
    advisories: AdvisoryFile
    thread: Executor
    anchors: Path
    registries: RegistryFiles
    scope: Scope = Scope(DEFAULT_TENANT)
    exceptions: Compiler = msgspec.field(default_factory=Compiler)

    async def compute(self, work: Callable[..., T], *arguments: object) -> T:
        """Run what takes long outside the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self.thread, work, *arguments)

    async def announce(self, kind: str, subject: str) -> None:
        """Tell open consoles that something of this kind changed."""
        await self._publish(f"stream:{self.scope.tenant}", msgspec.msgpack.encode({"kind": kind, "id": subject}))

    async def wake_workers(self) -> None:
        """Have the workers look for a job."""
        await self._publish("jobs", b"")

    async def _publish(self, channel: str, message: bytes) -> None:
        """A cache that is away must not end what goes on without it: who listens also looks by itself."""
        with contextlib.suppress(Unavailable):
            await self.cache.publish(channel, message)


class JobKind(Protocol):
    """One kind of background work; ``worker/catalog.py`` lists them.

    A job may be run again after a crash, so ``run`` must come to the same end when it is repeated.
    """

    @property
    def kind(self) -> str:
        """The name in the queue."""

    @property
    def every_seconds(self) -> int | None:
        """How often it runs by itself; None for one that others enqueue."""

    @property
    def lease_seconds(self) -> float:
        """How long one run may take before another worker takes over."""

    async def run(self, context: Context, key: str) -> None:
        """Do it; raise to have it tried again later."""
