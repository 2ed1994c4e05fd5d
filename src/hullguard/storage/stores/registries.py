"""Registries that the platform reads: what people want of them, and how far the workers are."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.errors import Conflict, NotFound, Stale
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.model.registry import ImageState, Registry, RegistryListing, RegistrySpec, RegistryState, Trouble
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import image_places
from hullguard.storage.stores.jobs import Jobs
from hullguard.storage.tables import jobs, registries, registry_images
from hullguard.storage.transaction import Row, Transaction

READ_REGISTRY = "registry"
"""The kind of the jobs that list and read one registry; its id is their key."""
REGISTRIES_MAX = 200
ATTEMPTS = 48
"""A registry that is away is asked again for two days: the pauses grow to an hour."""

_BUSY = frozenset({RegistryState.WAITING, RegistryState.LISTING, RegistryState.READING})
_LISTING = Listing(
    key=registries.c.id,
    sorts={"name": registries.c.name, "changed_at": registries.c.changed_at, "state": registries.c.state},
    default="name",
    search=(registries.c.name, registries.c.comment),
)


class RegistryWork(Struct, frozen=True):
    """What a worker needs to know of a registry, and who changes it; ``password`` is sealed."""

    id: str
    version: int
    spec: RegistrySpec
    password: bytes | None
    state: RegistryState
    to_list: bool
    again: bool


class Registries:
    """The registries of a tenant."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, registry: str) -> Registry:
        """One registry as it is now."""
        return (await self._all([await self._row(registry)]))[0]

    async def page(self, request: PageRequest, *, image: str | None = None) -> Page[Registry]:
        """A page of registries; with ``image`` of those that list it."""
        select = sa.select(registries).where(self._tx.mine(registries))
        if image is not None:
            select = select.where(
                registries.c.id.in_(image_places.sources(self._tx, image_places.Lister.REGISTRY, image))
            )
        found = await fetch(self._tx, select, _LISTING, request)
        return Page(await self._all(found.rows), found.total, found.cursor)

    async def create(
        self,
        spec: RegistrySpec,
        by: str,
        comment: str = "",
        *,
        registry: str | None = None,
        password: bytes | None = None,
    ) -> Registry:
        """A new registry at version 1, to be listed at once; ``password`` was sealed for the id ``registry``."""
        tx = self._tx
        await self._check_name(spec.name, None)
        count = await tx.scalar(sa.select(sa.func.count()).select_from(registries).where(tx.mine(registries)))
        if count >= REGISTRIES_MAX:
            raise Conflict(f"there are {count} registries already, and no more are kept", "registry.too-many")
        made = registry or new_id()
        row = {"id": made, "version": 1, "created": tx.now, "password": password, **self._values(spec, by, comment)}
        await tx.insert(registries, row)
        await self._enqueue(made)
        return await self.get(made)

    async def update(
        self,
        registry: str,
        spec: RegistrySpec,
        by: str,
        comment: str = "",
        *,
        expected_version: int,
        password: bytes | None,
    ) -> Registry:
        """The next version, to be listed at once. Raises ``Stale`` if the present one is not ``expected_version``."""
        tx = self._tx
        await self._expect(registry, expected_version)
        await self._check_name(spec.name, registry)
        values = {"version": expected_version + 1, "password": password, **self._values(spec, by, comment)}
        await tx.run(sa.update(registries).where(self._this(registry)).values(**values))
        # What a tag names may be something else for other platforms.
        await tx.run(sa.update(registry_images).where(self._of(registry)).values(tag_digest=""))
        await self._enqueue(registry)
        return await self.get(registry)

    async def delete(self, registry: str, expected_version: int | None = None) -> None:
        """Remove a registry; images that lie nowhere else are absent then."""
        await (self._row(registry) if expected_version is None else self._expect(registry, expected_version))
        await self._tx.run(sa.delete(registry_images).where(self._of(registry)))
        await self._tx.run(sa.delete(registries).where(self._this(registry)))
        await image_places.forget(self._tx, image_places.Lister.REGISTRY, registry)

    async def ask(self, registry: str, *, again: bool) -> Registry:
        """Have it listed at once, and with ``again`` everything read anew. Raises ``Conflict`` while it is read."""
        row = await self._row(registry)
        if RegistryState(row.state) in _BUSY:
            raise Conflict(
                f"registry {row.name!r} is being listed or read; ask again when that has ended", "registry.busy"
            )
        values = {"state": RegistryState.WAITING.value, "to_list": True, "again": again}
        await self._tx.run(sa.update(registries).where(self._this(registry)).values(**values))
        await self._enqueue(registry)
        return await self.get(registry)

    async def enqueue_due(self) -> list[str]:
        """Have those listed whose time has come; what was missed is made up for once."""
        tx = self._tx
        rows = await tx.all(sa.select(registries).where(tx.mine(registries), registries.c.due <= tx.now))
        for row in rows:
            values: dict[str, Any] = {"due": self._due(row.spec), "to_list": True}
            if RegistryState(row.state) not in _BUSY:
                values["state"] = RegistryState.WAITING.value
            await tx.run(sa.update(registries).where(self._this(row.id)).values(**values))
            await self._enqueue(row.id)
        return [row.id for row in rows]

    async def go_on(self, registry: str) -> None:
        """Have it read on when its turn comes again."""
        await Jobs(self._tx).enqueue(READ_REGISTRY, registry, attempts=ATTEMPTS)

    async def lost(self) -> list[str]:
        """Those that every worker died at are failed: nobody reads them any more."""
        tx = self._tx
        job = sa.and_(tx.mine(jobs), jobs.c.kind == READ_REGISTRY, jobs.c.key == registries.c.id)
        select = sa.select(registries.c.id).where(tx.mine(registries), registries.c.state.in_(sorted(_BUSY)))
        rows = await tx.all(select.where(~sa.exists().where(job, jobs.c.ready.is_not(None))))
        why = "every worker that read it ended before that was done; see the workers' logs, then have it scanned"
        for row in rows:
            await self.failed(row.id, Trouble("registry.given-up", why))
        return [row.id for row in rows]

    async def work(self, registry: str) -> RegistryWork:
        """What is to be done, without what is counted; raises ``NotFound`` when the registry is gone."""
        row = await self._row(registry)
        return RegistryWork(
            row.id, row.version, row.spec, row.password, RegistryState(row.state), row.to_list, row.again
        )

    async def began(self, registry: str, state: RegistryState) -> None:
        """A worker lists it, or reads its images."""
        await self._tx.run(sa.update(registries).where(self._this(registry)).values(state=state.value))

    async def listed(self, work: RegistryWork, listing: RegistryListing) -> None:
        """It was listed, and its images are read next; one that broke off, or was changed, is listed once more."""
        values = {
            "state": RegistryState.READING.value,
            "trouble": listing.trouble,
            "listed": self._tx.now,
            "due": self._due(work.spec),
            "repositories": listing.repositories,
            "to_list": sa.true() if listing.stopped else registries.c.version != work.version,
            "again": False,
        }
        await self._tx.run(sa.update(registries).where(self._this(work.id)).values(**values))

    async def failed(self, registry: str, trouble: Trouble) -> None:
        """It could not be listed, or not be read on.

        That is listed again once it can be read: only a listing says what is wrong then, or that nothing is.
        """
        values = {"state": RegistryState.FAILED.value, "trouble": trouble, "to_list": True}
        await self._tx.run(sa.update(registries).where(self._this(registry)).values(**values))

    async def done(self, registry: str) -> None:
        """Every image was read, or tried."""
        where = (self._this(registry), sa.not_(registries.c.to_list))
        await self._tx.run(sa.update(registries).where(*where).values(state=RegistryState.DONE.value))

    def _values(self, spec: RegistrySpec, by: str, comment: str) -> dict[str, Any]:
        return {
            "name": spec.name,
            "spec": spec,
            "changed_at": self._tx.now,
            "changed_by": by,
            "comment": comment,
            "state": RegistryState.WAITING.value,
            "trouble": None,
            "due": self._due(spec),
            "to_list": True,
        }

    def _due(self, spec: RegistrySpec) -> Any:
        return None if spec.every_hours is None else self._tx.now + timedelta(hours=spec.every_hours)

    def _this(self, registry: str) -> sa.ColumnElement[bool]:
        return sa.and_(self._tx.mine(registries), registries.c.id == registry)

    def _of(self, registry: str) -> sa.ColumnElement[bool]:
        return sa.and_(self._tx.mine(registry_images), registry_images.c.registry == registry)

    async def _enqueue(self, registry: str) -> None:
        await self.go_on(registry)
        await Jobs(self._tx).hasten(READ_REGISTRY, registry)

    async def _row(self, registry: str) -> Row:
        row = await self._tx.first(sa.select(registries).where(self._this(registry)))
        if row is None:
            raise NotFound(f"there is no registry {registry[:64]}", "registry.not-found")
        return row

    async def _expect(self, registry: str, version: int) -> None:
        row = await self._row(registry)
        if row.version != version:
            raise Stale(
                f"registry {row.name!r} is at version {row.version} now, not {version}; read it again",
                "registry.stale",
                version=row.version,
            )

    async def _check_name(self, name: str, except_id: str | None) -> None:
        row = await self._tx.first(
            sa.select(registries.c.id).where(self._tx.mine(registries), registries.c.name == name)
        )
        if row is not None and row.id != except_id:
            raise Conflict(f"there is a registry named {name!r} already; choose another name", "registry.name-taken")

    async def _all(self, rows: Sequence[Row]) -> list[Registry]:
        ids = [row.id for row in rows]
        counts, retries = await self._counts(ids), await self._retries(ids)
        return [_registry(row, counts.get(row.id, {}), retries.get(row.id)) for row in rows]

    async def _counts(self, ids: Sequence[str]) -> dict[str, dict[ImageState, int]]:
        table = registry_images.c
        select = sa.select(table.registry, table.state, sa.func.count()).where(
            self._tx.mine(registry_images), table.registry.in_(ids)
        )
        counts: dict[str, dict[ImageState, int]] = {}
        for registry, state, count in await self._tx.all(select.group_by(table.registry, table.state)):
            counts.setdefault(registry, {})[ImageState(state)] = int(count)
        return counts

    async def _retries(self, ids: Sequence[str]) -> Mapping[str, Any]:
        """When those that failed are tried again."""
        waiting = (jobs.c.kind == READ_REGISTRY, jobs.c.waiting.in_(ids), jobs.c.attempts > 0)
        select = sa.select(jobs.c.key, jobs.c.ready).where(self._tx.mine(jobs), *waiting)
        return {row.key: row.ready for row in await self._tx.all(select)}


def _registry(row: Row, images: dict[ImageState, int], retry: Any) -> Registry:
    return Registry(
        id=row.id,
        version=row.version,
        spec=row.spec,
        has_password=row.password is not None,
        created=row.created,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        comment=row.comment,
        state=RegistryState(row.state),
        trouble=row.trouble,
        listed=row.listed,
        due=min((at for at in (row.due, retry) if at is not None), default=None),
        retry=retry,
        repositories=row.repositories,
        images=images,
    )
