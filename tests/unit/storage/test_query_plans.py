"""The lists that grow with a house use indexes: no scan of a large table, no sorting of it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, START
from tests.support.records import IMAGE, container, enrolled, inventory, matched, observation, report, suppressed

from hullguard.model.exception import ExceptionSpec
from hullguard.model.incident import IncidentStatus
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    CommandFilter,
    Commands,
    ContainerFilter,
    Containers,
    ExceptionFilter,
    Exceptions,
    ImageFilter,
    Images,
    IncidentFilter,
    Incidents,
    NodeFilter,
    Nodes,
    VexDocuments,
    VulnerabilityFilter,
    overview,
    suppressions,
)
from hullguard.storage.stores.node_rows import count_open_incidents
from hullguard.storage.tables import incidents

OPEN, SEVERE = frozenset({IncidentStatus.OPEN}), frozenset({Severity.CRITICAL, Severity.HIGH})
LARGE = (
    "incidents",
    "findings",
    "suppressions",
    "vulnerability_names",
    "image_packages",
    "audit_records",
    "commands",
    "containers",
    "images",
)

INCIDENT_FILTERS = [
    IncidentFilter(),
    IncidentFilter(status=OPEN),
    IncidentFilter(severity=frozenset({Severity.LOW})),
    IncidentFilter(severity=SEVERE),
    IncidentFilter(status=OPEN, severity=SEVERE),
    IncidentFilter(status=frozenset(IncidentStatus)),
    IncidentFilter(status=OPEN, severity=frozenset({Severity.LOW})),
    IncidentFilter(rule="r"),
    IncidentFilter(rule="r", status=OPEN),
    IncidentFilter(node="n"),
    IncidentFilter(node="n", status=OPEN, severity=SEVERE),
    IncidentFilter(container="c"),
    IncidentFilter(container="c", status=OPEN),
    IncidentFilter(image="i"),
    IncidentFilter(simulated_by="p"),
    IncidentFilter(simulated_by="p", status=OPEN),
    IncidentFilter(since=START, until=START),
    IncidentFilter(status=OPEN, since=START),
]


class Plans:
    """Explains every statement that runs while it listens."""

    def __init__(self) -> None:
        self.statements: list[tuple[str, Any]] = []

    def note(self, _conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            self.statements.append((statement, parameters))

    async def bad(self, storage: Storage) -> list[str]:
        found = []
        asked, self.statements = self.statements, []
        async with storage._reader.connect() as connection:
            for statement, parameters in asked:
                plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
                for step in [row[3] for row in plan]:
                    scans = any(step == f"SCAN {table}" for table in LARGE)
                    if scans or "TEMP B-TREE FOR ORDER BY" in step or "RIGHT PART OF ORDER BY" in step:
                        found.append(f"{step}: {statement}")
        assert asked
        return found


@pytest.fixture
async def plans(storage: Storage) -> AsyncIterator[Plans]:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        await Containers(tx).replace("node-1", [container()])
        await Images(tx).present("node-1", [(IMAGE, ["nginx:1"])])
        await Images(tx).store_inventory(IMAGE, inventory())
        await matched(tx, IMAGE, report())
        await Incidents(tx).insert("node-1", [observation(number) for number in range(9)], tx.now)
    found = Plans()
    sa.event.listen(storage._reader.sync_engine, "before_cursor_execute", found.note)
    yield found
    sa.event.remove(storage._reader.sync_engine, "before_cursor_execute", found.note)


@pytest.mark.parametrize("wanted", INCIDENT_FILTERS, ids=repr)
async def test_incidents_are_read_in_order_from_an_index(
    storage: Storage, plans: Plans, wanted: IncidentFilter
) -> None:
    async with storage.reading(SCOPE) as tx:
        await Incidents(tx).page(wanted, PageRequest(3))
        page = await Incidents(tx).page(IncidentFilter(), PageRequest(3))
        await Incidents(tx).page(wanted, PageRequest(3, page.cursor))
    assert await plans.bad(storage) == []


async def test_the_other_lists_are_read_in_order_from_an_index(storage: Storage, plans: Plans) -> None:
    request = PageRequest(3)
    async with storage.reading(SCOPE) as tx:
        await Images(tx).page(ImageFilter(), request)
        await Images(tx).page(ImageFilter(severity=SEVERE, running=True, fixable=True), request)
        await Images(tx).page(ImageFilter(vulnerability="CVE-2024-0001"), request)
        await Images(tx).page(ImageFilter(package="openssl"), request)
        await Images(tx).page(ImageFilter(), PageRequest(3, q="CVE-2024-0001"))
        await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(), request)
        await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(severity=SEVERE, fixable=True), request)
        await Images(tx).detail(IMAGE)
        await Nodes(tx).page(NodeFilter(), request)
        await Containers(tx).page(ContainerFilter(), request)
        await Commands(tx).page(CommandFilter(), request)
        await Commands(tx).page(CommandFilter(node="node-1"), request)
        for wanted in (AuditFilter(), AuditFilter(actor="a"), AuditFilter(action="a"), AuditFilter(subject="s")):
            await Audit(tx).page(wanted, request)
    assert await plans.bad(storage) == []


async def test_exceptions_scan_no_large_table(storage: Storage, plans: Plans) -> None:
    spec = ExceptionSpec(["CVE-2024-0001", "CVE-2024-0002"], "why", package="openssl", images=["nginx:*"])
    async with storage.transaction(SCOPE) as tx:
        made = await Exceptions(tx).create(spec, "user:a")
        await matched(tx, IMAGE, suppressed(report(), made.id))
    async with storage.reading(SCOPE) as tx:
        await Exceptions(tx).page(ExceptionFilter(), PageRequest(3))
        await Exceptions(tx).get(made.id)
        await VexDocuments(tx).page(PageRequest(3))
        await Images(tx).page(ImageFilter(exception=made.id), PageRequest(3))
        await Exceptions(tx).preview(spec)
        await suppressions.concerned(tx, spec.vulnerabilities)
        await suppressions.of_source(tx, made.id)
    assert await plans.bad(storage) == []


async def test_the_first_screen_scans_no_large_table(storage: Storage, plans: Plans) -> None:
    async with storage.reading(SCOPE) as tx:
        await overview(tx)
        await count_open_incidents(tx, incidents.c.node, ["node-1"])
    assert [step for step in await plans.bad(storage) if "incident" in step or "findings" in step] == []


async def test_the_guard_notices_a_scan(storage: Storage, plans: Plans) -> None:
    async with storage.reading(SCOPE) as tx:
        await tx.all(sa.select(incidents.c.id).order_by(incidents.c.received))
    assert len(await plans.bad(storage)) == 2
