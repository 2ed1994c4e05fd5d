"""Images: where they lie, what is in them, what is wrong with them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa
from msgspec import UNSET, Struct, structs

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.image import Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import PackageType, Unknown
from hullguard.model.page import Page
from hullguard.model.priority import as_used
from hullguard.model.report import AdvisoryState, ReportedPackage, ScanReport, Vulnerability
from hullguard.model.severity import Severity
from hullguard.model.use import ImageUse, Use
from hullguard.model.view import FoundVulnerability, ImageContent, ImageDetail, ImageSummary, LayerShare
from hullguard.storage.paging import Listing, PageRequest, any_of, fetch
from hullguard.storage.stores import claims, image_places, suppressions
from hullguard.storage.stores import image_reports as derive
from hullguard.storage.stores.image_places import Lister
from hullguard.storage.stores.image_rows import LISTING, ImageFilter, conditions, having, summaries, visible
from hullguard.storage.stores.image_uses import ImageUses
from hullguard.storage.stores.settings import ADVISORIES, Settings
from hullguard.storage.stores.suppressions import meant
from hullguard.storage.stores.wait import Wait
from hullguard.storage.tables import findings, image_packages, images, inventories, reports
from hullguard.storage.transaction import Row, Transaction

_ROWS_AT_ONCE = 1000
"""What is done for one statement is done at once: others of the same process wait for it."""


class VulnerabilityFilter(Struct, frozen=True):
    """Which vulnerabilities of an image."""

    severity: frozenset[Severity] = frozenset()
    fixable: bool | None = None
    package: str | None = None
    """The package's name."""
    layer: str | None = None
    since: datetime | None = None
    """Found at this instant for the first time, or later."""
    use: frozenset[Use] = frozenset()
    """What is known of their packages' use at run time."""


class PackageFilter(Struct, frozen=True):
    """Which packages of an image."""

    type: PackageType | None = None
    layer: str | None = None


_FINDINGS = Listing(
    key=findings.c.position,
    sorts={
        "severity": findings.c.position,
        "package": findings.c.package,
        "id": findings.c.vulnerability,
        "first_found": findings.c.first_found,
        "priority": findings.c.priority,
    },
    default="severity",
    search=(findings.c.vulnerability, findings.c.package),
    steady=True,  # the position is that of the gravest first
)
_PACKAGES = Listing(
    key=image_packages.c.position,
    sorts={"name": image_packages.c.position, "type": image_packages.c.type},
    default="name",
    search=(image_packages.c.name, image_packages.c.matched_name),
)


