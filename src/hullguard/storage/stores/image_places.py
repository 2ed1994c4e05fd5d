"""Which nodes have which images, what else lists them, and the names that an image has over all of these."""

import enum
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

import sqlalchemy as sa

from hullguard.storage.stores.places import cluster_of
from hullguard.storage.stores.suppressions import renamed
from hullguard.storage.tables import image_nodes, image_sources, image_watches, images
from hullguard.storage.transaction import Transaction

NAMES_MAX = 100
"""Names of one image in one place beyond this are left out: a build host tags one image thousands of times."""

BATCH = 500
"""Ids in one statement."""


class Lister(enum.StrEnum):
    """What lists images beside nodes."""

    REGISTRY = "registry"
    SUBMISSION = "submission"


async def present(tx: Transaction, node: str, listed: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Make ``listed`` the node's images; those that nobody could read so far, or of which there is only a claim."""
    cluster, now = await cluster_of(tx, node), dict(listed)
    gone = await _replace(tx, image_nodes, {"node": node}, now, cluster=cluster)
    for batch in batches(gone):
        watched = (image_watches.c.node == node, image_watches.c.image_id.in_(batch))
        await tx.run(sa.delete(image_watches).where(tx.mine(image_watches), *watched))
    return await _without_inventory(tx, now)


async def leave(tx: Transaction, node: str) -> None:
    """The node goes, and its images with it."""
    await present(tx, node, [])


async def listed(tx: Transaction, kind: Lister, source: str, images_listed: Mapping[str, Sequence[str]]) -> None:
    """Make these, with their names, the images that a registry or a submission lists."""
    await _replace(tx, image_sources, {"kind": kind.value, "source": source}, images_listed)


async def forget(tx: Transaction, kind: Lister, source: str) -> None:
    """A registry or a submission goes, and with it the images that lie nowhere else."""
    await listed(tx, kind, source, {})


async def _replace(
    tx: Transaction, table: sa.Table, place: Mapping[str, str], listed: Mapping[str, Sequence[str]], **more: str
) -> list[str]:
    """Make ``listed`` what one place has, by the columns that name it; the images that it has no longer."""
    now = {image: tuple(sorted(set(names)))[:NAMES_MAX] for image, names in listed.items()}
    of = (tx.mine(table), *(table.c[column] == value for column, value in place.items()))
    rows = await tx.all(sa.select(table.c.image_id, table.c.names).where(*of))
    before = {row.image_id: tuple(row.names) for row in rows}
    changed = [image for image, names in now.items() if before.get(image) != names]
    gone = [image for image in before if image not in now]
    await _add_unknown(tx, changed)
    fresh = [{**place, **more, "image_id": image, "names": now[image]} for image in changed]
    await tx.upsert(table, fresh, update=["names"])
    for batch in batches(gone):
        await tx.run(sa.delete(table).where(*of, table.c.image_id.in_(batch)))
    await _rename(tx, [*changed, *gone])
    return gone


async def _add_unknown(tx: Transaction, ids: Sequence[str]) -> None:
    rows = [{"id": image, "names": (), "searched": "", "first_seen": tx.now} for image in ids]
    await tx.upsert(images, rows)


async def _rename(tx: Transaction, ids: Sequence[str]) -> None:
    """Work out names and presence of these images anew, over every node of the tenant and whatever else lists them.

    What a submission calls an image counts only where no node and no registry has it: policies and exceptions go by
    names, and whoever may submit must not be able to give them to images that run.
    """
    for batch in batches(ids):
        before = {row.id: row.names for row in await tx.all(_named(tx, batch))}
        claimed = image_sources.c.kind == Lister.SUBMISSION.value
        known = await _names_in(tx, image_nodes, batch)
        for image, of_registries in (await _names_in(tx, image_sources, batch, sa.not_(claimed))).items():
            known[image] = known.get(image, set()) | of_registries
        names = await _names_in(tx, image_sources, batch, claimed) | known
        statement = (
            sa.update(images)
            .where(tx.mine(images), images.c.id == sa.bindparam("image"))
            .values(
                name=sa.bindparam("first"),
                names=sa.bindparam("all"),
                searched=sa.bindparam("text"),
                present=sa.bindparam("here"),
                absent_since=sa.bindparam("since"),
            )
        )
        await tx.run(statement, [_naming(tx, image, names.get(image)) for image in batch])
        changed = {image: (before.get(image, ()), now) for image, now in names.items()}
        await renamed(tx, {image: pair for image, pair in changed.items() if set(pair[0]) != set(pair[1])})


async def _names_in(
    tx: Transaction, table: sa.Table, ids: Sequence[str], *more: sa.ColumnElement[bool]
) -> dict[str, set[str]]:
    """What these images are called in places of one kind, those of no name too; not the images that are in none."""
    found: dict[str, set[str]] = {}
    of = (tx.tenants(table), table.c.image_id.in_(ids), *more)
    for row in await tx.all(sa.select(table.c.image_id, table.c.names).where(*of)):
        found.setdefault(row.image_id, set()).update(row.names)
    return found


def _named(tx: Transaction, ids: Sequence[str]) -> sa.Select[tuple[str, tuple[str, ...]]]:
    return sa.select(images.c.id, images.c.names).where(tx.mine(images), images.c.id.in_(ids))


def _naming(tx: Transaction, image: str, names: set[str] | None) -> dict[str, object]:
    ordered = tuple(sorted(names or ()))
    return {
        "image": image,
        "first": (ordered[0] if ordered else "")[:512],
        "all": ordered,
        "text": " ".join(ordered),
        "here": names is not None,
        "since": None if names is not None else tx.now,
    }


async def _without_inventory(tx: Transaction, ids: Collection[str]) -> list[str]:
    missing: list[str] = []
    for batch in batches(ids):
        unread = sa.and_(sa.not_(images.c.complete), images.c.size == 0, images.c.packages == 0)
        lacking = sa.or_(images.c.scanned.is_(None), images.c.submitted, unread)
        select = sa.select(images.c.id).where(tx.mine(images), images.c.id.in_(batch), lacking)
        missing.extend(row.id for row in await tx.all(select))
    return sorted(missing)


def sources(tx: Transaction, kind: Lister, image: str) -> sa.Select[tuple[str]]:
    """What of this kind lists an image."""
    table = image_sources.c
    return sa.select(table.source).where(tx.mine(image_sources), table.kind == kind.value, table.image_id == image)


async def source_counts(tx: Transaction, ids: Collection[str]) -> dict[tuple[Lister, str], int]:
    """How many of each kind list each image, by (kind, image id)."""
    counts: dict[tuple[Lister, str], int] = defaultdict(int)
    table = image_sources.c
    for batch in batches(ids):
        select = sa.select(table.kind, table.image_id, sa.func.count()).where(
            tx.mine(image_sources), table.image_id.in_(batch)
        )
        for kind, image, count in await tx.all(select.group_by(table.kind, table.image_id)):
            counts[Lister(kind), image] += int(count)
    return counts


async def node_counts(tx: Transaction, ids: Collection[str]) -> dict[str, int]:
    """On how many nodes each image lies."""
    counts: dict[str, int] = defaultdict(int)
    for batch in batches(ids):
        select = sa.select(image_nodes.c.image_id, sa.func.count()).where(
            tx.mine(image_nodes), image_nodes.c.image_id.in_(batch)
        )
        counts.update({image: int(count) for image, count in await tx.all(select.group_by(image_nodes.c.image_id))})
    return counts


def batches(ids: Iterable[str]) -> Iterable[list[str]]:
    """As many at a time as one statement takes, in order."""
    ordered = sorted(ids)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
