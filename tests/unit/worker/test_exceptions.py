"""What does not count by the word of this house or of a maker: from the word to the figures, and back when it ends."""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import UNSET, structs
from tests.support.database import SCOPE, START, Clock
from tests.support.records import enrolled, waiting
from tests.support.workers import context as make_context
from tests.unit.worker.test_work import IMAGE, INVENTORY, advisory, import_advisories, working

from hullguard.cache import MemoryCache
from hullguard.imagescan.suppress import standing, vex
from hullguard.model.exception import ExceptionSpec, ExceptionState, ExceptionStatus, Justification
from hullguard.model.image import Target
from hullguard.model.report import Suppressed, SuppressedBy
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import (
    Audit,
    AuditFilter,
    Exceptions,
    Images,
    Statements,
    VexDocuments,
    VulnerabilityFilter,
    overview,
)
from hullguard.worker import exceptions, matching
from hullguard.worker.context import Context
from hullguard.worker.upkeep import LapseExceptions

BY = "user:alice"
OTHER = "sha256:" + "e" * 64


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "advisories.db"
    import_advisories(path, advisory("PYSEC-1", "2.0") | {"aliases": ["CVE-2026-1"]})
    return path


@pytest.fixture
async def stored(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        node = await enrolled(tx)
        await Images(tx).present(node, [(IMAGE, ("app:1",)), (OTHER, ("other:1",))])
        await Images(tx).store_inventory(IMAGE, INVENTORY)
        target = Target("other:1", "docker", image_id=OTHER, tags=("other:1",))
        await Images(tx).store_inventory(OTHER, structs.replace(INVENTORY, target=target))


@pytest.fixture
def context(storage: Storage, database: Path, stored: None) -> Iterator[Context]:
    with ThreadPoolExecutor(1) as thread:
        yield make_context(storage, MemoryCache(), database.parent, thread, database)


async def match(context: Context) -> None:
    await matching.MatchImages().run(context, "")
    async with context.storage.reading(SCOPE) as tx:
        assert await waiting(tx) == []


async def make(context: Context, spec: ExceptionSpec) -> str:
    async with context.storage.transaction(SCOPE) as tx:
        return (await Exceptions(tx).create(spec, BY)).id


async def upload(context: Context, document: object) -> str:
    content = json.dumps(document).encode()
    head = vex.describe(content, "the document")
    rules, unread = standing.document_rules("", head, content)
    names, by_name = standing.names_of(rules), standing.ask_names(rules)
    async with context.storage.transaction(SCOPE) as tx:
        said = Statements(head, content, names, len(rules), unread, by_name)
        return (await VexDocuments(tx).upload(said, BY)).id


async def counts(storage: Storage, image: str = IMAGE) -> tuple[list[str], tuple[Suppressed, ...]]:
    """What counts, by the list, by the report and by the figures; and what does not."""
    async with storage.reading(SCOPE) as tx:
        page = await Images(tx).vulnerabilities(image, VulnerabilityFilter(), PageRequest())
        report = await Images(tx).report(image)
        detail = await Images(tx).detail(image)
        content = await Images(tx).content(image)
    listed = [each.id for each in page.items]
    assert [each.id for each in report.vulnerabilities] == listed
    assert sum(detail.vulnerabilities.values()) == len(listed)
    assert sum(sum(share.vulnerabilities.values()) for share in detail.layers) == len(listed)
    assert content.suppressed == report.suppressed
    return listed, report.suppressed


async def test_a_finding_that_is_excepted_does_not_count_and_says_why(context: Context) -> None:
    await match(context)
    assert await counts(context.storage) == (["CVE-2026-1"], ())
    justification = Justification.VULNERABLE_CODE_NOT_IN_EXECUTE_PATH
    spec = ExceptionSpec(
        ["PYSEC-1"], "only the client is used", ExceptionStatus.NOT_AFFECTED, justification, expires=START.date()
    )
    made = await make(context, spec)
    await match(context)

    listed, (one,) = await counts(context.storage)
    assert listed == []
    assert (one.vulnerability.id, one.by, one.source) == ("CVE-2026-1", SuppressedBy.EXCEPTION, made)
    assert one.reason == "not_affected: vulnerable_code_not_in_execute_path: only the client is used"
    assert one.until == START.date()
    async with context.storage.transaction(SCOPE) as tx:
        counted = await Exceptions(tx).get(made)
        assert (counted.findings, counted.images) == (2, 2)
        await Exceptions(tx).delete(made, 1)
    await match(context)
    assert await counts(context.storage) == (["CVE-2026-1"], ())


@pytest.mark.parametrize("identity", ["cve-2026-1", "pysec-1"])
async def test_ids_are_compared_without_regard_to_case(context: Context, identity: str) -> None:
    await match(context)
    spec = ExceptionSpec([identity], "only the client is used")
    async with context.storage.reading(SCOPE) as tx:
        assert (await Exceptions(tx).preview(spec)).findings == 2
    await make(context, spec)

    await match(context)  # of the images that it concerns

    assert (await counts(context.storage))[0] == []


async def test_it_ends_by_itself_and_the_audit_says_so(context: Context, clock: Clock) -> None:
    made = await make(context, ExceptionSpec(["CVE-2026-1"], "until the next release", expires=START.date()))
    await match(context)
    assert (await counts(context.storage))[0] == []
    await LapseExceptions().run(context, "")
    await match(context)
    assert (await counts(context.storage))[0] == [], "its last day is not over"

    clock.forward(days=1)
    await LapseExceptions().run(context, "")
    await match(context)
    assert await counts(context.storage) == (["CVE-2026-1"], ())
    async with context.storage.reading(SCOPE) as tx:
        assert (await Exceptions(tx).get(made)).state is ExceptionState.EXPIRED
        (record,) = (await Audit(tx).page(AuditFilter(), PageRequest())).items
    assert (record.actor, record.action, record.subject) == ("system", "exception.expire", f"exception:{made}")
    assert record.details["reason"] == "until the next release"


async def test_one_by_name_follows_the_names_that_images_have_now(context: Context) -> None:
    await make(context, ExceptionSpec(["CVE-2026-1"], "a demonstration", images=["demo:*"]))
    await match(context)
    assert (await counts(context.storage))[0] == ["CVE-2026-1"], "app:1 is no demonstration"

    async with context.storage.transaction(SCOPE) as tx:
        await Images(tx).present("node-1", [(IMAGE, ("app:1", "demo:1")), (OTHER, ("other:1",))])
    await match(context)
    assert (await counts(context.storage))[0] == []
    assert (await counts(context.storage, OTHER))[0] == ["CVE-2026-1"]

    async with context.storage.transaction(SCOPE) as tx:
        await Images(tx).present("node-1", [(IMAGE, ("app:1",)), (OTHER, ("other:1",))])
    await match(context)
    assert (await counts(context.storage))[0] == ["CVE-2026-1"]


def openvex(status: str, *, at: str, product: str = "pkg:pypi/urllib3", **more: str) -> dict:
    return {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.test/vex/1",
        "author": "The makers",
        "timestamp": at,
        "version": 1,
        "statements": [
            {
                "vulnerability": {"name": "CVE-2026-1"},
                "status": status,
                "products": [{"@id": product}],
                "impact_statement": "not used",
                **more,
            }
        ],
    }


async def test_a_document_speaks_until_a_newer_one_takes_its_place(context: Context) -> None:
    said = {"justification": "component_not_present"}
    first = await upload(context, openvex("not_affected", at="2026-02-01T00:00:00Z", **said))
    await match(context)
    listed, (one,) = await counts(context.storage)
    assert (listed, one.by, one.source) == ([], SuppressedBy.VEX, first)
    assert "component_not_present" in one.reason

    second = await upload(context, openvex("affected", at="2026-02-02T00:00:00Z"))
    await match(context)
    assert await counts(context.storage) == (["CVE-2026-1"], ())
    async with context.storage.transaction(SCOPE) as tx:
        page = await VexDocuments(tx).page(PageRequest())
        assert [(each.id, each.statements, each.findings) for each in page.items] == [(second, 1, 0)]
        await VexDocuments(tx).delete(second)
    await match(context)
    assert await counts(context.storage) == (["CVE-2026-1"], ())


async def test_a_document_about_an_image_means_it_by_the_name_that_it_has_now(context: Context) -> None:
    await upload(context, openvex("not_affected", at="2026-02-01T00:00:00Z", product="pkg:oci/app?tag=2"))
    await match(context)
    assert (await counts(context.storage))[0] == ["CVE-2026-1"]
    async with context.storage.transaction(SCOPE) as tx:
        await Images(tx).present("node-1", [(IMAGE, ("app:2",)), (OTHER, ("other:1",))])
    await match(context)
    assert (await counts(context.storage))[0] == []
    async with context.storage.transaction(SCOPE) as tx:
        await Images(tx).present("node-1", [(IMAGE, ("app:3",)), (OTHER, ("other:1",))])
    await match(context)
    assert (await counts(context.storage))[0] == ["CVE-2026-1"]


async def test_the_word_of_the_house_comes_before_that_of_a_maker(context: Context) -> None:
    await upload(context, openvex("affected", at="2026-02-01T00:00:00Z"))
    made = await make(context, ExceptionSpec(["CVE-2026-1"], "we know better"))
    await match(context)
    listed, (one,) = await counts(context.storage)
    assert (listed, one.source) == ([], made)


async def test_what_is_said_is_compiled_once_for_each_change(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = standing.document_rules

    def noted(identity: str, *rest: object) -> object:
        read.append(identity)
        return real(identity, *rest)

    monkeypatch.setattr(exceptions.standing, "document_rules", noted)
    document = await upload(context, openvex("not_affected", at="2026-02-01T00:00:00Z"))
    read.clear()
    await match(context)
    first = context.exceptions.word
    async with context.storage.transaction(SCOPE) as tx:
        await matching.Matching(tx).refresh()
    await match(context)
    assert context.exceptions.word is first
    assert read == [document]

    await make(context, ExceptionSpec(["CVE-1999-1"], "another matter"))
    async with context.storage.transaction(SCOPE) as tx:
        await matching.Matching(tx).refresh()
    await match(context)
    assert context.exceptions.word is not first
    assert read == [document], "a document never changes under its id"


async def test_a_document_that_cannot_be_read_any_more_stops_nothing(context: Context) -> None:
    head = vex.describe(json.dumps(openvex("affected", at="")).encode(), "the document")
    async with context.storage.transaction(SCOPE) as tx:
        await VexDocuments(tx).upload(Statements(head, b"{", (), 0, 0, by_name=False), BY)
    await match(context)
    assert (await counts(context.storage))[0] == ["CVE-2026-1"]


async def test_the_first_screen_counts_without_it(context: Context) -> None:
    from tests.support.records import container

    from hullguard.storage.stores import Containers

    async def figures() -> tuple[int, int]:
        async with context.storage.reading(SCOPE) as tx:
            found = await overview(tx)
        return sum(found.vulnerabilities[each] for each in Severity), found.images_at_risk

    async with context.storage.transaction(SCOPE) as tx:
        await Containers(tx).replace("node-1", [container(image=IMAGE)])
    await match(context)
    before = await figures()
    await make(context, ExceptionSpec(["CVE-2026-1"], "accepted"))
    await match(context)
    assert before[0] == 1
    assert await figures() == (0, 0)


@contextlib.asynccontextmanager
async def running(context: Context, database: Path) -> AsyncIterator[None]:
    async with working(context.storage, MemoryCache(), database):
        yield


async def test_a_whole_worker_suppresses_within_its_job_and_brings_back_what_ended(
    context: Context, clock: Clock, database: Path
) -> None:
    from tests.unit.worker.test_work import until

    async with running(context, database):
        await until(context.storage, ["CVE-2026-1"], clock)
        await make(context, ExceptionSpec(["CVE-2026-1"], "this week", expires=clock.now.date()))
        await until(context.storage, [], clock)
        clock.forward(days=1)
        await until(context.storage, ["CVE-2026-1"], clock)
    async with context.storage.reading(SCOPE) as tx:
        records = await Audit(tx).page(AuditFilter(action="exception.expire"), PageRequest())
    assert records.total == 1
    assert all(each.source is not UNSET for each in (await counts(context.storage))[1])