class Images:
    """The images of a scope."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def present(self, node: str, images_of_node: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
        """Replace the node's list of (image id, names); the ids whose inventory the agent should send."""
        return await image_places.present(self._tx, node, images_of_node)

    async def listed(self, kind: Lister, source: str, images_listed: Mapping[str, Sequence[str]]) -> None:
        """Replace what a registry or a submission lists: the names of each image, by its id."""
        await image_places.listed(self._tx, kind, source, images_listed)

    async def forget(self, kind: Lister, source: str) -> None:
        """A registry or a submission goes, and with it the images that lie nowhere else."""
        await image_places.forget(self._tx, kind, source)

    async def outdated(self, ids: Collection[str], reader: int) -> list[str]:
        """Of these the images of which a reader of this generation may know more than is stored."""
        older: list[str] = []
        for batch in image_places.batches(ids):
            kept = (*visible(self._tx), images.c.scanned.is_not(None), images.c.reader < reader)
            rows = await self._tx.all(sa.select(images.c.id).where(*kept, images.c.id.in_(batch)))
            older.extend(row.id for row in rows)
        return older

    async def store_inventory(self, image_id: str, inventory: Inventory, *, again: bool = False) -> bool:
        """Keep what is inside an image and have it matched; False, and nothing changes, if it was kept before.

        An older reader's inventory gives way to a newer one's, and an incomplete one to a later one, but neither to
        that of somebody who could read nothing of the image, unless nobody else could. What was submitted gives way to
        whatever was read. ``again`` says that whatever is kept was asked for anew: it gives way unless it is a newer
        reader's.
        """
        known = await self._known(image_id)
        replaces = known is not None and known.scanned is not None
        if known is not None and replaces and not known.submitted:
            better = inventory.reader > known.reader or (again and inventory.reader == known.reader)
            if known.complete and not better:
                return False
        if replaces and inventory.is_unread:
            before = await self.inventory(image_id)
            if not before.is_unread or before == inventory:
                return False
        seen = known is not None and replaces and known.complete and not known.submitted
        # What a better reader finds beyond the last one is news of an image that was known.
        news = {"first_matched": known.first_matched, "waits": Wait.CONCERNED} if known is not None and seen else {}
        await self._put(image_id, inventory, known, submitted=False, claimant=None, **news)
        return True

    async def claim(
        self, image_id: str, inventory: Inventory, *, is_image: bool, submission: str, user: str, over: bool = False
    ) -> bool:
        """Keep what somebody submitted of an image and have it matched; False where better is known and stays.

        What a node or a registry told stays, unless they could read nothing of it. ``is_image`` says that the id is an
        image's own: then whoever claims to have read it must know its layers, and say what those say whose submissions
        stand already if these are others' than ``user``'s, else ``Conflict``; unless it is put ``over`` them.
        """
        known = await self._known(image_id, lock=True)
        told = None if known is None or known.scanned is None else await self.inventory(image_id)
        if known is not None and told is not None and not known.submitted:
            _require_same_layers(image_id, told, inventory)
            if not told.is_unread or inventory.is_unread:
                return False
        agreed = told is not None and claims.agree(told, inventory)
        if known is not None and told is not None and known.submitted and is_image and not told.is_unread:
            users = await claims.users(self._tx, image_id, known.claimant)
            if users:
                _require_same_layers(image_id, told, inventory)
            if agreed and users - {user}:
                return True
            worse = inventory.reader < known.reader or (known.complete and not inventory.complete)
            if users - {user} and (worse or not over):
                raise _otherwise(image_id)
            if users and worse:
                return False
        kind = None if is_image else inventory.target.kind
        await self._put(image_id, inventory, known, submitted=True, claimant=submission, kind=kind)
        if not agreed:
            await claims.replaced(self._tx, image_id, submission)
        return True

    async def _known(self, image_id: str, *, lock: bool = False) -> Row | None:
        columns = ("scanned", "complete", "reader", "first_matched", "submitted", "claimant")
        select = sa.select(*(images.c[name] for name in columns))
        select = select.where(self._tx.mine(images), images.c.id == image_id)
        return await self._tx.first(select.with_for_update() if lock else select)

    async def _put(self, image_id: str, inventory: Inventory, known: Row | None, **more: Any) -> None:
        tx = self._tx
        if known is None:  # scanned before any node listed it
            blank = {"id": image_id, "names": (), "searched": "", "first_seen": tx.now, "present": False}
            await tx.insert(images, {**blank, "absent_since": tx.now})
        await tx.upsert(inventories, {"image_id": image_id, "inventory": inventory}, update=["inventory"])
        await tx.run(sa.delete(image_packages).where(tx.mine(image_packages), image_packages.c.image_id == image_id))
        rows = derive.package_rows(image_id, inventory)
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            await tx.insert(image_packages, some)
        fresh = {"scanned": tx.now, "first_matched": None, "waits": Wait.NEW, "claimed": None, "tries": 0}
        await self._update(image_id, **derive.inventory_summary(inventory), **{**fresh, **more})

    async def page(self, wanted: ImageFilter, request: PageRequest) -> Page[ImageSummary]:
        """A page of the images that nodes have or that something else lists."""
        select = sa.select(images).where(*await conditions(self._tx, wanted))
        ids = await meant(self._tx, request.q)
        found = await fetch(self._tx, select, LISTING, request, also=having(self._tx, ids) if ids else None)
        return Page(await summaries(self._tx, found.rows), found.total, found.cursor)

    async def detail(self, image_id: str) -> ImageDetail:
        """One image with its layers and what could not be decided."""
        tx = self._tx
        row = await self._row(image_id)
        summary = (await summaries(tx, [row]))[0]
        kept = await tx.first(
            sa.select(reports.c.layers, reports.c.unknowns).where(tx.mine(reports), reports.c.image_id == image_id)
        )
        layers: tuple[LayerShare, ...] = ()
        unknowns: tuple[Unknown, ...] = ()
        if kept is not None:
            layers, unknowns = kept.layers, kept.unknowns
        elif row.scanned is not None:
            inventory = await self.inventory(image_id)
            packages = map(ReportedPackage.of, inventory.packages)
            layers, unknowns = derive.layer_shares(inventory.layers, packages, ()), inventory.unknowns
        return ImageDetail(**structs.asdict(summary), layers=layers, unknowns=unknowns)

    async def content(self, image_id: str) -> ImageContent:
        """What is wrong with one image beside its vulnerabilities; what its inventory says until it was matched."""
        row = await self._row(image_id)
        if row.matched is None:
            taken = await self.inventory(image_id)
            return ImageContent(
                secrets=taken.secrets,
                malware=taken.malware,
                config=taken.config,
                licenses=(),
                suppressed=(),
                said_by={},
            )
        said = await self._kept(image_id)
        return ImageContent(
            secrets=said.secrets,
            malware=said.malware,
            config=said.config,
            licenses=said.licenses,
            suppressed=said.suppressed,
            said_by=await suppressions.said_by(
                self._tx, {one.source for one in said.suppressed if one.source is not UNSET}
            ),
        )

    async def inventory(self, image_id: str) -> Inventory:
        """What is inside."""
        await self._row(image_id)
        found: Inventory | None = await self._tx.scalar(
            sa.select(inventories.c.inventory).where(self._tx.mine(inventories), inventories.c.image_id == image_id)
        )
        if found is None:
            raise NotFound(
                f"image {image_id[:80]} has not been taken stock of yet; scan one of its nodes", "image.not-scanned"
            )
        return found

    async def bill(self, image_id: str) -> Inventory:
        """What is inside, under the name by which people know the image, as ``report`` has it."""
        row = await self._row(image_id)
        taken = await self.inventory(image_id)
        return structs.replace(taken, target=_titled(taken.target, row))

    async def report(self, image_id: str, name: str | None = None) -> ScanReport:
        """What is wrong with it, whole, by the advisories that last had anything to say about it or were silent.

        Its target's ``ref`` is ``name``, else the first of the image's names, else its id: who read it, knew an id.
        """
        row = await self._row(image_id)
        found = await self._kept(image_id)
        state = await Settings(self._tx).get(ADVISORIES, AdvisoryState)
        current = state is not None and state.built is not None and state.built == row.advisories_built
        use = await ImageUses(self._tx).of(image_id)
        return structs.replace(
            found,
            target=_titled(found.target, row, name),
            advisories=state if state is not None and current else found.advisories,
            vulnerabilities=tuple(_as_used(each, use) for each in found.vulnerabilities),
        )

    async def _kept(self, image_id: str) -> ScanReport:
        """As the worker made it, when nothing was known of the packages' use."""
        found: ScanReport | None = await self._tx.scalar(
            sa.select(reports.c.report).where(self._tx.mine(reports), reports.c.image_id == image_id)
        )
        if found is None:
            raise NotFound(f"image {image_id[:80]} has not been matched against advisories yet", "image.not-matched")
        return found

    async def vulnerabilities(
        self, image_id: str, wanted: VulnerabilityFilter, request: PageRequest
    ) -> Page[FoundVulnerability]:
        """A page of what is wrong with one image, the worst first."""
        tx = self._tx
        image = await self._row(image_id)
        table = findings.c
        where = [tx.mine(findings), table.image_id == image_id]
        where += any_of(table.severity, {severity.rank for severity in wanted.severity}, tx)
        where += [] if wanted.fixable is None else [table.fixable == wanted.fixable]
        where += [] if wanted.package is None else [table.package == wanted.package]
        where += [] if wanted.layer is None else [table.layer == wanted.layer]
        where += [] if wanted.since is None else [table.first_found >= wanted.since]
        where += any_of(table.used, {derive.USED[use] for use in wanted.use}, tx)
        select = sa.select(table.position, table.first_found).where(*where)
        ids = await meant(tx, request.q)
        also = table.vulnerability.in_(sorted(ids)) if ids else None
        found = await fetch(tx, select, _FINDINGS, request, also=also)
        if not found.rows:
            return Page([], found.total)
        kept = (await self._kept(image_id)).vulnerabilities
        since = image.first_matched or image.matched
        use = await ImageUses(tx).of(image_id)
        items = [
            FoundVulnerability.of(_as_used(each, use), row.first_found, since, use.of(each.package))
            for row in found.rows
            for each in (kept[row.position],)
        ]
        return Page(items, found.total, found.cursor)

    async def packages(self, image_id: str, wanted: PackageFilter, request: PageRequest) -> Page[ReportedPackage]:
        """A page of what is inside one image, by name."""
        tx = self._tx
        await self._row(image_id)
        table = image_packages.c
        where = [tx.mine(image_packages), table.image_id == image_id]
        where += [] if wanted.type is None else [table.type == wanted.type.value]
        where += [] if wanted.layer is None else [table.layer == wanted.layer]
        found = await fetch(tx, sa.select(table.position).where(*where), _PACKAGES, request)
        if not found.rows:
            return Page([], found.total)
        kept = derive.sorted_packages(await self.inventory(image_id))
        return Page([ReportedPackage.of(kept[row.position]) for row in found.rows], found.total, found.cursor)

    async def _row(self, image_id: str) -> Row:
        row = await self._tx.first(sa.select(images).where(*visible(self._tx), images.c.id == image_id))
        if row is None:
            raise NotFound(f"there is no image {image_id[:80]}", "image.not-found")
        return row

    async def _update(self, image_id: str, **values: Any) -> None:
        await self._tx.run(sa.update(images).where(self._tx.mine(images), images.c.id == image_id).values(**values))


