"""What is known of images, for whoever weighs what follows from it: each is read once in a transaction."""

import sqlalchemy as sa

from hullguard.storage.story_stakes import KnownImage
from hullguard.storage.tables import images, inventories, reports
from hullguard.storage.transaction import Transaction


class KnownImages:
    """The images of a tenant that were matched, as this transaction sees them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[str, KnownImage | None] = {}

    async def of(self, image: str) -> KnownImage | None:
        """What is known of an image that was matched; None for any other."""
        if image not in self._known:
            self._known[image] = await self._read(image)
        return self._known[image]

    def told(self, image: str, known: KnownImage) -> None:
        """What has just been written need not be read."""
        self._known[image] = known

    async def _read(self, image: str) -> KnownImage | None:
        tx = self._tx
        select = sa.select(reports.c.report, images.c.unread).join_from(
            reports, images, images.c.id == reports.c.image_id
        )
        row = await tx.first(select.where(tx.tenants(reports), tx.tenants(images), images.c.id == image))
        if row is None:
            return None
        of = (tx.tenants(inventories), inventories.c.image_id == image)
        inventory = await tx.scalar(sa.select(inventories.c.inventory).where(*of))
        return KnownImage(row.report, {} if inventory is None else inventory.loadable, row.unread)
