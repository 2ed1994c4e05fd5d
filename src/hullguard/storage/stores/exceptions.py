"""Exceptions: changed only by who has seen the present version, and known to the images that they are about."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.errors import Conflict, Invalid, NotFound, Stale
from hullguard.model.exception import ExceptionPreview, ExceptionSpec, ExceptionState, FindingException
from hullguard.model.ids import new_id
from hullguard.model.page import Page
from hullguard.storage.paging import Listing, PageRequest, fetch
from hullguard.storage.stores import suppression_counts, suppressions
from hullguard.storage.tables import exceptions
from hullguard.storage.transaction import Row, Transaction

MOST = 2000
"""Exceptions of a tenant: each is asked about every finding that has one of its ids."""
_NEVER = sa.literal(2**62)

_LISTING = Listing(
    key=exceptions.c.id,
    sorts={
        "changed_at": exceptions.c.changed_at,
        "created_at": exceptions.c.created_at,
        # One that never ends is after all others.
        "expires": sa.func.coalesce(sa.type_coerce(exceptions.c.ends, sa.BigInteger), _NEVER),
    },
    default="-changed_at",
    search=(exceptions.c.searched,),
)


class ExceptionFilter(Struct, frozen=True):
    """Which exceptions."""

    state: ExceptionState | None = None


class Exceptions:
    """The exceptions of a tenant. Every change has the images matched again that it can concern."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def get(self, exception: str) -> FindingException:
        """One exception as it is now."""
        return (await self._counted([await self._row(exception)]))[0]

    async def page(self, wanted: ExceptionFilter, request: PageRequest) -> Page[FindingException]:
        """A page of exceptions, those changed last first."""
        tx = self._tx
        select = sa.select(exceptions).where(tx.mine(exceptions))
        if wanted.state is not None:
            over = sa.and_(exceptions.c.ends.is_not(None), exceptions.c.ends <= tx.now)
            select = select.where(over if wanted.state is ExceptionState.EXPIRED else sa.not_(over))
        found = await fetch(tx, select, _LISTING, request)
        return Page(await self._counted(found.rows), found.total, found.cursor)

    async def revision(self) -> int:
        """How often any exception or VEX document has changed."""
        return await suppressions.revision(self._tx)

    async def in_force(self) -> list[tuple[str, ExceptionSpec]]:
        """All that count now, with their ids, the oldest first."""
        over = sa.and_(exceptions.c.ends.is_not(None), exceptions.c.ends <= self._tx.now)
        select = sa.select(exceptions.c.id, exceptions.c.spec).where(self._tx.mine(exceptions), sa.not_(over))
        return [(row.id, row.spec) for row in await self._tx.all(select.order_by(exceptions.c.id))]

    async def preview(self, spec: ExceptionSpec, of: str | None = None) -> ExceptionPreview:
        """What such an exception would do now; ``of`` is the one that is to become so.

        Refuses what could not be kept.
        """
        before = None if of is None else (await self._row(of)).spec
        await self._check(spec, before)
        return await suppression_counts.preview(self._tx, spec, of)

    async def create(self, spec: ExceptionSpec, by: str) -> FindingException:
        """A new exception at version 1."""
        tx = self._tx
        await self._check(spec, None)
        identity = new_id()
        made = {"id": identity, "version": 1, "created_at": tx.now, "created_by": by}
        await tx.insert(exceptions, {**made, **_values(tx, spec, by)})
        await suppressions.changed(tx, await self._meant(spec))
        return await self.get(identity)

    async def update(self, exception: str, spec: ExceptionSpec, by: str, *, expected_version: int) -> FindingException:
        """The next version. Raises ``Stale`` if the present one is not ``expected_version``."""
        tx = self._tx
        before = await self._expect(exception, expected_version)
        await self._check(spec, before.spec)
        of = (tx.mine(exceptions), exceptions.c.id == exception)
        change = sa.update(exceptions).where(*of).values(version=before.version + 1, **_values(tx, spec, by))
        await tx.run(change)
        await suppressions.changed(tx, await suppressions.of_source(tx, exception) | await self._meant(spec))
        return await self.get(exception)

    async def delete(self, exception: str, expected_version: int) -> ExceptionSpec:
        """Take it back: its findings count again. What it said."""
        tx = self._tx
        before = await self._expect(exception, expected_version)
        await tx.run(sa.delete(exceptions).where(tx.mine(exceptions), exceptions.c.id == exception))
        await suppressions.changed(tx, await suppressions.of_source(tx, exception))
        spec: ExceptionSpec = before.spec
        return spec

    async def due(self) -> bool:
        """Whether any ended since this was asked last."""
        return await self._tx.first(sa.select(exceptions.c.id).where(*self._over()).limit(1)) is not None

    async def lapse(self) -> list[FindingException]:
        """Those that ended since this was asked last; their findings count again soon."""
        tx = self._tx
        rows = await tx.all(sa.select(exceptions).where(*self._over()))
        if not rows:
            return []
        found = [_exception(row, tx.now) for row in rows]
        ids = [row.id for row in rows]
        await tx.run(sa.update(exceptions).where(tx.mine(exceptions), exceptions.c.id.in_(ids)).values(lapsed=True))
        concerned: set[str] = set()
        for row in rows:
            concerned |= await suppressions.of_source(tx, row.id)
        await suppressions.changed(tx, concerned)
        return found

    def _over(self) -> tuple[sa.ColumnElement[bool], ...]:
        return self._tx.mine(exceptions), sa.not_(exceptions.c.lapsed), exceptions.c.ends <= self._tx.now

    async def _meant(self, spec: ExceptionSpec) -> set[str]:
        concerned = await suppressions.concerned(self._tx, spec.vulnerabilities)
        return await suppressions.only_meant(self._tx, spec, concerned)

    async def _check(self, spec: ExceptionSpec, before: ExceptionSpec | None) -> None:
        """Raises where it cannot be kept in the place of ``before``, or as a new one."""
        _check_end(spec, before, self._tx.now)
        if before is not None:
            return
        count = int(await self._tx.scalar(sa.select(sa.func.count()).where(self._tx.mine(exceptions))) or 0)
        if count >= MOST:
            raise Conflict(
                f"there are {MOST} exceptions already; delete those that are over, or join some", "exception.too-many"
            )

    async def _row(self, exception: str) -> Row:
        row = await self._tx.first(sa.select(exceptions).where(self._tx.mine(exceptions), exceptions.c.id == exception))
        if row is None:
            raise NotFound(f"there is no exception {exception[:64]}", "exception.not-found")
        return row

    async def _expect(self, exception: str, version: int) -> Row:
        before = await self._row(exception)
        if before.version != version:
            raise Stale(
                f"the exception is at version {before.version} now, not {version}; read it again",
                "exception.stale",
                version=before.version,
            )
        return before

    async def _counted(self, rows: Iterable[Row]) -> list[FindingException]:
        found = [_exception(row, self._tx.now) for row in rows]
        counts = await suppression_counts.tallies(self._tx, [each.id for each in found])
        names = await suppression_counts.names(self._tx, {image for each in found for image in each.spec.image_ids})
        return [
            structs.replace(
                each,
                findings=tally.findings,
                images=tally.images,
                names={image: names[image] for image in each.spec.image_ids if image in names},
            )
            for each in found
            for tally in (counts.get(each.id, suppression_counts.Tally()),)
        ]


