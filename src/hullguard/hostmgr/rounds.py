"""What a replica does every few seconds, whoever is connected: sums instead of one statement per agent."""

import asyncio
from datetime import datetime

import msgspec
import structlog

from hullguard import audit
from hullguard.hostmgr.fleet import Gateway
from hullguard.model.command import CommandState
from hullguard.model.errors import HullguardError
from hullguard.model.identity import DEFAULT_TENANT, Scope
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import CommandFilter, Commands, NodeFilter, Nodes

log = structlog.get_logger()

PAGE = 500


class Rounds:
    """Writes who was seen, expires commands, notices silence, and finds what a lost wake-up should have told."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._looked: dict[str, datetime] = {}

    async def run(self) -> None:
        """For ever; a round that fails is made up for by the next."""
        while True:
            await asyncio.sleep(self._gateway.config.poll_seconds)
            try:
                await self.once()
            except HullguardError as cause:
                log.warning("a round failed", error=str(cause))

    async def once(self) -> None:
        """One round."""
        seen = self._gateway.fleet.take_seen()
        for tenant in {DEFAULT_TENANT, *self._gateway.fleet.tenants, *seen}:
            await self._tenant(tenant, seen.get(tenant, []))

    async def _tenant(self, tenant: str, seen: list[str]) -> None:
        scope = Scope(tenant)
        events: list[tuple[str, str]] = []
        async with self._gateway.storage.reading(scope) as tx:
            behind = await _behind(tx)
            since = self._looked.get(tenant, tx.now)
            events += [("node", node) for node in await Nodes(tx).turned_offline(since)]
            self._looked[tenant] = tx.now
        async with self._gateway.storage.transaction(scope) as tx:
            await Nodes(tx).seen_many(seen, tx.now)
            events += [("command", command) for command in await _expire(tx)]
        for node in behind:
            live = self._gateway.fleet.get(node)
            if live is not None:
                live.look()
        for kind, thing in events:
            await self._gateway.cache.publish(f"stream:{tenant}", msgspec.msgpack.encode({"kind": kind, "id": thing}))


async def _behind(tx: Transaction) -> set[str]:
    """The nodes for which something waits, a page of each sort: those woken take the rest along."""
    unsent = CommandFilter(state=frozenset({CommandState.QUEUED, CommandState.SENT}))
    commands = await Commands(tx).page(unsent, PageRequest(limit=PAGE))
    nodes = await Nodes(tx).page(NodeFilter(online=True, drift=True), PageRequest(limit=PAGE))
    return {command.node for command in commands.items} | {node.id for node in nodes.items}


async def _expire(tx: Transaction) -> list[str]:
    expired = await Commands(tx).expire(tx.now)
    for command in expired:
        await audit.record(
            tx,
            "system",
            "command.expire",
            f"command:{command.id}",
            outcome="failed",
            reason=f"the deadline passed while the command was {command.state}",
            details={"kind": command.kind, "node": command.node},
        )
    return [command.id for command in expired]
