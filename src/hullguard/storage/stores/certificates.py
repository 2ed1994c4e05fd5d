"""The certificates by which agents prove which node they are."""

from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from hullguard.storage.tables import certificates, nodes
from hullguard.storage.transaction import Transaction


class NodeIdentity(Struct, frozen=True):
    """Who speaks: what a valid client certificate proves."""

    node: str
    tenant: str
    cluster: str
    fingerprint: str
    expires: datetime


class Certificates:
    """Issued, expired, revoked."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def issued(self, node: str, fingerprint: str, expires: datetime) -> None:
        """Remember a certificate by the SHA-256 of its DER form, in hexadecimal digits."""
        row = {"node": node, "fingerprint": fingerprint, "issued": self._tx.now, "expires": expires}
        await self._tx.insert(certificates, row)

    async def find(self, fingerprint: str) -> NodeIdentity | None:
        """Whose it is. This looks across tenants: the certificate, which our authority signed, proves the tenant."""
        select = (
            sa.select(certificates, nodes.c.cluster)
            .join(nodes, sa.and_(nodes.c.tenant == certificates.c.tenant, nodes.c.id == certificates.c.node))
            .where(
                certificates.c.fingerprint == fingerprint,
                certificates.c.revoked.is_(None),
                certificates.c.expires > self._tx.now,
            )
        )
        row = await self._tx.first(select)
        if row is None:
            return None
        return NodeIdentity(row.node, row.tenant, row.cluster, row.fingerprint, row.expires)

    async def revoke(self, node: str) -> int:
        """Revoke every certificate of ``node``; how many there were."""
        return await self._tx.run(
            sa.update(certificates)
            .where(self._tx.mine(certificates), certificates.c.node == node, certificates.c.revoked.is_(None))
            .values(revoked=self._tx.now)
        )
