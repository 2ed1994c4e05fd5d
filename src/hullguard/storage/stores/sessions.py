"""Signed-in browsers and API tokens. Only the SHA-256 of a secret stands here, in hexadecimal digits.

``find`` looks across tenants: whoever holds 256 random bits has proved whose they are, and only
then is the tenant known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import NotFound
from hullguard.model.identity import ApiToken, Role, TokenName, User
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores.users import to_user, user_columns
from hullguard.storage.tables import sessions, tokens, users
from hullguard.storage.transaction import Row, Transaction

COALESCE = timedelta(minutes=1)
"""``last_used`` is written at most this often."""


class Session(Struct, frozen=True):
    """A signed-in browser."""

    tenant: str
    user: User
    created: datetime
    last_used: datetime
    expires: datetime
    source: str


class TokenHolder(Struct, frozen=True):
    """A token and the user who made it."""

    tenant: str
    token: ApiToken
    user: User


_LISTING = Listing(
    key=tokens.c.id,
    sorts={"created": tokens.c.created, "name": tokens.c.name, "expires": tokens.c.expires},
    default="-created",
    search=(tokens.c.name,),
)


class Sessions:
    """Sessions of a tenant's users."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def create(self, secret_hash: str, user: str, expires: datetime, source: str = "") -> None:
        """A new session."""
        now = self._tx.now
        row = {"secret_hash": secret_hash, "user": user, "created": now, "last_used": now, "expires": expires}
        await self._tx.insert(sessions, {**row, "source": source})

    async def find(self, secret_hash: str) -> Session | None:
        """Whose session this is; None if unknown, expired or of a disabled user."""
        on = sa.and_(users.c.tenant == sessions.c.tenant, users.c.id == sessions.c.user)
        select = (
            sa.select(sessions, *user_columns("u_"))
            .join(users, on)
            .where(
                sessions.c.secret_hash == secret_hash,
                sessions.c.expires > self._tx.now,
                sa.not_(users.c.disabled),
            )
        )
        row = await self._tx.first(select)
        if row is None:
            return None
        return Session(row.tenant, to_user(row, "u_"), row.created, row.last_used, row.expires, row.source)

    async def touch(self, secret_hash: str, expires: datetime) -> None:
        """It was used, so it lasts until ``expires``. Write this at most every ``COALESCE``: ``find`` tells when."""
        await self._tx.run(
            sa.update(sessions)
            .where(self._tx.mine(sessions), sessions.c.secret_hash == secret_hash)
            .values(last_used=self._tx.now, expires=expires)
        )

    async def delete(self, secret_hash: str) -> None:
        """End one."""
        await self._tx.run(sa.delete(sessions).where(self._tx.mine(sessions), sessions.c.secret_hash == secret_hash))

    async def delete_for_user(self, user: str, *, keep: str | None = None) -> int:
        """End all of a user's but ``keep``; how many there were."""
        condition = sa.and_(self._tx.mine(sessions), sessions.c.user == user)
        if keep is not None:
            condition = sa.and_(condition, sessions.c.secret_hash != keep)
        return await self._tx.run(sa.delete(sessions).where(condition))


class Tokens:
    """API tokens of a tenant's users."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def create(self, name: str, user: str, role: Role, secret_hash: str, expires: datetime) -> ApiToken:
        """A new token."""
        token = ApiToken(new_id(), name, user, role, self._tx.now, expires)
        row = {"id": token.id, "name": name, "user": user, "role": role.value, "secret_hash": secret_hash}
        await self._tx.insert(tokens, {**row, "created": token.created, "expires": expires})
        return token

    async def find(self, secret_hash: str) -> TokenHolder | None:
        """Whose token this is; None if unknown, expired or of a disabled user."""
        on = sa.and_(users.c.tenant == tokens.c.tenant, users.c.id == tokens.c.user)
        select = (
            sa.select(tokens, *user_columns("u_"))
            .join(users, on)
            .where(tokens.c.secret_hash == secret_hash, tokens.c.expires > self._tx.now, sa.not_(users.c.disabled))
        )
        row = await self._tx.first(select)
        return None if row is None else TokenHolder(row.tenant, _token(row), to_user(row, "u_"))

    async def used(self, token: str) -> None:
        """Note when; at most every ``COALESCE``."""
        unused = sa.or_(tokens.c.last_used.is_(None), tokens.c.last_used <= self._tx.now - COALESCE)
        await self._tx.run(
            sa.update(tokens).where(self._tx.mine(tokens), tokens.c.id == token, unused).values(last_used=self._tx.now)
        )

    async def page(self, request: PageRequest, *, user: str | None = None) -> Page[ApiToken]:
        """A page of tokens, of one user or of all."""
        select = sa.select(tokens).where(self._tx.mine(tokens))
        found = await fetch(
            self._tx, select if user is None else select.where(tokens.c.user == user), _LISTING, request
        )
        return Page([_token(row) for row in found.rows], found.total, found.cursor)

    async def names(self, ids: Sequence[str]) -> list[TokenName]:
        """Those of these tokens that there are; of one that was revoked nothing is kept."""
        on = sa.and_(users.c.tenant == tokens.c.tenant, users.c.id == tokens.c.user)
        select = sa.select(tokens.c.id, tokens.c.name, users.c.name.label("whose")).join(users, on)
        rows = await self._tx.all(select.where(self._tx.mine(tokens), tokens.c.id.in_(ids)).order_by(tokens.c.id))
        return [TokenName(row.id, row.name, row.whose) for row in rows]

    async def delete(self, token: str, *, user: str | None = None) -> None:
        """Revoke a token; with ``user``, only one of that user's."""
        condition = sa.and_(self._tx.mine(tokens), tokens.c.id == token)
        if user is not None:
            condition = sa.and_(condition, tokens.c.user == user)
        if not await self._tx.run(sa.delete(tokens).where(condition)):
            raise NotFound(f"there is no token {token[:64]}", "token.not-found")


def _token(row: Row) -> ApiToken:
    return ApiToken(row.id, row.name, row.user, Role(row.role), row.created, row.expires, row.last_used)
