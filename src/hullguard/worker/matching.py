"""Inventories meet the advisories: when they arrive, and again when something is said that can matter to them."""

import time
from collections.abc import Mapping
from datetime import UTC, date

import structlog
from msgspec import Struct

from hullguard import __version__
from hullguard.advisories.changes import EVERYTHING, Build
from hullguard.model.errors import HullguardError, NotFound, Unavailable
from hullguard.model.inventory import Inventory
from hullguard.storage.stores import (
    ADVISORIES,
    ADVISORIES_TROUBLE,
    AdvisoryRuns,
    Claimed,
    ImageUses,
    Incidents,
    Jobs,
    Judged,
    KnownImages,
    Matching,
    Settings,
)
from hullguard.worker.advisory_file import News, Opinion
from hullguard.worker.context import Context
from hullguard.worker.exceptions import Word
from hullguard.worker.subjects import changed_subjects

MATCH = "match"
APPLIED = "advisories.applied"
"""The setting that holds ``Applied``."""
BATCH = 50
_LEASE = 120.0
_LONGEST = 30.0
"""Seconds of one run, so that other jobs get their turn."""

_log = structlog.get_logger()


class Applied(Struct, frozen=True):
    """The advisories that all inventories were matched with or wait for, and the program that knows how to match."""

    build: Build
    version: str


class MatchImages:
    """Match whatever waits to be matched, the most urgent first; also what waits because its wake-up was lost."""

    kind = MATCH
    every_seconds = 30
    lease_seconds = _LEASE

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        until = time.monotonic() + _LONGEST
        while await _match_batch(context):
            if time.monotonic() > until:
                await _enqueue(context)
                return


class RefreshMatches:
    """Have everything matched again once a day: a support that ended is found by no advisory."""

    kind = "refresh-matches"
    every_seconds = 86_400
    lease_seconds = 60.0

    async def run(self, context: Context, key: str) -> None:  # noqa: ARG002 - there is only one
        async with context.storage.transaction(context.scope) as tx:
            await Matching(tx).refresh()
            await Jobs(tx).enqueue(MATCH)


async def _match_batch(context: Context) -> bool:
    """Match some of the images that wait; False when there are none."""
    async with context.storage.transaction(context.scope) as tx:
        batch = await Matching(tx).claim(BATCH, _LEASE)
        if len(batch) == BATCH:
            await Jobs(tx).enqueue(MATCH)  # another worker may take the next ones at the same time
    if not batch:
        return False
    inventories = await _inventories(context, batch)
    word, today = await _word(context)
    names = {each.image: each.names for each in batch}
    try:
        opinions = await context.compute(context.advisories.opinions, inventories, word.on(today, names))
    except HullguardError:
        async with context.storage.transaction(context.scope) as tx:
            await Matching(tx).release([each.image for each in batch])
        raise
    async with context.storage.transaction(context.scope) as tx:
        applied = await Settings(tx).get(APPLIED, Applied)
        known = [each for each in batch if each.image in opinions]
        judged = [
            _judged(each, opinions[each.image], applied, word, inventories[each.image].loadable) for each in known
        ]
        weighed = KnownImages(tx)
        changed = await Matching(tx).store(judged, weighed)
        graver = await Incidents(tx).weigh(changed, weighed)
        used = await ImageUses(tx).weigh([each.image for each in judged], changed, weighed)
    for image in dict.fromkeys([*changed, *used]):
        await context.announce("image", image)
    for incident in graver:
        await context.announce("incident", incident)
    return True


async def _inventories(context: Context, batch: list[Claimed]) -> dict[str, Inventory]:
    """All of them, but those that cannot be read: they stay claimed and are tried again later, alone."""
    async with context.storage.reading(context.scope) as tx:
        try:
            return await Matching(tx).inventories([each.image for each in batch])
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001 - what is stored may be damaged in any way
            if len(batch) == 1:
                _log.warning("an inventory cannot be read", image=batch[0].image, exc_info=error)
                return {}
    found: dict[str, Inventory] = {}
    for each in batch:
        found |= await _inventories(context, [each])
    return found


async def _word(context: Context) -> tuple[Word, date]:
    """What is said today of findings that do not count."""
    compiler = context.exceptions
    async with context.storage.reading(context.scope) as tx:
        news, kept = await compiler.news(tx), compiler.word
        today = tx.now.astimezone(UTC).date()
    if kept is not None and news is None:
        return kept, today
    return await context.compute(compiler.compile, news), today


def _judged(
    claimed: Claimed, opinion: Opinion, applied: Applied | None, word: Word, loadable: Mapping[str, tuple[str, ...]]
) -> Judged:
    return Judged(
        claimed.image,
        opinion.report,
        opinion.subjects,
        claimed.scanned,
        current=applied is None or (opinion.build is not None and opinion.build.follows(applied.build)),
        names=claimed.names,
        exceptions=word.revision,
        loadable=loadable,
        unread=opinion.unread,
    )


async def _enqueue(context: Context) -> None:
    async with context.storage.transaction(context.scope) as tx:
        await Jobs(tx).enqueue(MATCH)


async def watch_advisories(context: Context) -> bool:
    """Have those inventories matched again of which the advisories say something else now; whether there were any.

    Where they cannot be asked, that is kept for whoever looks at what was found, and raised.
    """
    try:
        changed = await notice_new_advisories(context)
    except HullguardError as reason:
        await _keep_trouble(context, str(reason))
        raise
    await _keep_trouble(context, "")
    return changed


async def _keep_trouble(context: Context, why: str) -> None:
    async with context.storage.reading(context.scope) as tx:
        if (await Settings(tx).get(ADVISORIES_TROUBLE, str) or "") == why:
            return
    async with context.storage.transaction(context.scope) as tx:
        await Settings(tx).set(ADVISORIES_TROUBLE, why)


async def notice_new_advisories(context: Context) -> bool:
    """The same; raises where there was a database and is none any more, or one that cannot be read."""
    async with context.storage.reading(context.scope) as tx:
        applied = await Settings(tx).get(APPLIED, Applied)
    since = applied.build if applied is not None and applied.version == __version__ else None
    news = await context.compute(context.advisories.news, since)
    if news is None and applied is not None:
        raise NotFound("the advisory database is gone, so nothing can be matched; make one with `hullguard db update`")
    if news is None or (applied is not None and applied == Applied(news.build, __version__)):
        return False
    known = await context.compute(context.advisories.known)
    async with context.storage.transaction(context.scope) as tx:
        if await Settings(tx).get(APPLIED, Applied) != applied:
            return True  # another worker was faster
        if known is not None:
            await AdvisoryRuns(tx).know(known)
        await _apply(news, Matching(tx), Settings(tx))
        await Jobs(tx).enqueue(MATCH)
    return True


async def _apply(news: News, matching: Matching, settings: Settings) -> None:
    concerned = await matching.concern(changed_subjects(news.changes))
    others = await matching.refresh() if EVERYTHING in news.changes else 0
    await matching.advanced(news.state.built)
    await settings.set(APPLIED, Applied(news.build, __version__))
    await settings.set(ADVISORIES, news.state)
    _log.info("new advisories", generation=news.build.generation, concerned=concerned, others=others)
