"""What containers of images run and load, as agents tell it, and what follows for the images' findings.

Files are kept per image of a tenant, whoever told of them; who watches is kept per node. A file that was not seen for
``KEPT`` is forgotten, a node that says nothing for ``FRESH`` is not watching any more.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.priority import as_used
from hullguard.model.report import Vulnerability
from hullguard.model.use import SETTLED, ImageUse, Unseen
from hullguard.storage.dialect import as_kept
from hullguard.storage.package_use import use_of
from hullguard.storage.stores.containers import RUNNING
from hullguard.storage.stores.image_reports import USED
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.stores.matching import Matching
from hullguard.storage.stores.places import cluster_of
from hullguard.storage.tables import containers, findings, image_nodes, image_uses, image_watches
from hullguard.storage.transaction import Row, Transaction

FRESH: Final = timedelta(days=1)
KEPT: Final = timedelta(days=30)
MOST_FILES: Final = 4096
"""Of one image; beyond it nothing follows any more from a file's absence."""
_TOUCH: Final = 12 * 3600
"""Seconds after which it is worth a write that a file was seen again."""


class Watched(Struct, frozen=True):
    """What one node tells of one image; as in ``wire.messages.Used``."""

    image: str
    since: datetime
    containers: int
    whole: bool
    files: tuple[str, ...]


class _Coverage(NamedTuple):
    """How well an image is watched, over all nodes."""

    since: datetime | None = None
    containers: int = 0
    unsettled: Unseen | None = Unseen.UNWATCHED


