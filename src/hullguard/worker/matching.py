"""An inventory meets the advisories: when it arrives, and again when the advisories change."""

import structlog

from hullguard.storage.stores import Images, Jobs, Settings
from hullguard.worker.context import Context

MATCH = "match"
MATCHED_WITH = "advisories.matched-with"
"""The setting that names the advisory database which all inventories were last queued for."""
_BATCH = 500

_log = structlog.get_logger()


class MatchImage:
    """Match one image's inventory; the key is the image's id."""

    kind = MATCH
    every_seconds = None
    lease_seconds = 120.0

    async def run(self, context: Context, key: str) -> None:
        async with context.storage.reading(context.scope) as tx:
            inventory = await Images(tx).inventory(key)
        report = await context.compute(context.advisories.report, inventory)
        async with context.storage.transaction(context.scope) as tx:
            await Images(tx).store_report(key, report)
        await context.announce("image", key)


class MatchWaiting:
    """Queue every inventory that waits to be matched, also those whose wake-up was lost."""

    kind = "match-waiting"
    every_seconds = 30
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        await queue_waiting(context)


async def queue_waiting(context: Context) -> int:
    """Queue what waits to be matched, up to a batch; how many."""
    async with context.storage.reading(context.scope) as tx:
        waiting = [image for image, _ in await Images(tx).unmatched(_BATCH)]
    if waiting:
        async with context.storage.transaction(context.scope) as tx:
            for image in waiting:
                await Jobs(tx).enqueue(MATCH, image)
    return len(waiting)


async def notice_new_advisories(context: Context) -> bool:
    """Have every inventory matched again if another database has taken the place of the last one."""
    identity = context.advisories.identity()
    if identity is None:
        return False
    async with context.storage.reading(context.scope) as tx:
        if await Settings(tx).get(MATCHED_WITH, str) == identity:
            return False
    async with context.storage.transaction(context.scope) as tx:
        images = await Images(tx).rematch_all()
        await Settings(tx).set(MATCHED_WITH, identity)
    _log.info("new advisories", images=images)
    await queue_waiting(context)
    return True
