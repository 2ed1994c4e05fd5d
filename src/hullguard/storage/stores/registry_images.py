"""The images of registries: what a listing found, which of them wait to be read, and what came of it."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.ids import derived_id
from hullguard.model.page import Page
from hullguard.model.registry import ImageState, ListedImage, RegistryImage, RegistryListing
from hullguard.model.tag_order import order
from hullguard.model.view import ImageSummary
from hullguard.storage.paging import Listing, PageRequest, any_of, fetch
from hullguard.storage.stores import image_places
from hullguard.storage.stores.image_rows import summaries, visible
from hullguard.storage.stores.registries import Registries, RegistryWork
from hullguard.storage.tables import images, registry_images
from hullguard.storage.transaction import Row, Transaction

_WHY_MAX = 2000
_LISTING = Listing(
    key=registry_images.c.place,
    sorts={
        "repository": registry_images.c.repository,
        "tag": registry_images.c.tag,
        "state": registry_images.c.state,
        "seen": registry_images.c.seen,
    },
    default="repository",
    search=(registry_images.c.repository, registry_images.c.tag, registry_images.c.image_id),
)
_PERMANENT = {ImageState.DONE.value, ImageState.INCOMPLETE.value, ImageState.UNSUPPORTED.value}


class RegistryImageFilter(Struct, frozen=True):
    """Which images of a registry."""

    state: frozenset[ImageState] = frozenset()


class Awaited(Struct, frozen=True):
    """An image that waits to be read; ``again``: even if what is in it is known."""

    id: str
    repository: str
    tag: str
    platform: str
    digest: str
    image_id: str | None
    again: bool


class RegistryImages:
    """The images of one registry."""

    def __init__(self, tx: Transaction, registry: str) -> None:
        self._tx, self._registry = tx, registry

    async def page(self, wanted: RegistryImageFilter, request: PageRequest) -> Page[RegistryImage]:
        """A page of them; raises ``NotFound`` where there is no such registry."""
        await Registries(self._tx).work(self._registry)
        select = sa.select(registry_images).where(self._mine)
        select = select.where(*any_of(registry_images.c.state, {state.value for state in wanted.state}, self._tx))
        found = await fetch(self._tx, select, _LISTING, request)
        known = await self._known({row.image_id for row in found.rows if row.image_id is not None})
        return Page([_image(row, known.get(row.image_id)) for row in found.rows], found.total, found.cursor)

    async def tags(self) -> dict[tuple[str, str], str]:
        """What each tag named when it was last listed, by (repository, tag)."""
        table = registry_images.c
        select = sa.select(table.repository, table.tag, table.tag_digest).where(self._mine).distinct()
        return {(row.repository, row.tag): row.tag_digest for row in await self._tx.all(select)}

    async def replace(self, work: RegistryWork, listing: RegistryListing, reader: int) -> None:
        """Make what was listed the images of the registry; those whose digest is another, or that failed, wait.

        So do those that a reader before the generation ``reader`` took stock of.
        """
        tx = self._tx
        before = {row.id: row for row in await tx.all(sa.select(registry_images).where(self._mine))}
        unchanged, unlisted = set(listing.unchanged), set(listing.unlisted)
        rows = {row["id"]: row for row in (self._listed(each, before, again=work.again) for each in listing.images)}
        for row in before.values():
            if row.id not in rows and (row.repository, row.tag) in unchanged:
                rows[row.id] = self._still(row, again=work.again)
        gone = [row.id for row in before.values() if row.id not in rows and row.repository not in unlisted]
        for batch in image_places.batches(gone):
            await tx.run(sa.delete(registry_images).where(self._mine, registry_images.c.id.in_(batch)))
        columns = [column.name for column in registry_images.columns if not column.primary_key]
        for some in image_places.batches(rows):
            await tx.upsert(registry_images, [rows[each] for each in some], update=columns)
        await self._renew(reader)
        await self._spare_known()
        await self._lie(work.spec.address)

    async def waiting(self) -> Awaited | None:
        """The next one to be read, which is being read from now on; also one whose reader has died."""
        await self._spare_known()
        table = registry_images.c
        open_states = (ImageState.READING.value, ImageState.WAITING.value)
        select = sa.select(registry_images).where(self._mine, table.state.in_(open_states))
        row = await self._tx.first(select.order_by(table.state, table.repository, table.tag, table.id).limit(1))
        if row is None:
            return None
        await self._set(table.id == row.id, state=ImageState.READING.value)
        return Awaited(row.id, row.repository, row.tag, row.platform, row.digest, row.image_id, row.again)

    async def put_back(self, image: Awaited) -> None:
        """It was not read, by no fault of its own."""
        await self._set(registry_images.c.id == image.id, state=ImageState.WAITING.value)

    async def ended(self, image: Awaited, state: ImageState, *, image_id: str | None, code: str, why: str) -> bool:
        """What came of it, for all that is the same manifest; False if it is gone or another one meanwhile."""
        table = registry_images.c
        same = (table.digest == image.digest, table.platform == image.platform, table.repository == image.repository)
        values = {"state": state.value, "code": code[:64], "why": why[:_WHY_MAX], "read": self._tx.now, "again": False}
        named = {} if image_id is None else {"image_id": image_id}
        return bool(await self._set(*same, **values, **named))

    async def retry(self, codes: Collection[str]) -> None:
        """Those that failed for one of these reasons wait again."""
        table = registry_images.c
        failed = (table.state == ImageState.FAILED.value, table.code.in_(sorted(codes)))
        await self._set(*failed, state=ImageState.WAITING.value, code="", why="")

    async def _renew(self, reader: int) -> None:
        table = registry_images.c
        older = (self._tx.mine(images), images.c.scanned.is_not(None), images.c.reader < reader)
        read = (ImageState.DONE.value, ImageState.INCOMPLETE.value)
        where = (table.state.in_(read), table.image_id.in_(sa.select(images.c.id).where(*older)))
        # The image is known, but not all that a better reader finds.
        await self._set(*where, state=ImageState.WAITING.value, code="", why="", again=True)

    async def _spare_known(self) -> None:
        """What lies on a node, in another registry or under another tag, and was read whole, is not read again."""
        table = registry_images.c
        read = (images.c.complete, images.c.scanned.is_not(None), sa.not_(images.c.submitted))
        known = sa.select(images.c.id).where(self._tx.mine(images), *read)
        waits = (table.state == ImageState.WAITING.value, sa.not_(table.again), table.image_id.in_(known))
        await self._set(*waits, state=ImageState.DONE.value, read=self._tx.now)

    async def _lie(self, host: str) -> None:
        """Have the images that the registry has known to lie there, by the names that they have there."""
        table = registry_images.c
        select = sa.select(table.image_id, table.repository, table.tag).where(self._mine, table.image_id.is_not(None))
        names: dict[str, list[str]] = {}
        for row in await self._tx.all(select):
            names.setdefault(row.image_id, []).append(f"{host}/{row.repository}:{row.tag}")
        await image_places.listed(self._tx, image_places.Lister.REGISTRY, self._registry, names)

    async def _set(self, *where: sa.ColumnElement[bool], **values: Any) -> int:
        return await self._tx.run(sa.update(registry_images).where(self._mine, *where).values(**values))

    def _listed(self, listed: ListedImage, before: Mapping[str, Row], *, again: bool) -> dict[str, Any]:
        one = derived_id(self._registry, listed.repository, listed.tag, listed.platform)
        known = before.get(one)
        fresh = {"seen": self._tx.now, "tag_digest": listed.tag_digest}
        if known is not None and known.digest == listed.digest and listed.state is ImageState.WAITING:
            return {**self._still(known, again=again), **fresh}
        return {
            **fresh,
            "id": one,
            "place": _place(listed.tag, one),
            "registry": self._registry,
            "repository": listed.repository,
            "tag": listed.tag,
            "platform": listed.platform,
            "digest": listed.digest,
            "image_id": listed.image_id,
            "state": listed.state.value,
            "code": listed.code[:64],
            "why": listed.why[:_WHY_MAX],
            "read": None,
            "again": again,
        }

    def _still(self, row: Row, *, again: bool) -> dict[str, Any]:
        """A row that names what it named. What failed is tried again, and everything if that is asked for."""
        kept = {column.name: getattr(row, column.name) for column in registry_images.columns if column.name != "tenant"}
        kept |= {"seen": self._tx.now, "place": _place(row.tag, row.id)}
        unsupported = row.state == ImageState.UNSUPPORTED.value
        if row.state not in _PERMANENT or (again and not unsupported):
            kept |= {"state": ImageState.WAITING.value, "code": "", "why": "", "again": again or row.again}
        return kept

    async def _known(self, ids: Collection[str]) -> dict[str, ImageSummary]:
        """Those of them that the scope sees, by their ids."""
        here = (*visible(self._tx), images.c.present, images.c.id.in_(sorted(ids)))
        rows = await self._tx.all(sa.select(images).where(*here)) if ids else []
        return {each.id: each for each in await summaries(self._tx, rows)}

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(self._tx.mine(registry_images), registry_images.c.registry == self._registry)


def _place(tag: str, one: str) -> str:
    """Where an image stands among those of its repository, the newest first."""
    return f"{order(tag)} {one}"


def _image(row: Row, known: ImageSummary | None) -> RegistryImage:
    return RegistryImage(
        id=row.id,
        repository=row.repository,
        tag=row.tag,
        platform=row.platform,
        digest=row.digest,
        image_id=row.image_id,
        state=ImageState(row.state),
        code=row.code,
        why=row.why,
        seen=row.seen,
        read=row.read,
        image=known,
    )
