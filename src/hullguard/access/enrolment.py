"""Enrolment tokens: with one, an agent joins a cluster. Their text form is ``wire.enrolment``'s."""

from datetime import datetime
from hmac import compare_digest
from typing import Final

from hullguard import audit
from hullguard.access.iam.secrets import digest, new_secret
from hullguard.model.errors import Unauthenticated
from hullguard.model.identity import Actor, EnrolmentToken
from hullguard.storage import Transaction
from hullguard.storage.stores import EnrolmentTokens, Redeemed
from hullguard.wire.enrolment import Token
from hullguard.wire.violation import Code, Violation

_REFUSALS: Final = {
    "enrolment.used": Code.TOKEN_USED,
    "enrolment.expired": Code.TOKEN_EXPIRED,
    "enrolment.revoked": Code.TOKEN_REVOKED,
    "enrolment.unknown": Code.TOKEN_FOREIGN,
}


async def create(
    tx: Transaction, actor: Actor, *, name: str, cluster: str, expires: datetime, max_uses: int, pin: str
) -> tuple[EnrolmentToken, str]:
    """A new token and its text, which nobody can see again. ``pin`` names the platform's CA."""
    secret = new_secret()
    token = await EnrolmentTokens(tx).create(name, cluster, digest(secret), expires, max_uses)
    await audit.record(
        tx,
        actor,
        "enrolment-token.create",
        f"enrolment-token:{token.id}",
        details={"name": name, "cluster": cluster, "max_uses": str(max_uses), "expires": expires.isoformat()},
    )
    return token, str(Token(token.id, secret, pin))


async def admit(tx: Transaction, token: Token, pin: str) -> Redeemed:
    """Use the token up once, in the transaction that stores the node; answers which tenant and cluster it opens.

    Raises ``Violation`` with the code that the agent is to be refused with.
    """
    if not compare_digest(token.pin, pin):
        raise Violation(Code.TOKEN_FOREIGN, "this token was made by another platform; make a new one on this platform")
    try:
        return await EnrolmentTokens(tx).redeem(token.id, digest(token.secret))
    except Unauthenticated as refusal:
        raise Violation(_REFUSALS[refusal.code], str(refusal)) from refusal


async def revoke(tx: Transaction, actor: Actor, token: str) -> None:
    """No further agent joins with it; those that did stay."""
    await EnrolmentTokens(tx).revoke(token)
    await audit.record(tx, actor, "enrolment-token.revoke", f"enrolment-token:{token}")
