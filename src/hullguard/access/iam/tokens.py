"""API tokens: never stronger than whoever makes them, and gone with their owner's password, role or account."""

from datetime import timedelta
from typing import Final

from hullguard import audit
from hullguard.access.iam.roles import at_most
from hullguard.access.iam.secrets import api_token, digest, new_secret
from hullguard.model.errors import Conflict, Denied
from hullguard.model.identity import Actor, ApiToken, Role, User
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Tokens

PER_USER: Final = 50


async def create(
    tx: Transaction, actor: Actor, owner: User, *, name: str, days: int, role: Role | None
) -> tuple[ApiToken, str]:
    """A new token and its text, which nobody can see again; without a role it gets its owner's."""
    wanted = owner.role if role is None else role
    if not at_most(wanted, actor.role):
        raise Denied(
            f"A token of the role {wanted} would be allowed more than the role {actor.role}.",
            "role-above-own",
            role=wanted.value,
        )
    if (await Tokens(tx).page(PageRequest(limit=1), user=owner.id)).total >= PER_USER:
        raise Conflict(f"You have {PER_USER} tokens already: revoke some first.", "token.too-many", maximum=PER_USER)
    secret = new_secret()
    expires = tx.now + timedelta(days=days)
    token = await Tokens(tx).create(name, owner.id, wanted, digest(secret), expires)
    details = {"name": name, "role": wanted.value, "expires": expires.isoformat()}
    await audit.record(tx, actor, "token.create", f"token:{token.id}", details=details)
    return token, api_token(token.id, secret)


async def revoke(tx: Transaction, actor: Actor, owner: User, token: str) -> None:
    """End one of the owner's tokens; another user's does not exist here."""
    await Tokens(tx).delete(token, user=owner.id)
    await audit.record(tx, actor, "token.revoke", f"token:{token}")


async def revoke_all(tx: Transaction, user: str) -> int:
    """End every token of a user; how many there were. The caller's audit record says why."""
    found = (await Tokens(tx).page(PageRequest(limit=500), user=user)).items
    for token in found:
        await Tokens(tx).delete(token.id, user=user)
    return len(found)
