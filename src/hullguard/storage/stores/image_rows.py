"""From rows of ``images`` to summaries, and the filters of the image list."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.severity import Severity
from hullguard.model.view import ImageSummary
from hullguard.storage.paging import Listing
from hullguard.storage.stores.containers import RUNNING
from hullguard.storage.stores.image_places import Lister, node_counts, source_counts
from hullguard.storage.stores.node_rows import count_by
from hullguard.storage.stores.suppressions import speak_of
from hullguard.storage.tables import (
    containers,
    findings,
    image_nodes,
    image_packages,
    image_sources,
    images,
    suppressions,
)
from hullguard.storage.transaction import Row, Transaction


class ImageFilter(Struct, frozen=True):
    """Which images: ``severity`` admits those with at least one vulnerability of any of these."""

    severity: frozenset[Severity] = frozenset()
    fixable: bool | None = None
    running: bool | None = None
    node: str | None = None
    registry: str | None = None
    """The id of a registry that lists them."""
    lister: Lister | None = None
    """Listed by anything of this kind."""
    exception: str | None = None
    """The id of an exception or a VEX document because of which something in them does not count."""
    vulnerability: str | None = None
    """The id or an alias of a vulnerability that counts in them."""
    package: str | None = None
    """The name of a package in them, its own or that of its source package."""
    scanned: bool | None = None
    whole: bool | None = None
    """Whether all of it was read and judged, so that nothing found means that nothing is known."""
    alone: bool | None = None
    """Whether it lies in one place only: when that goes, the image does."""


LISTING = Listing(
    key=images.c.id,
    sorts={
        "risk": images.c.risk,
        "name": images.c.name,
        "size": images.c.size,
        "packages": images.c.packages,
        "vulnerabilities": images.c.vulnerabilities,
        "critical": images.c.critical,
        "high": images.c.high,
        "fixable": images.c.fixable,
        "scanned": sa.func.coalesce(images.c.scanned, images.c.first_seen),
    },
    default="-risk",
    search=(images.c.searched, images.c.id),
)


_UNMATCHED = sa.or_(
    images.c.matched.is_(None), images.c.matched < images.c.scanned, images.c.advisories_built.is_(None)
)
"""What was matched before its inventory was taken anew says nothing of this one."""
DOUBTS: Final[Mapping[str, sa.ColumnElement[bool]]] = {
    "unscanned": images.c.scanned.is_(None),
    "incomplete": sa.and_(images.c.scanned.is_not(None), sa.not_(images.c.complete)),
    "unmatched": sa.and_(images.c.scanned.is_not(None), _UNMATCHED),
    "unjudged": images.c.unjudged > 0,
    "unread": images.c.unread > 0,
}
"""Why more may be in an image than was found, under the names of ``Doubts``."""
DOUBTFUL: Final = sa.or_(*DOUBTS.values())


def is_running(tx: Transaction) -> sa.ColumnElement[bool]:
    """Whether a container of the image runs."""
    return sa.exists(
        sa.select(containers.c.id).where(
            tx.mine(containers), containers.c.image_id == images.c.id, containers.c.state == RUNNING
        )
    )


def visible(tx: Transaction) -> list[sa.ColumnElement[bool]]:
    """The images of the scope: rows of images have no cluster, the nodes that hold them do."""
    conditions: list[sa.ColumnElement[bool]] = [tx.mine(images)]
    if tx.scope.clusters is not None:
        conditions.append(_held(tx))
    return conditions


def _held(tx: Transaction, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.exists(
        sa.select(image_nodes.c.node).where(tx.mine(image_nodes), image_nodes.c.image_id == images.c.id, *more)
    )


def _listed(tx: Transaction, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    table = image_sources.c
    return sa.exists(sa.select(table.source).where(tx.mine(image_sources), table.image_id == images.c.id, *more))


def _alone(tx: Transaction) -> sa.ColumnElement[bool]:
    """Nodes that the scope does not show keep an image all the same."""
    nodes, listing = (
        sa.select(sa.func.count())
        .select_from(table)
        .where(tx.tenants(table), table.c.image_id == images.c.id)
        .scalar_subquery()
        for table in (image_nodes, image_sources)
    )
    alone: sa.ColumnElement[bool] = nodes + listing == 1
    return alone


def _suppressed(tx: Transaction, source: str) -> sa.ColumnElement[bool]:
    return sa.exists(
        sa.select(suppressions.c.position).where(
            tx.mine(suppressions), suppressions.c.image_id == images.c.id, suppressions.c.source == source
        )
    )


def having(tx: Transaction, vulnerabilities: Collection[str]) -> sa.ColumnElement[bool]:
    """Whether any finding of the image is kept under one of these ids."""
    table = findings.c
    of_image = (tx.mine(findings), table.image_id == images.c.id)
    return sa.exists(sa.select(table.position).where(*of_image, table.vulnerability.in_(sorted(vulnerabilities))))


def _containing(tx: Transaction, package: str) -> sa.ColumnElement[bool]:
    # Two questions of one index each: neither database answers "or" from two.
    table = image_packages.c
    of_image = sa.select(table.position).where(tx.mine(image_packages), table.image_id == images.c.id)
    return sa.or_(*(sa.exists(of_image.where(name == package)) for name in (table.name, table.matched_name)))


async def conditions(tx: Transaction, wanted: ImageFilter) -> list[sa.ColumnElement[bool]]:
    """Scope and filters of the list, which shows images that some node has or something else lists."""
    found = [*visible(tx), images.c.present]
    if wanted.severity:
        found.append(sa.or_(*(images.c[severity.value] > 0 for severity in sorted(wanted.severity))))
    if wanted.fixable is not None:
        found.append(images.c.fixable > 0 if wanted.fixable else images.c.fixable == 0)
    if wanted.running is not None:
        found.append(is_running(tx) if wanted.running else sa.not_(is_running(tx)))
    if wanted.node is not None:
        found.append(_held(tx, image_nodes.c.node == wanted.node))
    if wanted.registry is not None:
        of = image_sources.c.kind == Lister.REGISTRY.value
        found.append(_listed(tx, of, image_sources.c.source == wanted.registry))
    if wanted.lister is not None:
        found.append(_listed(tx, image_sources.c.kind == wanted.lister.value))
    if wanted.exception is not None:
        found.append(_suppressed(tx, wanted.exception))
    if wanted.scanned is not None:
        found.append(images.c.scanned.is_not(None) if wanted.scanned else images.c.scanned.is_(None))
    if wanted.alone is not None:
        found.append(_alone(tx) if wanted.alone else sa.not_(_alone(tx)))
    return found + await _inside(tx, wanted)


async def _inside(tx: Transaction, wanted: ImageFilter) -> list[sa.ColumnElement[bool]]:
    found = []
    if wanted.whole is not None:
        found.append(sa.not_(DOUBTFUL) if wanted.whole else DOUBTFUL)
    if wanted.vulnerability is not None:
        found.append(having(tx, await speak_of(tx, (wanted.vulnerability,))))
    if wanted.package is not None:
        found.append(_containing(tx, wanted.package))
    return found


async def summaries(tx: Transaction, rows: Sequence[Row]) -> list[ImageSummary]:
    """The images with the figures that nodes, containers and whatever lists them bring."""
    ids = [row.id for row in rows]
    nodes = await node_counts(tx, ids)
    running = await count_by(tx, containers, containers.c.image_id, ids, containers.c.state == RUNNING)
    listed = await source_counts(tx, ids)
    return [_summary(row, nodes.get(row.id, 0), running.get(row.id, 0), listed) for row in rows]


def _summary(row: Row, nodes: int, running: int, listed: Mapping[tuple[Lister, str], int]) -> ImageSummary:
    overtaken = None not in (row.matched, row.scanned) and row.matched < row.scanned
    return ImageSummary(
        id=row.id,
        names=row.names,
        platform=row.platform,
        os=row.os,
        size=row.size,
        packages=row.packages,
        vulnerabilities=severities(row),
        fixable=row.fixable,
        complete=bool(row.complete) and row.scanned is not None,
        unjudged=row.unjudged,
        unread=row.unread,
        scanned=row.scanned,
        # A report that was made without advisories says nothing of vulnerabilities: "none" would be a lie.
        matched=row.matched if row.advisories_built is not None and not overtaken else None,
        advisories_built=row.advisories_built,
        nodes=nodes,
        containers=running,
        registries=listed.get((Lister.REGISTRY, row.id), 0),
        submissions=listed.get((Lister.SUBMISSION, row.id), 0),
        submitted=row.submitted,
        kind=row.kind,
    )


def severities(row: Row) -> dict[Severity, int]:
    """The six counts, every severity named."""
    return {severity: int(getattr(row, severity.value) or 0) for severity in Severity}
