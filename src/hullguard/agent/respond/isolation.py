"""Cutting a container off from every network, keeping it so, and joining it again."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

import structlog

from hullguard.agent.identity import now
from hullguard.agent.respond import network
from hullguard.agent.respond.memory import Deed, Memory
from hullguard.agent.respond.network import Inside, Namespace
from hullguard.agent.respond.nftables import Made, Nftables
from hullguard.agent.respond.processes import held
from hullguard.agent.runtime.docker import Docker, MainProcess
from hullguard.model.errors import Conflict, HullguardError
from hullguard.model.node import Container, Reason
from hullguard.model.policy import Action

_log = structlog.get_logger()


class Isolation:
    """Which containers are cut off is in the memory; here is how, and the sockets that own the rules."""

    def __init__(self, memory: Memory, docker: Docker) -> None:
        self._memory, self._docker = memory, docker
        self._owned: dict[str, Nftables] = {}
        self._failing: dict[str, str] = {}

    async def isolate(self, process: MainProcess, running: Iterable[Container]) -> dict[str, str | int]:
        """Returns when nothing but the loopback passes. Raises ``Conflict`` for the host's network."""
        container = process.container
        spaces = await self._spaces(running)
        mine = await asyncio.to_thread(_cuttable, process)
        self._memory.write(container.id, Action.ISOLATE, Deed(now(), mine))
        try:
            made = await asyncio.to_thread(self._cut, process)
        except BaseException:
            # Half of it may stand; the words of the failure must stay true.
            with contextlib.suppress(HullguardError, OSError):
                await asyncio.to_thread(self._join, process)
            self._memory.forget(container.id, Action.ISOLATE)
            raise
        others = [name for name, space in spaces.items() if space == mine and name != container.name]
        result: dict[str, str | int] = {"devices": made.devices}
        if others:
            result["shared_with"] = ", ".join(sorted(others))[:500]
        warnings = [] if made.packets else ["This kernel does not stop what leaves through packet sockets."]
        if process.administers_network and not made.owned:
            warnings.append("The container may change its own network's rules; they are put back when it does.")
        if warnings:
            result["warning"] = " ".join(warnings)
        return result

    async def reconnect(self, process: MainProcess | None, container: str) -> dict[str, str | int]:
        """Without a process there is no namespace, so nothing but the memory to undo."""
        removed = await asyncio.to_thread(self._join, process) if process is not None else False
        self._release(container)
        if self._memory.get(container, Action.ISOLATE) is not None:
            self._memory.forget(container, Action.ISOLATE)
        return {} if removed or process is None else {"already": 1}

    async def keep(self, containers: Iterable[Container]) -> list[str]:
        """Cut off again what was started anew, or freed by others; the ids of those that others had freed."""
        there = {container.id: container for container in containers}
        freed = []
        for identity in self._memory.containers(Action.ISOLATE):
            container = there.get(identity)
            if container is None or container.state not in {"running", "paused"}:
                self._release(identity)
                continue
            try:
                process = await self._docker.main_process(identity)
                if await asyncio.to_thread(self._again, process):
                    freed.append(identity)
                self._failing.pop(identity, None)
            except (HullguardError, OSError) as bad:
                _log.warning("isolation not kept", container=identity, why=str(bad))
                self._failing[identity] = container.name
        self._failing = {identity: name for identity, name in self._failing.items() if self._memory.held(identity)}
        return freed

    def reasons(self) -> list[Reason]:
        """Containers that should be cut off and may not be."""
        if not self._failing:
            return []
        names = ", ".join(sorted(self._failing.values()))[:500]
        return [Reason("isolation.failing", f"These containers may not be isolated: {names}.", {"containers": names})]

    def close(self) -> None:
        """The rules stay: where the kernel can, they outlive the sockets that own them."""
        for identity in list(self._owned):
            self._release(identity)

    async def _spaces(self, running: Iterable[Container]) -> dict[str, Namespace]:
        spaces: dict[str, Namespace] = {}
        for container in running:
            if container.state in {"running", "paused"}:
                with contextlib.suppress(HullguardError, OSError):
                    process = await self._docker.main_process(container.id)
                    spaces[container.name] = await asyncio.to_thread(_space, process)
        return spaces

    # In a thread -----------------------------------------------------------------------------------------------------

    def _cut(self, process: MainProcess) -> Made:
        container = process.container.id
        with _entered(process) as (space, inside):
            self._release(container)
            made = inside.tables.cut_off(inside.devices)
            fingerprint = inside.tables.fingerprint() or ""
            self._memory.write(container, Action.ISOLATE, Deed(now(), space, inside.devices, fingerprint))
            self._owned[container] = inside.tables
        return made

    def _again(self, process: MainProcess) -> bool:
        """Whether somebody else had taken the rules away."""
        container = process.container.id
        deed = self._memory.get(container, Action.ISOLATE)
        with _entered(process) as (space, inside):
            known = deed is not None and (deed.namespace, deed.devices) == (space, inside.devices)
            stands = deed is not None and inside.tables.fingerprint() == deed.fingerprint
            if known and stands and container not in self._owned:
                inside.tables.adopt()
                self._owned[container] = inside.tables
            else:
                inside.tables.close()
        if known and stands:
            return False
        self._cut(process)
        # A container that was started again has a new namespace, and one that joined a network a new device.
        freed = known and deed is not None and bool(deed.fingerprint)
        _log.info("isolated again", container=container, freed=freed)
        return freed

    def _join(self, process: MainProcess) -> bool:
        self._release(process.container.id)
        with _entered(process) as (_, inside):
            try:
                return inside.tables.restore()
            finally:
                inside.tables.close()

    def _release(self, container: str) -> None:
        owned = self._owned.pop(container, None)
        if owned is not None:
            owned.close()


@contextlib.contextmanager
def _entered(process: MainProcess) -> Iterator[tuple[Namespace, Inside]]:
    with held(process.pid, process.container.id) as directory:
        yield network.namespace(directory), network.enter(directory)


def _space(process: MainProcess) -> Namespace:
    with held(process.pid, process.container.id) as directory:
        return network.namespace(directory)


def _cuttable(process: MainProcess) -> Namespace:
    space, host = _space(process), network.untouchable()
    if process.container.host_network or space in host:
        raise Conflict(
            f"Container {process.container.name} has the host's network: isolating it would cut off the host. "
            "Pause or stop it instead.",
            "isolation.host-network",
            container=process.container.name,
        )
    if not host:
        raise Conflict(
            "The host's network namespace cannot be read, so it cannot be told from the container's.",
            "isolation.host-unknown",
        )
    return space
