"""The tokens with which agents join: for one cluster, until a time, a limited number of times."""

import hmac
from datetime import datetime

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import NotFound, Unauthenticated
from hullguard.model.identity import EnrolmentToken
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.tables import enrolment_tokens
from hullguard.storage.transaction import Row, Transaction

_LISTING = Listing(
    key=enrolment_tokens.c.id,
    sorts={
        "created": enrolment_tokens.c.created,
        "name": enrolment_tokens.c.name,
        "expires": enrolment_tokens.c.expires,
    },
    default="-created",
    search=(enrolment_tokens.c.name, enrolment_tokens.c.cluster),
)


class Redeemed(Struct, frozen=True):
    """What a good token proves: continue with ``tx.within(Scope(redeemed.tenant))``."""

    tenant: str
    cluster: str
    token: str


class EnrolmentTokens:
    """The enrolment tokens of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def create(
        self, name: str, cluster: str, secret_hash: str, expires: datetime, max_uses: int
    ) -> EnrolmentToken:
        """A new token."""
        token = EnrolmentToken(new_id(), name, cluster, self._tx.now, expires, 0, max_uses)
        row = {"id": token.id, "name": name, "cluster": cluster, "secret_hash": secret_hash}
        row |= {"created": token.created, "expires": expires, "max_uses": max_uses}  # type: ignore[dict-item]
        await self._tx.insert(enrolment_tokens, row)
        return token

    async def get(self, token: str) -> EnrolmentToken:
        """One token."""
        row = await self._tx.first(
            sa.select(enrolment_tokens).where(self._tx.mine(enrolment_tokens), enrolment_tokens.c.id == token)
        )
        if row is None:
            raise NotFound(f"there is no enrolment token {token[:64]}", "enrolment-token.not-found")
        return _token(row)

    async def page(self, request: PageRequest) -> Page[EnrolmentToken]:
        """A page of tokens, newest first."""
        select = sa.select(enrolment_tokens).where(self._tx.mine(enrolment_tokens))
        found = await fetch(self._tx, select, _LISTING, request)
        return Page([_token(row) for row in found.rows], found.total, found.cursor)

    async def revoke(self, token: str) -> EnrolmentToken:
        """No agent joins with it any more; those that did stay."""
        await self.get(token)
        await self._tx.run(
            sa.update(enrolment_tokens)
            .where(self._tx.mine(enrolment_tokens), enrolment_tokens.c.id == token)
            .values(revoked=True)
        )
        return await self.get(token)

    async def redeem(self, token: str, secret_hash: str) -> Redeemed:
        """Use the token once. This looks across tenants: the secret proves the tenant.

        An unknown token and a wrong secret get one answer, so that nobody learns which ids exist.
        """
        table = enrolment_tokens.c
        row = await self._tx.first(sa.select(enrolment_tokens).where(table.secret_hash == secret_hash))
        if row is None or not hmac.compare_digest(row.id.encode(), token.encode(errors="replace")):
            raise _refused("is not known", "enrolment.unknown")
        if row.revoked:
            raise _refused("was revoked", "enrolment.revoked")
        if row.expires <= self._tx.now:
            raise _refused("has expired", "enrolment.expired")
        # Counted by the statement that checks, so two agents cannot share the last use.
        left = sa.and_(table.tenant == row.tenant, table.id == row.id, table.uses < table.max_uses)
        if not await self._tx.run(sa.update(enrolment_tokens).where(left).values(uses=table.uses + 1)):
            raise _refused(f"was used {row.max_uses} times, which is all it allows", "enrolment.used")
        return Redeemed(row.tenant, row.cluster, row.id)


def _refused(why: str, code: str) -> Unauthenticated:
    return Unauthenticated(f"the enrolment token {why}; make a new one in the console", code)


def _token(row: Row) -> EnrolmentToken:
    return EnrolmentToken(
        row.id, row.name, row.cluster, row.created, row.expires, row.uses, row.max_uses, bool(row.revoked)
    )
