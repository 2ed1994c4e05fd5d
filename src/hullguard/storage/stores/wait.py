"""Why images wait to be matched, and how they are made to."""

import enum
from typing import Any

import sqlalchemy as sa

from hullguard.storage.tables import images
from hullguard.storage.transaction import Transaction

TRIES = 8
"""A worker that dies takes nothing with it but the image it died of, and that one only so often."""


class Wait(enum.IntEnum):
    """Why an image waits; the greater is matched first."""

    NOTHING = 0
    REFRESH = 1
    """Something that concerns all images changed, such as scores."""
    CONCERNED = 2
    """An advisory that is new speaks of one of its packages, or somebody said what of it does not count."""
    NEW = 3
    """Nobody has matched it yet."""


async def waits(tx: Transaction, why: Wait, *condition: sa.ColumnElement[bool]) -> int:
    """Have the tenant's images that fit the condition matched again; how many there are that did not wait so urgently.

    What was given up is worth another try too.
    """
    less = images.c.waits < why
    values: dict[str, Any] = {"waits": sa.case((less, why), else_=images.c.waits), "claimed": None, "tries": 0}
    where = (tx.mine(images), sa.or_(less, images.c.tries >= TRIES), *condition)
    return await tx.run(sa.update(images).where(*where).values(**values))
