"""Refused attempts belong in the audit, but whoever is refused must not be able to fill it."""

from typing import Final

from hullguard import audit
from hullguard.cache import Cache
from hullguard.model.identity import Actor
from hullguard.storage import Storage

_WINDOW_SECONDS: Final = 60
_PER_ACTOR: Final = 20
_IN_ALL: Final = 200


async def record(storage: Storage, cache: Cache, actor: Actor, action: str, subject: str, *, reason: str) -> bool:
    """Write a refusal in its own transaction, unless too many were written in this minute; say whether it was.

    The last one that fits says so, so that a reader of the audit knows that there were more.
    """
    tenant = actor.scope.tenant
    of_actor = await cache.incr(f"denied:{tenant}:{actor.name}:{actor.source}", _WINDOW_SECONDS)
    in_all = await cache.incr(f"denied:{tenant}", _WINDOW_SECONDS) if of_actor <= _PER_ACTOR else 0
    if of_actor > _PER_ACTOR or in_all > _IN_ALL:
        return False
    last = of_actor == _PER_ACTOR or in_all == _IN_ALL
    details = {"more": "further refusals in this minute are counted in the metrics only"} if last else {}
    async with storage.transaction(actor.scope) as tx:
        await audit.record(tx, actor, action, subject, outcome="denied", reason=reason, details=details)
    return True
