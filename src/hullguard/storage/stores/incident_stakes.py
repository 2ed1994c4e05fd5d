"""What is at stake in incidents is asked again when more is known of their images."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from msgspec import structs

from hullguard.model.incident import IncidentStatus
from hullguard.storage import story_facts, story_stakes
from hullguard.storage.stores import incident_counts, incident_rows
from hullguard.storage.stores.incident_counts import Cell
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.story_stakes import KnownImage
from hullguard.storage.tables import incidents
from hullguard.storage.transaction import Row, Transaction

MOST: Final = 200
"""Open incidents of one image, the latest: a new advisory must not make a worker read a million stories."""


async def weigh(tx: Transaction, images: Sequence[str], known_images: KnownImages) -> list[str]:
    """The open incidents of these images in which something else is at stake now; their severity follows."""
    changed: list[str] = []
    moved: Counter[Cell] = Counter()
    for image in images:
        table = incidents.c
        where = (tx.tenants(incidents), table.image == image, table.story.is_not(None))
        select = sa.select(incidents).where(*where, table.status == IncidentStatus.OPEN.value)
        rows = await tx.all(select.order_by(table.at.desc(), table.id.desc()).limit(MOST))
        known = await known_images.of(image) if rows else None  # most images have none, and theirs need not be read
        changed += [row.id for row in rows if await _weigh(tx, row, known, moved)]
    await incident_counts.add(tx, {cell: by for cell, by in moved.items() if by})
    return changed


async def _weigh(tx: Transaction, row: Row, known: KnownImage | None, moved: Counter[Cell]) -> bool:
    told = story_stakes.weighed(row.story, known)
    if told == row.story:
        return False
    reasons = story_facts.raises(row.joined.tactics, told.at_stake)
    rank = story_facts.raised(row.joined.gravest, reasons).rank
    before = incident_rows.cell_of(row)
    moved[before] -= 1
    moved[structs.replace(before, severity=rank)] += 1
    values = {"story": told, "joined": structs.replace(row.joined, raised=reasons), "severity": rank}
    await tx.run(sa.update(incidents).where(tx.tenants(incidents), incidents.c.id == row.id).values(**values))
    return True
