"""Which images wait to be matched against the advisories, and what came of it."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct, structs

from hullguard.model.inventory import Inventory
from hullguard.model.report import AdvisoryState, ScanReport
from hullguard.storage.stores import image_reports as derive
from hullguard.storage.stores import suppressions
from hullguard.storage.stores.known_images import KnownImages
from hullguard.storage.stores.wait import TRIES, Wait, waits
from hullguard.storage.story_stakes import KnownImage
from hullguard.storage.tables import findings, image_subjects, images, inventories, reports
from hullguard.storage.transaction import Row, Transaction

LATER = timedelta(seconds=30)
"""After which an image is taken again that was matched with older advisories than others have seen."""

_IN_ONE = 5000
"""Values in one statement."""


class Claimed(Struct, frozen=True):
    """An image that this worker holds."""

    image: str
    scanned: datetime
    """Which of its inventories, if there was a later one."""
    names: tuple[str, ...] = ()
    """Which it has."""


class Judged(Struct, frozen=True):
    """What came of matching an image."""

    image: str
    report: ScanReport
    subjects: frozenset[int] = frozenset()
    """Hashes of what advisories may speak of when they speak of it."""
    scanned: datetime | None = None
    """Of the inventory that was matched; None means whichever there is."""
    current: bool = True
    """Whether no younger advisories were seen meanwhile."""
    names: tuple[str, ...] | None = None
    """Which the image had; None means whichever it has."""
    exceptions: int | None = None
    """How often exceptions had changed by then; None means that nobody looked."""
    loadable: Mapping[str, tuple[str, ...]] | None = None
    """As in the inventory that was matched; None where that is not at hand."""
    unread: int = 0
    """As in ``ImageSummary``."""


class Matching:
    """The images of a tenant as workers see them."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def concern(self, subjects: Collection[int]) -> int:
        """Have those matched again that have any of these subjects; how many there are."""
        count = 0
        ordered = sorted(subjects)
        for start in range(0, len(ordered), _IN_ONE):
            holding = sa.select(image_subjects.c.image_id).where(
                self._tx.mine(image_subjects), image_subjects.c.subject.in_(ordered[start : start + _IN_ONE])
            )
            count += await waits(self._tx, Wait.CONCERNED, images.c.id.in_(holding))
        return count

    async def refresh(self) -> int:
        """Have all matched again, when there is time; how many there are."""
        return await waits(self._tx, Wait.REFRESH, images.c.scanned.is_not(None))

    async def again(self, image: str) -> int:
        """Have one image matched again soon; 0 if nobody knows yet what is in it."""
        return await waits(self._tx, Wait.CONCERNED, images.c.scanned.is_not(None), images.c.id == image)

    async def advanced(self, built: datetime | None) -> None:
        """What waits for nothing would come out the same with the advisories of ``built``."""
        unconcerned = (images.c.waits == Wait.NOTHING, images.c.advisories_built.is_not(None))
        await self._tx.run(sa.update(images).where(self._tx.mine(images), *unconcerned).values(advisories_built=built))

    async def claim(self, limit: int, seconds: float) -> list[Claimed]:
        """The most urgent images, which no other worker gets for so long."""
        tx = self._tx
        free = sa.or_(images.c.claimed.is_(None), images.c.claimed <= tx.now)
        where = (tx.mine(images), images.c.waits > Wait.NOTHING, free, images.c.tries < TRIES)
        select = sa.select(images.c.id, images.c.scanned, images.c.tries, images.c.names).where(*where)
        order = (sa.case((images.c.tries > 0, 1), else_=0), images.c.waits.desc(), images.c.id)
        rows = await tx.all(select.order_by(*order).limit(limit).with_for_update())
        # One that a worker died of goes alone, when all others are done: it must not take them with it.
        fresh = [row for row in rows if not row.tries]
        chosen = fresh or rows[:1]
        held = {"claimed": tx.now + timedelta(seconds=seconds), "tries": images.c.tries + 1}
        await self._set([row.id for row in chosen], **held)
        return [Claimed(row.id, row.scanned, row.names) for row in chosen]

    async def release(self, ids: Collection[str]) -> None:
        """They were not even tried."""
        await self._set(ids, claimed=None, tries=images.c.tries - 1)

    async def inventories(self, ids: Collection[str]) -> dict[str, Inventory]:
        """What is inside; raises when one of them cannot be read."""
        select = sa.select(inventories.c.image_id, inventories.c.inventory)
        rows = await self._tx.all(select.where(self._tx.mine(inventories), inventories.c.image_id.in_(sorted(ids))))
        return {row.image_id: row.inventory for row in rows}

    async def store(self, batch: Sequence[Judged], known: KnownImages | None = None) -> list[str]:
        """Keep what is wrong with images; those of which anything changed. One that is gone is left out.

        ``known`` is told of those that changed.
        """
        tx = self._tx
        ids = [judged.image for judged in batch]
        columns = ("id", "scanned", "first_matched", "subjects", "waits", "names")
        select = sa.select(*(images.c[name] for name in columns))
        rows = {row.id: row for row in await tx.all(select.where(tx.mine(images), images.c.id.in_(ids)))}
        kept = [judged for judged in batch if _of(judged, rows.get(judged.image))]
        changed = await self._store_reports(kept, known)
        await self._store_subjects([each for each in kept if _digest(each.subjects) != rows[each.image].subjects])
        await self._settle(kept, rows, await suppressions.revision(tx))
        return changed

    async def _store_reports(self, batch: Sequence[Judged], seen: KnownImages | None) -> list[str]:
        tx = self._tx
        ids = [judged.image for judged in batch]
        select = sa.select(reports.c.image_id, reports.c.digest).where(tx.mine(reports), reports.c.image_id.in_(ids))
        known = {row.image_id: row.digest for row in await tx.all(select)}
        documents: list[tuple[str, ScanReport, int]] = []
        rows: list[dict[str, Any]] = []
        for judged in batch:
            report = derive.with_sorted(judged.report)
            digest = _report_digest(report)
            if known.get(judged.image) == digest:
                continue
            documents.append((judged.image, report, digest))
            if seen is not None and judged.loadable is not None:
                seen.told(judged.image, KnownImage(report, judged.loadable, judged.unread))
        changed = [image for image, _, _ in documents]
        since = await self._first_found(changed)
        await suppressions.keep(tx, {image: report for image, report, _ in documents}, since)
        for image, report, _ in documents:
            rows += derive.finding_rows(image, report, since.get(image, {}), tx.now)
        await tx.run(sa.delete(findings).where(tx.mine(findings), findings.c.image_id.in_(changed)))
        await tx.insert(findings, rows)
        await tx.upsert(reports, map(_document, documents), update=["report", "layers", "unknowns", "digest"])
        return changed

    async def _first_found(self, ids: Collection[str]) -> dict[str, dict[tuple[str, str], datetime]]:
        """Since when each (vulnerability, package) of each image is found, whether it counted or not."""
        table = findings.c
        select = sa.select(table.image_id, table.vulnerability, table.package, table.first_found)
        found = await suppressions.first_found(self._tx, ids)
        for row in await self._tx.all(select.where(self._tx.mine(findings), table.image_id.in_(ids))):
            found.setdefault(row.image_id, {})[row.vulnerability, row.package] = row.first_found
        return found

    async def _store_subjects(self, batch: Sequence[Judged]) -> None:
        tx = self._tx
        ids = [judged.image for judged in batch]
        await tx.run(sa.delete(image_subjects).where(tx.mine(image_subjects), image_subjects.c.image_id.in_(ids)))
        pairs = sorted((subject, judged.image) for judged in batch for subject in judged.subjects)
        await tx.insert(image_subjects, [{"subject": subject, "image_id": image} for subject, image in pairs])

    async def _settle(self, batch: Sequence[Judged], rows: Mapping[str, Row], exceptions: int) -> None:
        values = [
            {"image": judged.image}
            | derive.report_summary(derive.tally(judged.report.vulnerabilities), judged.report, judged.unread)
            | _settled(judged, rows[judged.image], self._tx.now, exceptions)
            for judged in batch
        ]
        if values:
            columns: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in values[0] if name != "image"}
            of = (self._tx.mine(images), images.c.id == sa.bindparam("new_image"))
            renamed = [{f"new_{name}": value for name, value in each.items()} for each in values]
            await self._tx.run(sa.update(images).where(*of).values(**columns), renamed)

    async def _set(self, ids: Iterable[str], **values: Any) -> None:
        await self._tx.run(sa.update(images).where(self._tx.mine(images), images.c.id.in_(list(ids))).values(**values))


