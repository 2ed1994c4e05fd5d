"""What must be there before the parts start: tables, the first administrator, the default policy, the authority."""

import asyncio
import os
import socket
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from hullguard import audit
from hullguard.access import enrolment
from hullguard.access.iam.actors import system
from hullguard.access.iam.first_administrator import NAME, ensure_first_admin
from hullguard.access.registries.vault import Vault
from hullguard.app.settings import Layout
from hullguard.detect import default_policy
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import Unavailable
from hullguard.model.identity import DEFAULT_CLUSTER, DEFAULT_TENANT, Scope
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.stores import Policies

SCOPE = Scope(DEFAULT_TENANT)
_TOKEN_LIFE = timedelta(minutes=10)


class FirstStart(Struct, frozen=True):
    """The one-time password, only when this start made the first administrator."""

    user: str
    password: str | None


async def prepare(layout: Layout) -> FirstStart:
    """Make or migrate everything that lasts; doing it again changes nothing."""
    await asyncio.to_thread(Authority.open, layout.authority, datetime.now(UTC))
    await asyncio.to_thread(Vault.open, layout.registry_key)
    storage = Storage.open(layout.database_url)
    try:
        await storage.migrate()
        layout.database.chmod(0o600)
        password = await ensure_first_admin(storage)
        async with storage.transaction(SCOPE) as tx:
            await _ensure_a_policy(tx)
            await Policies(tx).renew()
    finally:
        await storage.close()
    return FirstStart(NAME, password)


async def _ensure_a_policy(tx: Transaction) -> None:
    if (await Policies(tx).page(PageRequest(limit=1))).total:
        return
    actor = system()
    policy = await Policies(tx).create(default_policy(), actor.name, built_in=True)
    await audit.record(tx, actor, "policy.create", f"policy:{policy.id}", details={"name": policy.spec.name})


async def enrol_here(layout: Layout, server_url: str) -> None:
    """Make this machine a node, unless it is one. Raises ``Unavailable`` when it cannot have an agent."""
    if os.geteuid() != 0:
        raise Unavailable("watching this machine needs root; the rest of the platform works without")
    from hullguard.agent import enrol
    from hullguard.agent.state import StateDir

    if StateDir(layout.agent).reason_missing() is None:
        return
    authority = await asyncio.to_thread(Authority.open, layout.authority, datetime.now(UTC))
    storage = Storage.open(layout.database_url)
    try:
        async with storage.transaction(SCOPE) as tx:
            _, secret = await enrolment.create(
                tx,
                system(),
                name=f"up on {socket.gethostname()}"[:64],
                cluster=DEFAULT_CLUSTER,
                expires=tx.now + _TOKEN_LIFE,
                max_uses=1,
                pin=authority.pin,
            )
    finally:
        await storage.close()
    await enrol.enrol(server_url, secret, layout.agent)