class ImageUses:
    """Of the images of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def told(self, node: str, said: Watched) -> bool:
        """Keep what a node tells; whether something else may follow for the image, which then waits to be matched.

        Only of images that the node has: what it says is believed for all nodes.
        """
        tx = self._tx
        cluster = await cluster_of(tx, node)
        held = (tx.mine(image_nodes), image_nodes.c.node == node, image_nodes.c.image_id == said.image)
        if await tx.scalar(sa.select(image_nodes.c.image_id).where(*held)) is None:
            return False
        await self._watch(node, cluster, said)
        of = (tx.tenants(image_uses), image_uses.c.image_id == said.image)
        row = await tx.first(sa.select(image_uses).where(*of).with_for_update())
        files = {} if row is None else row.files
        merged = _merged(files, said.files, int(tx.now.timestamp()))
        if row is None:
            await tx.insert(image_uses, {"image_id": said.image, "files": merged, "told": tx.now, "use": ImageUse()})
        elif merged != files or tx.now - row.told >= FRESH:
            due = bool(row.due) or merged.keys() != files.keys()
            await tx.run(sa.update(image_uses).where(*of).values(files=merged, told=tx.now, due=due))
        unsettled = (await self._coverage(said.image, merged)).unsettled
        if row is not None and merged.keys() == files.keys() and unsettled == row.use.unsettled:
            return False
        return bool(await Matching(tx).again(said.image))

    async def of(self, image: str) -> ImageUse:
        """What is known of the image's packages."""
        select = sa.select(image_uses).where(self._tx.tenants(image_uses), image_uses.c.image_id == image)
        row = await self._tx.first(select)
        if row is None:
            return ImageUse()
        covered = await self._coverage(image, row.files)
        last = {
            file: datetime.fromtimestamp(row.files[file], UTC) for file in row.use.loaded.values() if file in row.files
        }
        use: ImageUse = row.use
        return structs.replace(use, since=covered.since, containers=covered.containers, last=last)

    async def weigh(self, images: Sequence[str], new: Collection[str], known: KnownImages | None = None) -> list[str]:
        """Have the findings of these images say what is known of their packages' use; those where that changed.

        To be called whenever images were matched; ``new`` are those whose findings were written anew.
        """
        select = sa.select(image_uses).where(self._tx.tenants(image_uses), image_uses.c.image_id.in_(images))
        told = {row.image_id: row for row in await self._tx.all(select)}  # of most images nobody tells anything
        known = known or KnownImages(self._tx)
        return [image for image in images if image in told and await self._weigh(told[image], known, anew=image in new)]

    async def forget(self) -> int:
        """Let go of nodes that long said nothing, and of what was long not seen; how many rows."""
        tx = self._tx
        old = tx.now - KEPT
        gone = await tx.run(sa.delete(image_watches).where(tx.tenants(image_watches), image_watches.c.until <= old))
        stale = sa.select(image_uses).where(tx.tenants(image_uses), image_uses.c.told <= old)
        for row in await tx.all(stale.limit(100)):
            await self._weigh(row, KnownImages(tx), anew=False)
            of = (tx.tenants(image_uses), image_uses.c.image_id == row.image_id)
            gone += await tx.run(sa.delete(image_uses).where(*of))
        return gone

    async def _watch(self, node: str, cluster: str, said: Watched) -> None:
        """An agent that was started anew goes on with what the last one began."""
        tx = self._tx
        of = (tx.mine(image_watches), image_watches.c.node == node, image_watches.c.image_id == said.image)
        before = await tx.first(
            sa.select(image_watches.c.since, image_watches.c.until, image_watches.c.containers).where(*of)
        )
        since, count = min(as_kept(said.since), tx.now), said.containers
        if before is not None and before.until >= since - FRESH:
            since, count = min(since, before.since), max(count, before.containers)
        row = {"node": node, "image_id": said.image, "cluster": cluster, "since": since, "until": tx.now}
        counted = {"containers": count, "whole": said.whole}
        await tx.upsert(image_watches, row | counted, update=["since", "until", "containers", "whole"])

    async def _coverage(self, image: str, files: Mapping[str, int]) -> _Coverage:
        tx, table = self._tx, image_watches
        fresh = (tx.tenants(table), table.c.image_id == image, table.c.until > tx.now - FRESH)
        sums = (
            sa.func.min(table.c.since),
            sa.func.sum(table.c.containers),
            sa.func.min(sa.cast(table.c.whole, sa.Integer)),
        )
        row = await tx.first(sa.select(*sums).where(*fresh))
        if row is None or row[0] is None:
            return _Coverage()
        watched = sa.select(table.c.node).where(*fresh)
        others = sa.select(containers.c.node).where(
            tx.tenants(containers),
            containers.c.image_id == image,
            containers.c.state == RUNNING,
            containers.c.node.not_in(watched),
        )
        unsettled: Unseen | None = None
        if not row[2] or len(files) >= MOST_FILES or await tx.first(others.limit(1)) is not None:
            unsettled = Unseen.PARTLY
        elif tx.now - row[0] < SETTLED:
            unsettled = Unseen.BRIEF
        return _Coverage(row[0], int(row[1]), unsettled)

    async def _weigh(self, row: Row, known_images: KnownImages, *, anew: bool) -> bool:
        tx, image = self._tx, row.image_id
        oldest = int((tx.now - KEPT).timestamp())
        files = {file: at for file, at in row.files.items() if at > oldest}
        unsettled = (await self._coverage(image, files)).unsettled
        if not (anew or row.due or unsettled != row.use.unsettled or files.keys() != row.files.keys()):
            return False  # reading the report and the inventory is what costs
        known = await known_images.of(image)
        if known is None:
            return False
        use = use_of(known, files, unsettled)
        changed = await self._write(image, known.report.vulnerabilities, use)
        of = (tx.tenants(image_uses), image_uses.c.image_id == image)
        await tx.run(sa.update(image_uses).where(*of).values(use=use, files=files, due=False))
        return changed or bool(use != row.use)

    async def _write(self, image: str, found: Sequence[Vulnerability], use: ImageUse) -> bool:
        tx, table = self._tx, findings.c
        of = (tx.tenants(findings), table.image_id == image)
        rows = await tx.all(sa.select(table.position, table.priority, table.used).where(*of))
        values: list[dict[str, Any]] = []
        for row in rows:
            each = found[row.position]
            state = use.of(each.package).use
            score = as_used(each.priority, state, kev=each.kev).score
            if (row.priority, row.used) != (score, USED[state]):
                values.append({"at": row.position, "score": score, "state": USED[state]})
        here = sa.update(findings).where(*of, table.position == sa.bindparam("at"))
        await tx.run(here.values(priority=sa.bindparam("score"), used=sa.bindparam("state")), values)
        return bool(values)


def _merged(files: Mapping[str, int], seen: Sequence[str], now: int) -> dict[str, int]:
    """Files and when they were last seen. One that is seen all the time is written twice a day."""
    oldest = now - int(KEPT.total_seconds())
    merged = {file: at for file, at in files.items() if at > oldest}
    for file in seen:
        if file in merged or len(merged) < MOST_FILES:
            merged[file] = now if now - merged.get(file, 0) >= _TOUCH else merged[file]
    return merged
