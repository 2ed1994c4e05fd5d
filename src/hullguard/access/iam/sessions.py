"""Signing in and out, and changing one's own password."""

from typing import Final

from msgspec import Struct

from hullguard import audit
from hullguard.access.iam import denials, tokens
from hullguard.access.iam.actors import stranger
from hullguard.access.iam.identify import LIFETIME, SignedIn, expiry, user_actor
from hullguard.access.iam.passwords import Passwords, acceptable
from hullguard.access.iam.secrets import digest, new_secret
from hullguard.access.iam.throttle import SignInThrottle
from hullguard.cache import Cache
from hullguard.model.errors import Invalid, TooMany, Unauthenticated
from hullguard.model.identity import Actor
from hullguard.storage import Storage, Transaction
from hullguard.storage.stores import Credentials, Sessions, Users

LIFETIME_SECONDS: Final = int(LIFETIME.total_seconds())


class Issued(Struct, frozen=True):
    """A new session and its secret, which only the browser keeps."""

    caller: SignedIn
    secret: str


class SignIn:
    """Everything that checks a password: it counts attempts, costs the same for any name, and keeps an audit."""

    def __init__(self, storage: Storage, cache: Cache, passwords: Passwords) -> None:
        self._storage, self._cache, self._passwords = storage, cache, passwords
        self._throttle = SignInThrottle(cache)

    async def sign_in(self, name: str, password: str, source: str) -> Issued:
        """A new session. Wrong name, wrong password and disabled user get one answer in one time."""
        who = stranger(source)
        await self._count(who, name)
        async with self._storage.reading(who.scope) as tx:
            found = await Users(tx).credentials(name)
        right = await self._passwords.verify(found.password_hash if found else None, password)
        if found is None or found.user.disabled or not right:
            # What was typed may be a password in the wrong field: the audit names known users only.
            await self._refused(who, f"user:{found.user.name}" if found else "user:(unknown)", "sign-in-failed")
            raise _wrong()
        renewed = await self._passwords.hash(password) if self._passwords.outdated(found.password_hash) else None
        secret = new_secret()
        async with self._storage.transaction(who.scope) as tx:
            await _require_unchanged(tx, found)
            if renewed is not None:
                await Users(tx).set_password(
                    found.user.id, renewed, must_change_password=found.user.must_change_password
                )
            expires = expiry(tx.now, tx.now)
            await Sessions(tx).create(digest(secret), found.user.id, expires, source)
            await Users(tx).signed_in(found.user.id)
            actor = user_actor(found.user, who.scope.tenant, source)
            await audit.record(tx, actor, "session.create", f"user:{found.user.name}")
            user = await Users(tx).get(found.user.id)
        await self._throttle.clear(who.scope.tenant, name)
        return Issued(SignedIn(actor, user, expires, session=digest(secret)), secret)

    async def change_password(self, caller: SignedIn, old: str, new: str) -> None:
        """The caller's own new password; every other session of the user and all API tokens end."""
        actor, name = caller.actor, caller.user.name
        await self._count(actor, name)
        async with self._storage.reading(actor.scope) as tx:
            found = await Users(tx).credentials(name)
        if found is None or not await self._passwords.verify(found.password_hash, old):
            await self._refused(actor, f"user:{name}", "password-wrong")
            raise Invalid("The old password is wrong.", "password-wrong", field="$.old")
        acceptable(new, name=name, old=old)
        hashed = await self._passwords.hash(new)
        async with self._storage.transaction(actor.scope) as tx:
            await _require_unchanged(tx, found)
            await Users(tx).set_password(found.user.id, hashed, must_change_password=False)
            ended = await Sessions(tx).delete_for_user(found.user.id, keep=caller.session)
            revoked = await tokens.revoke_all(tx, found.user.id)
            details = {"sessions_ended": str(ended), "tokens_revoked": str(revoked)}
            await audit.record(tx, actor, "user.change-password", f"user:{name}", details=details)
        await self._throttle.clear(actor.scope.tenant, name)

    async def _count(self, actor: Actor, name: str) -> None:
        try:
            await self._throttle.count(actor.scope.tenant, name, actor.source)
        except TooMany as refusal:
            await self._refused(actor, "sign-in", refusal.code)
            raise

    async def _refused(self, actor: Actor, subject: str, reason: str) -> None:
        await denials.record(self._storage, self._cache, actor, "session.create", subject, reason=reason)


async def sign_out(storage: Storage, caller: SignedIn) -> None:
    """End the caller's session."""
    async with storage.transaction(caller.actor.scope) as tx:
        await Sessions(tx).delete(caller.session or "")
        await audit.record(tx, caller.actor, "session.delete", f"user:{caller.user.name}")


async def _require_unchanged(tx: Transaction, checked: Credentials) -> None:
    """The check took a while; whoever was disabled or got another password meanwhile has not signed in."""
    now = await Users(tx).credentials(checked.user.name)
    if now is None or now.user.disabled or now.password_hash != checked.password_hash:
        raise _wrong()


def _wrong() -> Unauthenticated:
    return Unauthenticated("The user name or the password is wrong.", "sign-in-failed")