def _require_same_layers(image_id: str, told: Inventory, claimed: Inventory) -> None:
    """Of two that were read to their ends the layers are the same; of others those that both have are."""
    pairs = zip((layer.diff_id for layer in told.layers), (layer.diff_id for layer in claimed.layers), strict=False)
    whole = told.complete and claimed.complete
    if any(one != other for one, other in pairs) or (whole and len(told.layers) != len(claimed.layers)):
        raise Conflict(
            f"{image_id[:80]} is known here with other layers than those that were submitted as its own: read the "
            "image itself and submit that; if an earlier submission is wrong, an operator can forget it on the "
            "image's page",
            "submission.not-that-image",
        )


def _otherwise(image_id: str) -> Conflict:
    return Conflict(
        f"what another user has submitted of {image_id[:80]} says otherwise than what is submitted now, which is not "
        "kept: if that is wrong, have an operator forget it on the image's page, then submit this again",
        "submission.says-otherwise",
    )


def _titled(target: Target, row: Row, name: str | None = None) -> Target:
    return structs.replace(target, ref=name or next((each for each in row.names if each), row.id))


def _as_used(found: Vulnerability, use: ImageUse) -> Vulnerability:
    return structs.replace(found, priority=as_used(found.priority, use.of(found.package).use, kev=found.kev))
