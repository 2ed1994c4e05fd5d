"""From a credential to whoever holds it.

The user's row is read every time: a change of role or a disabled user counts from the next request on.
"""

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct, structs

from hullguard.access.iam.roles import at_most
from hullguard.access.iam.secrets import digest, is_session_secret, parse_api_token
from hullguard.model.errors import Unauthenticated
from hullguard.model.identity import DEFAULT_TENANT, Actor, Role, Scope, User
from hullguard.storage import Storage, Transaction
from hullguard.storage.stores import Session, Sessions, TokenHolder, Tokens
from hullguard.storage.stores.sessions import COALESCE

LIFETIME: Final = timedelta(hours=12)
"""After this a session ends, however busy it was."""
IDLE: Final = timedelta(hours=2)
"""After this a session that nobody used ends."""

_ANYWHERE: Final = Scope(DEFAULT_TENANT)
"""Credentials are found across tenants; the row says whose they are."""


class SignedIn(Struct, frozen=True):
    """Who calls, and by which credential: one of ``session`` and ``token`` is the hash of its secret."""

    actor: Actor
    user: User
    expires: datetime
    session: str | None = None
    token: str | None = None


def expiry(created: datetime, now: datetime) -> datetime:
    """When a session that is used now will end."""
    return min(created + LIFETIME, now + IDLE)


async def by_session(storage: Storage, secret: str, source: str) -> SignedIn:
    """The holder of a session cookie; raises ``Unauthenticated`` if it is none, or no longer."""
    if not is_session_secret(secret):
        raise _ended()
    hashed = digest(secret)
    async with storage.reading(_ANYWHERE) as tx:
        caller, session = await _session(tx, hashed, source)
        idle = tx.now - session.last_used
    if idle >= COALESCE:
        async with storage.transaction(caller.actor.scope) as tx:
            expires = expiry(session.created, tx.now)
            await Sessions(tx).touch(hashed, expires)
        return structs.replace(caller, expires=expires)
    return caller


async def by_token(storage: Storage, text: str, source: str) -> SignedIn:
    """The holder of an API token; raises ``Unauthenticated`` if it is none, or no longer."""
    parsed = parse_api_token(text)
    if parsed is None:
        raise _unknown_token()
    async with storage.reading(_ANYWHERE) as tx:
        caller, holder = await _token(tx, digest(parsed[1]), source)
        last = holder.token.last_used
        stale = last is None or tx.now - last >= COALESCE
    if holder.token.id != parsed[0]:
        raise _unknown_token()
    if stale:
        async with storage.transaction(caller.actor.scope) as tx:
            await Tokens(tx).used(holder.token.id)
    return caller


async def again(storage: Storage, caller: SignedIn) -> SignedIn:
    """The same caller as of now, without prolonging anything: for streams that outlive their request."""
    async with storage.reading(_ANYWHERE) as tx:
        if caller.session is not None:
            return (await _session(tx, caller.session, caller.actor.source))[0]
        return (await _token(tx, caller.token or "", caller.actor.source))[0]


async def _session(tx: Transaction, hashed: str, source: str) -> tuple[SignedIn, Session]:
    found = await Sessions(tx).find(hashed)
    if found is None:
        raise _ended()
    actor = user_actor(found.user, found.tenant, source)
    return SignedIn(actor, found.user, found.expires, session=hashed), found


async def _token(tx: Transaction, hashed: str, source: str) -> tuple[SignedIn, TokenHolder]:
    found = await Tokens(tx).find(hashed)
    if found is None:
        raise _unknown_token()
    if not at_most(found.token.role, found.user.role):
        # Its owner has lost rights since; the token must not keep them.
        raise Unauthenticated("This API token may do more than its owner now may. Create a new one.", "token-invalid")
    actor = _actor(f"token:{found.token.id}", found.user, found.tenant, found.token.role, source)
    return SignedIn(actor, found.user, found.token.expires, token=hashed), found


def user_actor(user: User, tenant: str, source: str) -> Actor:
    """A user in person."""
    return _actor(f"user:{user.name}", user, tenant, user.role, source)


def _actor(name: str, user: User, tenant: str, role: Role, source: str) -> Actor:
    return Actor(name, Scope(tenant), role, user=user.id, must_change_password=user.must_change_password, source=source)


def _ended() -> Unauthenticated:
    return Unauthenticated("The session has ended. Sign in again.", "session-ended")


def _unknown_token() -> Unauthenticated:
    return Unauthenticated("The API token is unknown, revoked or expired. Create a new one.", "token-invalid")