def _check_end(spec: ExceptionSpec, before: ExceptionSpec | None, now: datetime) -> None:
    if before is not None and before.expires == spec.expires:
        return  # one that is over may get another reason
    if spec.expires is not None and _end(spec.expires) <= now:
        raise Invalid(
            f"{spec.expires.isoformat()} is past; the last day of an exception is today or later",
            "exception.past",
            field="$.spec.expires",
        )


def _end(last: date) -> datetime:
    """The instant after the last day, in UTC."""
    try:
        return datetime.combine(last, time(), UTC) + timedelta(days=1)
    except OverflowError:  # the last day that there is
        return datetime.max.replace(tzinfo=UTC)


def _values(tx: Transaction, spec: ExceptionSpec, by: str) -> dict[str, Any]:
    ends = None if spec.expires is None else _end(spec.expires)
    said = (spec.reason, spec.package, spec.purl, spec.path)
    return {
        "spec": spec,
        "searched": " ".join([*spec.vulnerabilities, *filter(None, said), *spec.images, *spec.image_ids]),
        "ends": ends,
        "lapsed": ends is not None and ends <= tx.now,
        "by_name": bool(spec.images),
        "changed_at": tx.now,
        "changed_by": by,
    }


def _exception(row: Row, now: datetime) -> FindingException:
    over = row.ends is not None and row.ends <= now
    return FindingException(
        id=row.id,
        version=row.version,
        spec=row.spec,
        state=ExceptionState.EXPIRED if over else ExceptionState.IN_FORCE,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )
