"""Which findings do not count because of exceptions and VEX documents, and which images a word can concern."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from msgspec import UNSET

from hullguard.model.exception import ExceptionSpec, is_meant
from hullguard.model.report import ScanReport
from hullguard.storage.stores.jobs import Jobs
from hullguard.storage.stores.wait import Wait, waits
from hullguard.storage.tables import (
    counters,
    exceptions,
    findings,
    images,
    suppressions,
    vex_documents,
    vulnerability_names,
)
from hullguard.storage.transaction import Transaction

REVISION = "exceptions-revision"
_IN_ONE = 5000
"""Values in one statement."""
_LONGEST = 128
"""Characters of a name that the index keeps."""
_IDENTITY = re.compile(r"[A-Za-z]{2,16}-[A-Za-z0-9:._-]{1,100}", re.ASCII)


async def revision(tx: Transaction) -> int:
    """How often any exception or VEX document of the tenant has changed."""
    select = sa.select(counters.c.value).where(tx.mine(counters), counters.c.name == REVISION)
    return int(await tx.scalar(select) or 0)


async def changed(tx: Transaction, ids: Collection[str]) -> None:
    """Count one more change: workers read exceptions and documents anew, and match these images again."""
    await tx.upsert(counters, {"name": REVISION, "value": 1}, add=["value"])
    await match_again(tx, ids)


async def speak_of(tx: Transaction, names: Iterable[str]) -> set[str]:
    """The ids under which findings are kept that somebody means by these names, whatever case they are written in."""
    asked = sorted({written for name in names if len(name) <= _LONGEST for written in _spellings(name.strip())})
    found = set(asked)
    table = vulnerability_names.c
    for some in _batches(asked):
        select = sa.select(table.vulnerability).where(tx.mine(vulnerability_names), table.name.in_(some))
        found.update(row.vulnerability for row in await tx.all(select.distinct()))
    return found


def _spellings(name: str) -> set[str]:
    """As it is written, and as the publishers of such ids write them: the index compares letter by letter."""
    kind, dash, rest = name.partition("-")
    if kind.lower() == "opensuse":
        return {name, f"openSUSE{dash}{rest.upper()}"}
    return {name, name.upper(), f"{kind.upper()}{dash}{rest.lower()}"}


async def meant(tx: Transaction, q: str | None) -> set[str]:
    """The same of words that were searched for; none where they do not look like the id of a vulnerability."""
    return await speak_of(tx, (q,)) if q is not None and _IDENTITY.fullmatch(q.strip()) else set()


async def concerned(tx: Transaction, names: Iterable[str]) -> set[str]:
    """The images in which any of these vulnerabilities was found, whether it counts or not."""
    ids = sorted(await speak_of(tx, names))
    found: set[str] = set()
    for some in _batches(ids):
        for table in (findings, suppressions):
            select = sa.select(table.c.image_id).where(tx.tenants(table), table.c.vulnerability.in_(some))
            found.update(row.image_id for row in await tx.all(select.distinct()))
    return found


async def of_source(tx: Transaction, source: str) -> set[str]:
    """The images in which findings do not count because of it."""
    select = sa.select(suppressions.c.image_id).where(tx.tenants(suppressions), suppressions.c.source == source)
    return {row.image_id for row in await tx.all(select.distinct())}


async def said_by(tx: Transaction, sources: Collection[str]) -> dict[str, str]:
    """Who made these exceptions, and whose words these documents are (who uploaded them, where they do not say)."""
    found: dict[str, str] = {}
    for some in _batches(sorted(sources)):
        made, document = exceptions.c, vex_documents.c
        own = sa.select(made.id, made.created_by).where(tx.mine(exceptions), made.id.in_(some))
        others = sa.select(document.id, document.head, document.uploaded_by)
        found |= {row.id: row.created_by for row in await tx.all(own)}
        rows = await tx.all(others.where(tx.mine(vex_documents), document.id.in_(some)))
        found |= {row.id: row.head.author or row.uploaded_by for row in rows}
    return found


async def only_meant(tx: Transaction, spec: ExceptionSpec, ids: Collection[str]) -> set[str]:
    """Those of the images that the exception is about, by the names that they have now."""
    if spec.is_everywhere:
        return set(ids)
    found: set[str] = set()
    for some in _batches(sorted(ids)):
        select = sa.select(images.c.id, images.c.names).where(tx.tenants(images), images.c.id.in_(some))
        found.update(row.id for row in await tx.all(select) if spec.is_about(row.id, row.names))
    return found


async def match_again(tx: Transaction, ids: Collection[str]) -> int:
    """Have these images matched again soon; how many wait for that now."""
    count = 0
    for some in _batches(sorted(ids)):
        count += await waits(tx, Wait.CONCERNED, images.c.scanned.is_not(None), images.c.id.in_(some))
    if count:
        await Jobs(tx).enqueue("match")
    return count


async def renamed(tx: Transaction, changed: Mapping[str, tuple[Collection[str], Collection[str]]]) -> None:
    """Have those images matched again whose new names (id -> before, after) change what is said of them."""
    if not changed:
        return
    if await tx.first(sa.select(vex_documents.c.id).where(tx.tenants(vex_documents), vex_documents.c.by_name)):
        await match_again(tx, changed)
        return
    select = sa.select(exceptions.c.spec).where(
        tx.tenants(exceptions), exceptions.c.by_name, sa.not_(exceptions.c.lapsed)
    )
    patterns = {pattern for row in await tx.all(select) for pattern in row.spec.images}
    await match_again(
        tx,
        [
            image
            for image, (before, after) in changed.items()
            if any(_fits(each, before) != _fits(each, after) for each in patterns)
        ],
    )


def _fits(pattern: str, names: Collection[str]) -> bool:
    return is_meant((pattern,), (), None, names)


# --- what a report leaves


async def first_found(tx: Transaction, ids: Collection[str]) -> dict[str, dict[tuple[str, str], datetime]]:
    """Since when what does not count is found: it is not new when it counts again."""
    table = suppressions.c
    select = sa.select(table.image_id, table.vulnerability, table.package, table.first_found)
    found: dict[str, dict[tuple[str, str], datetime]] = defaultdict(dict)
    for row in await tx.all(select.where(tx.mine(suppressions), table.image_id.in_(sorted(ids)))):
        found[row.image_id][row.vulnerability, row.package] = row.first_found
    return found


async def keep(
    tx: Transaction, reports: Mapping[str, ScanReport], known: Mapping[str, Mapping[tuple[str, str], datetime]]
) -> None:
    """Replace what is kept of these images."""
    await tx.run(sa.delete(suppressions).where(tx.mine(suppressions), suppressions.c.image_id.in_(sorted(reports))))
    rows = [row for image, report in reports.items() for row in _rows(tx, image, report, known.get(image, {}))]
    await tx.insert(suppressions, rows)
    await _keep_names(tx, reports.values())


def _rows(
    tx: Transaction, image: str, report: ScanReport, known: Mapping[tuple[str, str], datetime]
) -> Iterator[dict[str, Any]]:
    names = {package.purl: package.name for package in report.packages}
    for position, one in enumerate(report.suppressed):
        if one.source is UNSET:  # the distribution's own word: nobody here can take it back
            continue
        found, package = one.vulnerability, names.get(one.vulnerability.package, one.vulnerability.package)
        earlier = [known[each, package] for each in (found.id, *found.aliases) if (each, package) in known]
        yield {
            "image_id": image,
            "position": position,
            "source": one.source,
            "vulnerability": found.id,
            "package": package,
            "first_found": min(earlier, default=tx.now),
        }


async def _keep_names(tx: Transaction, reports: Iterable[ScanReport]) -> None:
    pairs = {
        (name, found.id)
        for report in reports
        for found in (*report.vulnerabilities, *(one.vulnerability for one in report.suppressed))
        for name in (found.advisory, *found.aliases)
        if name != found.id and len(name) <= _LONGEST and len(found.id) <= _LONGEST
    }
    table = vulnerability_names.c
    for some in _batches(sorted({name for name, _ in pairs})):  # nearly all are known: reading locks nobody out
        select = sa.select(table.name, table.vulnerability).where(tx.mine(vulnerability_names), table.name.in_(some))
        pairs -= {(row.name, row.vulnerability) for row in await tx.all(select)}
    await tx.upsert(vulnerability_names, [{"name": name, "vulnerability": found} for name, found in sorted(pairs)])


def _batches(values: list[str]) -> Iterator[list[str]]:
    return (values[start : start + _IN_ONE] for start in range(0, len(values), _IN_ONE))
