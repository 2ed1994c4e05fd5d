"""Who stands for what was submitted of an image."""

import sqlalchemy as sa

from hullguard.model.inventory import Inventory
from hullguard.model.submission import layers_digest
from hullguard.storage.tables import submissions
from hullguard.storage.transaction import Transaction


async def users(tx: Transaction, image_id: str, claimant: str | None, told: Inventory) -> set[str]:
    """The user whose submission ``claimant`` says ``told`` of the image.

    Where that is gone or is of another image by now, those whose submissions of the image name the same layers: what
    they were told must not change under them either. Empty where nobody is left.
    """
    of_image = sa.select(submissions.c.user).where(tx.mine(submissions), submissions.c.image_id == image_id)
    found = await tx.all(of_image.where(submissions.c.id == claimant))
    if not found:
        found = await tx.all(of_image.where(submissions.c.layers == layers_digest(told.layers)).distinct())
    return {row.user for row in found}