def _of(judged: Judged, row: Row | None) -> bool:
    """Whether the image is there still, with the inventory that was judged."""
    return row is not None and (judged.scanned is None or judged.scanned == row.scanned)


def _settled(judged: Judged, row: Row, now: datetime, exceptions: int) -> dict[str, Any]:
    """Nothing to wait for, unless it was matched by what is not the last word any more."""
    built = judged.report.advisories.built
    overtaken = judged.exceptions not in (None, exceptions) or judged.names not in (None, row.names)
    waits, claimed = Wait.NOTHING, None
    if overtaken:  # whoever takes it next knows of the change
        waits = max(row.waits, Wait.REFRESH)
    elif not judged.current:
        waits, claimed = max(row.waits, Wait.REFRESH), now + LATER
    return {
        "matched": now,
        "first_matched": row.first_matched or (now if built is not None else None),
        "subjects": _digest(judged.subjects),
        "waits": waits,
        "claimed": claimed,
        "tries": 0,
    }


def _document(made: tuple[str, ScanReport, int]) -> dict[str, Any]:
    image, report, digest = made
    return {
        "image_id": image,
        "report": report,
        "layers": derive.layer_shares(report.layers, report.packages, report.vulnerabilities),
        "unknowns": report.unknowns,
        "digest": digest,
    }


def _report_digest(report: ScanReport) -> int:
    return _hash(msgspec.msgpack.encode(structs.replace(report, advisories=AdvisoryState(None))))


def _digest(subjects: Collection[int]) -> int:
    return _hash(msgspec.msgpack.encode(sorted(subjects)))


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big", signed=True)
