"""What may be forgotten, and when. Incidents and the audit are not in this list: they are evidence."""

from datetime import timedelta

import sqlalchemy as sa

from hullguard.storage.stores.claims import CONTENT
from hullguard.storage.stores.idempotency import KEPT
from hullguard.storage.stores.image_uses import ImageUses
from hullguard.storage.stores.recordings import Recordings
from hullguard.storage.stores.submissions import Submissions
from hullguard.storage.tables import (
    certificates,
    idempotency,
    image_uses,
    image_watches,
    images,
    incident_keys,
    jobs,
    progress,
    sessions,
)
from hullguard.storage.transaction import Transaction

FINISHED_JOBS = timedelta(days=7)
OLD_CERTIFICATES = timedelta(days=90)
"""Expired this long ago: until then they answer whose certificate was seen."""

OLD_BOOTS = timedelta(days=90)
"""Silent this long: no spool keeps a message of that boot any more."""

ABSENT_IMAGES = timedelta(days=7)
OLD_KEYS = timedelta(days=7)
"""Nothing joins an incident that has been quiet for so long, however late an agent tells of it."""

_OF_IMAGES = (*CONTENT, image_uses, image_watches)

BATCH = 100
"""Images removed in one transaction, each with thousands of rows."""


async def sweep(tx: Transaction) -> dict[str, int]:
    """Remove what is old, a bounded amount at a time; how many rows of what."""
    old = {
        "sessions": (sessions, sessions.c.expires <= tx.now),
        "idempotency": (idempotency, idempotency.c.created <= tx.now - KEPT),
        "jobs": (jobs, jobs.c.finished <= tx.now - FINISHED_JOBS),
        "certificates": (certificates, certificates.c.expires <= tx.now - OLD_CERTIFICATES),
        "incident_keys": (incident_keys, incident_keys.c.at <= tx.now - OLD_KEYS),
        "progress": (progress, progress.c.at <= tx.now - OLD_BOOTS),
    }
    removed = {
        name: await tx.run(sa.delete(table).where(tx.tenants(table), condition))
        for name, (table, condition) in old.items()
    }
    removed |= {"recorded_events": await Recordings(tx).forget(), "image_uses": await ImageUses(tx).forget()}
    removed["submissions"] = await Submissions(tx).forget_expired()
    return {**removed, "images": await _absent_images(tx)}


async def _absent_images(tx: Transaction) -> int:
    absent = sa.select(images.c.id).where(
        tx.tenants(images), sa.not_(images.c.present), images.c.absent_since <= tx.now - ABSENT_IMAGES
    )
    ids = [row.id for row in await tx.all(absent.limit(BATCH))]
    for table in _OF_IMAGES:
        await tx.run(sa.delete(table).where(tx.tenants(table), table.c.image_id.in_(ids)))
    await tx.run(sa.delete(images).where(tx.tenants(images), images.c.id.in_(ids)))
    return len(ids)
