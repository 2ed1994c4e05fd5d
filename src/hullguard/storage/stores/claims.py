"""Whose claim stands where an image is known only from what was submitted, and what becomes of it when they go.

A submission stands for what is told of its image while its ``kept`` says so: that is written anew for all of them
whenever another claim takes the place of the last.
"""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
import sqlalchemy as sa

from hullguard.model.inventory import Inventory
from hullguard.storage.stores.image_places import batches
from hullguard.storage.tables import (
    findings,
    image_packages,
    image_subjects,
    images,
    inventories,
    reports,
    submissions,
    suppressions,
)
from hullguard.storage.transaction import Row, Transaction

CONTENT = (findings, suppressions, image_packages, image_subjects, reports, inventories)
"""The tables of what is in an image and what follows from it."""

_STAYS = frozenset({"tenant", "id", "name", "names", "searched", "kind", "first_seen", "absent_since", "present"})
"""What is known of an image of which nobody has told what is in it."""


async def users(tx: Transaction, image_id: str, claimant: str | None) -> set[str]:
    """The users whose submissions stand for what is told of the image; empty where none is left."""
    # The claimant's own may say that it does not: when it came again under its name, it was read less completely.
    stand = sa.or_(submissions.c.kept, submissions.c.id == claimant)
    of_image = (tx.mine(submissions), submissions.c.image_id == image_id)
    return {row.user for row in await tx.all(sa.select(submissions.c.user).where(*of_image, stand).distinct())}


def agree(one: Inventory, other: Inventory) -> bool:
    """Whether both say the same of an image, however it was called and from wherever it was read."""
    return _said(one) == _said(other)


async def replaced(tx: Transaction, image_id: str, submission: str) -> None:
    """Another claim stands from now on, and no submission of the image but ``submission`` made it."""
    others = (submissions.c.image_id == image_id, submissions.c.id != submission)
    await tx.run(sa.update(submissions).where(tx.mine(submissions), *others).values(kept=False))


async def withdraw(tx: Transaction, user: str) -> None:
    """The user goes, and nobody is left who says what their submissions said."""
    own = (tx.mine(submissions), submissions.c.user == user)
    rows = await tx.all(sa.select(submissions.c.id, submissions.c.image_id).where(*own))
    await tx.run(sa.update(submissions).where(*own).values(kept=False))
    for some in batches({row.id for row in rows}):
        await tx.run(sa.update(images).where(tx.mine(images), images.c.claimant.in_(some)).values(claimant=None))
    await settle(tx, {row.image_id for row in rows})


async def settle(tx: Transaction, ids: Collection[str]) -> None:
    """Submissions of these images went: what only they said goes, too, and what another said as well is that one's."""
    for batch in batches(ids):
        select = sa.select(images.c.id, images.c.claimant)
        claimed = await tx.all(select.where(tx.mine(images), images.c.submitted, images.c.id.in_(batch)))
        columns = (submissions.c.id, submissions.c.image_id, submissions.c.kept)
        left = sa.select(*columns).where(tx.mine(submissions), submissions.c.image_id.in_(batch))
        rows = await tx.all(left.order_by(submissions.c.first, submissions.c.id))
        by_image: dict[str, list[Row]] = {}
        for row in rows:
            by_image.setdefault(row.image_id, []).append(row)
        unsaid = []
        for image in claimed:
            others = by_image.get(image.id, [])
            if any(each.id == image.claimant for each in others):
                continue
            heir = next((each.id for each in others if each.kept), None)
            if heir is None:
                unsaid.append(image.id)
            else:
                await tx.run(sa.update(images).where(tx.mine(images), images.c.id == image.id).values(claimant=heir))
        await _forget_content(tx, unsaid)


async def _forget_content(tx: Transaction, ids: Collection[str]) -> None:
    if not ids:
        return
    for table in CONTENT:
        await tx.run(sa.delete(table).where(tx.mine(table), table.c.image_id.in_(ids)))
    blank = {column.name: _blank(column) for column in images.c if column.name not in _STAYS}
    await tx.run(sa.update(images).where(tx.mine(images), images.c.id.in_(ids)).values(blank))


def _blank(column: sa.Column[Any]) -> Any:
    """What a row has there that says nothing of it."""
    default = column.server_default
    if not isinstance(default, sa.DefaultClause):
        return None
    return int(default.arg) if isinstance(default.arg, str) else default.arg


def _said(inventory: Inventory) -> tuple[Any, ...]:
    layers = [(each.diff_id, each.size, each.created_by, each.base) for each in inventory.layers]
    lists = (inventory.packages, inventory.unknowns, inventory.secrets, inventory.malware, inventory.config)
    about = (inventory.target.platform, inventory.os, inventory.complete, inventory.loadable)
    return (*about, layers, [_in_order(each) for each in lists])


def _in_order(items: Iterable[Any]) -> list[bytes]:
    return sorted(map(msgspec.json.encode, items))
