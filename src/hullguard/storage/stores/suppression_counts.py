"""How much does not count because of an exception or a VEX document, and how much would not."""

from collections import Counter
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from hullguard.model.exception import ExceptionPreview, ExceptionSpec
from hullguard.storage.stores import suppressions as index
from hullguard.storage.stores.image_places import batches
from hullguard.storage.stores.image_rows import visible
from hullguard.storage.tables import findings, image_packages, images, suppressions
from hullguard.storage.transaction import Transaction

EXAMPLES = 5


class Tally(Struct, frozen=True):
    """How many findings do not count because of one source, in how many images that lie somewhere."""

    findings: int = 0
    images: int = 0


async def tallies(tx: Transaction, sources: Collection[str]) -> dict[str, Tally]:
    """What these exceptions or documents do now; images that nobody has any more do not count."""
    if not sources:
        return {}
    table = suppressions.c
    select = (
        sa.select(table.source, sa.func.count(), sa.func.count(table.image_id.distinct()))
        .join(images, sa.and_(images.c.tenant == table.tenant, images.c.id == table.image_id))
        .where(tx.mine(suppressions), table.source.in_(sorted(sources)), *visible(tx), images.c.present)
        .group_by(table.source)
    )
    return {source: Tally(int(found), int(held)) for source, found, held in await tx.all(select)}


async def names(tx: Transaction, ids: Collection[str]) -> dict[str, str]:
    """What these images are called, those of them that have a name."""
    found: dict[str, str] = {}
    for some in batches(ids):
        rows = await tx.all(sa.select(images.c.id, images.c.names).where(*visible(tx), images.c.id.in_(some)))
        found |= {row.id: row.names[0] for row in rows if row.names}
    return found


async def preview(tx: Transaction, spec: ExceptionSpec, of: str | None = None) -> ExceptionPreview:
    """What counts now and would not; a package URL or a path is told by whole reports alone, so it is at most that.

    What does not count because of the exception ``of``, which is to become so, would go on not to count.
    """
    ids = sorted(await index.speak_of(tx, spec.vulnerabilities))
    rows = await tx.all(_covered(tx, findings, spec, ids))
    if of is not None:
        rows = [*rows, *await tx.all(_covered(tx, suppressions, spec, ids).where(suppressions.c.source == of))]
    counts: Counter[str] = Counter()
    meant = {row.id: row for row in rows if spec.is_about(row.id, row.names)}
    for row in rows:
        counts[row.id] += row.found
    worst = sorted(meant.values(), key=lambda row: (-row.risk, row.id))
    return ExceptionPreview(
        findings=sum(counts[image] for image in meant),
        images=len(meant),
        exact=spec.purl is None and spec.path is None,
        examples=tuple(row.names[0] if row.names else row.id for row in worst[:EXAMPLES]),
    )


def _covered(tx: Transaction, of: sa.Table, spec: ExceptionSpec, ids: list[str]) -> sa.Select[Any]:
    """Per image that lies somewhere, how many rows of findings, or of what does not count, are about it."""
    found, table = of.c, images.c
    where = [tx.mine(of), found.vulnerability.in_(ids), *visible(tx), table.present]
    if spec.package is not None:
        of_source = sa.exists(
            sa.select(image_packages.c.position).where(
                tx.mine(image_packages),
                image_packages.c.image_id == found.image_id,
                image_packages.c.name == found.package,
                image_packages.c.matched_name == spec.package,
            )
        )
        # As a package URL writes names of PyPI.
        canonical = sa.func.replace(sa.func.lower(found.package), "_", "-")
        where.append(sa.or_(found.package == spec.package, canonical == spec.package, of_source))
    return (
        sa.select(table.id, table.names, table.risk, sa.func.count().label("found"))
        .join(images, sa.and_(table.tenant == found.tenant, table.id == found.image_id))
        .where(*where)
        .group_by(table.id, table.names, table.risk)
    )
