"""Exceptions: who changes them, which images hear of it, and what each does."""

from datetime import date, timedelta

import pytest
from msgspec import structs
from tests.support.database import START, walked
from tests.support.records import (
    IMAGE,
    OTHER_IMAGE,
    VULNERABILITIES,
    enrolled,
    inventory,
    report,
    suppressed,
    waiting,
)

from hullguard.model.errors import Conflict, Invalid, NotFound, Stale
from hullguard.model.exception import ExceptionSpec, ExceptionState, VexFormat, VexHead
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import (
    ExceptionFilter,
    Exceptions,
    Images,
    Judged,
    Lister,
    Matching,
    Statements,
    VexDocuments,
    VulnerabilityFilter,
)
from hullguard.storage.stores import exceptions as exceptions_module
from hullguard.storage.stores import vex_documents as documents_module

BY = "user:alice"
TODAY = START.date()
CRITICAL = "CVE-2024-0001"
ALIAS = "DEBIAN-CVE-2024-0001"


def spec(*ids: str, **more: object) -> ExceptionSpec:
    return structs.replace(ExceptionSpec(list(ids or (CRITICAL,)), "not reachable from outside"), **more)


@pytest.fixture
async def matching(tx: Transaction) -> Matching:
    """Two images with all findings and none; both lie on a node, and nothing waits."""
    node = await enrolled(tx)
    await Images(tx).present(node, [(IMAGE, ["web:1", "shop/web:1"]), (OTHER_IMAGE, ["db:7"])])
    for image in (IMAGE, OTHER_IMAGE):
        await Images(tx).store_inventory(image, inventory())
    made = Matching(tx)
    await made.store([Judged(IMAGE, report()), Judged(OTHER_IMAGE, report(VULNERABILITIES[2:]))])
    return made


async def settle(tx: Transaction, matching: Matching, source: str | None = None) -> None:
    """What a worker makes of it: the worst finding of the first image does not count because of ``source``."""
    found = structs.replace(report(), vulnerabilities=tuple(sorted(VULNERABILITIES, key=lambda each: each.id)))
    told = found if source is None else suppressed(found, source)
    await matching.store([Judged(IMAGE, told), Judged(OTHER_IMAGE, report(VULNERABILITIES[2:]))])
    assert await waiting(tx) == []


class TestChanging:
    async def test_it_is_kept_as_it_was_said(self, tx: Transaction) -> None:
        said = spec(expires=TODAY, package="openssl", images=["web:*"])
        made = await Exceptions(tx).create(said, BY)
        assert (made.version, made.spec, made.state, made.created_by) == (1, said, ExceptionState.IN_FORCE, BY)
        assert await Exceptions(tx).get(made.id) == made

    async def test_a_change_is_made_from_the_present_version(self, tx: Transaction) -> None:
        made = await Exceptions(tx).create(spec(), BY)
        after = await Exceptions(tx).update(made.id, spec("CVE-1"), "user:bob", expected_version=1)
        assert (after.version, after.created_by, after.changed_by) == (2, BY, "user:bob")
        with pytest.raises(Stale):
            await Exceptions(tx).update(made.id, spec(), BY, expected_version=1)
        with pytest.raises(Stale):
            await Exceptions(tx).delete(made.id, 1)
        await Exceptions(tx).delete(made.id, 2)
        with pytest.raises(NotFound):
            await Exceptions(tx).get(made.id)

    async def test_a_last_day_that_is_past_is_refused_but_kept_where_it_was(self, tx: Transaction) -> None:
        yesterday = TODAY - timedelta(days=1)
        with pytest.raises(Invalid) as refused:
            await Exceptions(tx).create(spec(expires=yesterday), BY)
        assert refused.value.field == "$.spec.expires"
        made = await Exceptions(tx).create(spec(expires=TODAY), BY)
        tx.now += timedelta(days=3)
        again = await Exceptions(tx).update(made.id, spec("CVE-1", expires=TODAY), BY, expected_version=1)
        assert again.state is ExceptionState.EXPIRED

    async def test_the_last_day_of_all_is_a_last_day(self, tx: Transaction) -> None:
        assert (await Exceptions(tx).create(spec(expires=date.max), BY)).state is ExceptionState.IN_FORCE

    async def test_there_is_an_end_to_how_many_there_are(
        self, tx: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(exceptions_module, "MOST", 2)
        for _ in range(2):
            await Exceptions(tx).create(spec(), BY)
        with pytest.raises(Conflict, match="2 exceptions already"):
            await Exceptions(tx).create(spec(), BY)


class TestListing:
    async def test_by_state_by_what_they_say_and_in_every_order(self, tx: Transaction) -> None:
        store = Exceptions(tx)
        ends = [None, TODAY, TODAY + timedelta(days=9), None, TODAY + timedelta(days=4)]
        for number, last in enumerate(ends):
            await store.create(spec(f"CVE-{number}", expires=last), BY)
            tx.now += timedelta(seconds=1)
        tx.now += timedelta(days=1)
        for sort in ("changed_at", "-created_at", "expires", "-expires"):
            assert len(await walked(lambda request: store.page(ExceptionFilter(), request), 2, sort=sort)) == 5
        by_end = await store.page(ExceptionFilter(), PageRequest(sort="expires"))
        assert [each.spec.expires for each in by_end.items][:3] == sorted(filter(None, ends))
        over = await store.page(ExceptionFilter(state=ExceptionState.EXPIRED), PageRequest())
        assert [each.spec.expires for each in over.items] == [TODAY]
        assert (await store.page(ExceptionFilter(state=ExceptionState.IN_FORCE), PageRequest())).total == 4
        assert (await store.page(ExceptionFilter(), PageRequest(q="cve-3"))).total == 1
        assert [identity for identity, _ in await store.in_force()] == sorted(
            each.id for each in by_end.items if each.spec.expires != TODAY
        )

    async def test_what_each_does_now_is_counted(self, tx: Transaction, matching: Matching) -> None:
        made = await Exceptions(tx).create(spec(), BY)
        idle = await Exceptions(tx).create(spec("CVE-1999-1"), BY)
        await settle(tx, matching, made.id)
        counted = await Exceptions(tx).get(made.id)
        assert (counted.findings, counted.images) == (1, 1)
        assert (await Exceptions(tx).get(idle.id)).findings == 0
        await Images(tx).present("node-1", [])
        assert (await Exceptions(tx).get(made.id)).images == 0, "nobody has the image any more"


class TestWhoHears:
    async def test_images_with_the_finding_and_no_others(self, tx: Transaction, matching: Matching) -> None:
        await Exceptions(tx).create(spec(), BY)
        assert await waiting(tx) == [IMAGE]

    async def test_also_by_another_name_of_the_vulnerability(self, tx: Transaction, matching: Matching) -> None:
        await Exceptions(tx).create(spec(ALIAS), BY)
        assert await waiting(tx) == [IMAGE]

    async def test_nobody_where_nobody_has_it(self, tx: Transaction, matching: Matching) -> None:
        await Exceptions(tx).create(spec("CVE-1999-1"), BY)
        assert await waiting(tx) == []

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            ({"images": ["web:*"]}, [IMAGE]),
            ({"images": ["*/web:?"]}, [IMAGE]),
            ({"images": ["d[ab]:7"]}, [OTHER_IMAGE]),
            ({"images": ["web"]}, []),
            ({"images": ["WEB:*"]}, []),
            ({"image_ids": [OTHER_IMAGE]}, [OTHER_IMAGE]),
            ({"images": ["web:1"], "image_ids": [OTHER_IMAGE]}, [IMAGE, OTHER_IMAGE]),
            ({}, [IMAGE, OTHER_IMAGE]),
        ],
    )
    async def test_of_images_only_those_that_it_is_about(
        self, tx: Transaction, matching: Matching, more: dict[str, object], expected: list[str]
    ) -> None:
        await Exceptions(tx).create(spec("CVE-2024-0005", **more), BY)
        assert await waiting(tx) == expected

    async def test_a_change_reaches_what_it_covered_and_what_it_covers(
        self, tx: Transaction, matching: Matching
    ) -> None:
        made = await Exceptions(tx).create(spec(), BY)
        await settle(tx, matching, made.id)
        await Exceptions(tx).update(made.id, spec("CVE-2024-0005", images=["db:*"]), BY, expected_version=1)
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]

    async def test_to_take_it_back_reaches_what_it_covered(self, tx: Transaction, matching: Matching) -> None:
        made = await Exceptions(tx).create(spec(), BY)
        await settle(tx, matching, made.id)
        await Exceptions(tx).delete(made.id, 1)
        assert await waiting(tx) == [IMAGE]

    async def test_one_that_ends_is_noticed_once_after_its_last_day(self, tx: Transaction, matching: Matching) -> None:
        made = await Exceptions(tx).create(spec(expires=TODAY), BY)
        await settle(tx, matching, made.id)
        tx.now = START.replace(hour=23, minute=59)
        assert not await Exceptions(tx).due()
        assert await Exceptions(tx).lapse() == []
        tx.now += timedelta(minutes=1)
        before = await Exceptions(tx).revision()
        assert await Exceptions(tx).due()
        assert [each.id for each in await Exceptions(tx).lapse()] == [made.id]
        assert await waiting(tx) == [IMAGE]
        assert await Exceptions(tx).lapse() == []
        assert await Exceptions(tx).revision() == before + 1
        longer = await Exceptions(tx).update(made.id, spec(expires=TODAY + timedelta(days=5)), BY, expected_version=1)
        assert longer.state is ExceptionState.IN_FORCE
        tx.now += timedelta(days=9)
        assert [each.id for each in await Exceptions(tx).lapse()] == [made.id], "it ends again"

    async def test_it_follows_the_names_of_images(self, tx: Transaction, matching: Matching) -> None:
        await Exceptions(tx).create(spec(images=["web:*"]), BY)
        await settle(tx, matching)
        listed = {IMAGE: ["web:1", "shop/web:1"], OTHER_IMAGE: ["db:7"]}
        await Images(tx).present("node-1", list(listed.items()))
        await Images(tx).present("node-1", list((listed | {OTHER_IMAGE: ["db:8"]}).items()))
        assert await waiting(tx) == [], "no pattern says anything else of these"
        await Images(tx).present("node-1", list((listed | {OTHER_IMAGE: ["web:8"]}).items()))
        assert await waiting(tx) == [OTHER_IMAGE]
        await Images(tx).present("node-1", [(IMAGE, ["shop/web:1"]), (OTHER_IMAGE, ["web:8"])])
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]

    async def test_names_that_a_registry_gives_are_names(self, tx: Transaction, matching: Matching) -> None:
        await Exceptions(tx).create(spec(images=["example.test/*"]), BY)
        await Images(tx).listed(Lister.REGISTRY, "r1", {OTHER_IMAGE: ["example.test/db:7"]})
        assert await waiting(tx) == [OTHER_IMAGE]


class TestWhatIsKept:
    async def test_what_counts_again_is_as_old_as_it_was(self, tx: Transaction, matching: Matching) -> None:
        tx.now += timedelta(days=1)
        await settle(tx, matching, "e1")
        tx.now += timedelta(days=1)
        await settle(tx, matching)
        page = await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(), PageRequest())
        (again,) = [each for each in page.items if each.id == CRITICAL]
        assert (again.first_found, again.new) == (START, False)

    async def test_a_match_by_what_was_said_before_is_done_again(self, tx: Transaction, matching: Matching) -> None:
        revision = await Exceptions(tx).revision()
        await matching.refresh()
        first, second = await matching.claim(10, 60)
        await Exceptions(tx).create(spec(), BY)
        await matching.store(
            [Judged(each.image, report(), names=each.names, exceptions=revision) for each in (first, second)]
        )
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]
        assert len(await matching.claim(10, 60)) == 2, "at once, and not when the claim ends"

    async def test_a_match_under_names_that_it_had_before_is_done_again(
        self, tx: Transaction, matching: Matching
    ) -> None:
        await matching.again(IMAGE)
        (claimed,) = await matching.claim(10, 60)
        assert claimed.names == ("shop/web:1", "web:1")
        await matching.store([Judged(IMAGE, report(), names=("other:1",))])
        assert await waiting(tx) == [IMAGE]


class TestPreview:
    @pytest.mark.parametrize(
        ("ids", "more", "expected"),
        [
            ((CRITICAL,), {}, (1, 1, True)),
            ((ALIAS,), {}, (1, 1, True)),
            (("CVE-2024-0005", "CVE-2024-0004"), {}, (4, 2, True)),
            (("CVE-2024-0005",), {"images": ["db:*"]}, (1, 1, True)),
            (("CVE-2024-0005",), {"image_ids": [IMAGE]}, (1, 1, True)),
            ((CRITICAL,), {"package": "libssl3"}, (1, 1, True)),
            ((CRITICAL,), {"package": "openssl"}, (1, 1, True)),
            ((CRITICAL,), {"package": "nginx"}, (0, 0, True)),
            ((CRITICAL,), {"purl": "pkg:deb/debian/libssl3"}, (1, 1, False)),
            (("CVE-1999-1",), {}, (0, 0, True)),
        ],
    )
    async def test_what_would_not_count(
        self,
        tx: Transaction,
        matching: Matching,
        ids: tuple[str, ...],
        more: dict[str, object],
        expected: tuple[int, int, bool],
    ) -> None:
        found = await Exceptions(tx).preview(spec(*ids, **more))
        assert (found.findings, found.images, found.exact) == expected
        assert len(found.examples) == found.images
        assert await waiting(tx) == []

    async def test_what_an_exception_leaves_out_already_is_in_what_its_change_would(
        self, tx: Transaction, matching: Matching
    ) -> None:
        store = Exceptions(tx)
        made = await store.create(spec(), BY)
        await settle(tx, matching, made.id)
        everything = [each.id for each in VULNERABILITIES]

        alone, changed = await store.preview(made.spec), await store.preview(made.spec, made.id)
        wider = await store.preview(spec(*everything), made.id)

        assert (alone.findings, alone.images) == (0, 0)
        assert (changed.findings, changed.images, len(changed.examples)) == (1, 1, 1)
        without = await store.preview(spec(*everything))
        assert (wider.findings, wider.images) == (without.findings + 1, without.images)
        assert (await store.preview(spec(package="nginx"), made.id)).findings == 0
        with pytest.raises(NotFound):
            await store.preview(made.spec, "another")

    async def test_what_could_not_be_kept_is_refused_before_it_is_asked_about(
        self, tx: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, past = Exceptions(tx), spec(expires=TODAY - timedelta(days=1))
        for ask in (store.preview(past), store.create(past, BY)):
            with pytest.raises(Invalid, match="is past; the last day of an exception") as refused:
                await ask
            assert (refused.value.code, refused.value.field) == ("exception.past", "$.spec.expires")
        made = await store.create(spec(expires=TODAY), BY)
        tx.now += timedelta(days=3)
        assert (await store.preview(made.spec, made.id)).findings == 0  # one that is over may be changed otherwise
        monkeypatch.setattr(exceptions_module, "MOST", 1)
        for ask in (store.preview(spec()), store.create(spec(), BY)):
            with pytest.raises(Conflict, match="exceptions already; delete those"):
                await ask
        await store.preview(spec(), made.id)


class TestNaming:
    async def test_images_that_it_names_by_id_are_told_by_name(self, tx: Transaction, matching: Matching) -> None:
        unknown = "sha256:" + "0" * 64
        made = await Exceptions(tx).create(spec(image_ids=[IMAGE, unknown]), BY)
        assert made.names.keys() == {IMAGE}
        assert made.names[IMAGE] in {"web:1", "shop/web:1"}
        assert (await Exceptions(tx).page(ExceptionFilter(), PageRequest())).items[0].names == made.names

    async def test_what_does_not_count_says_by_whom(self, tx: Transaction, matching: Matching) -> None:
        made = await Exceptions(tx).create(spec(), BY)
        await settle(tx, matching, made.id)
        assert (await Images(tx).content(IMAGE)).said_by == {made.id: BY}
        document = await VexDocuments(tx).upload(statements(), "user:bob")
        await settle(tx, matching, document.id)
        assert (await Images(tx).content(IMAGE)).said_by == {document.id: "user:bob"}


def statements(document: str = "urn:doc:1", *, issued: int = 0, content: bytes = b"{}") -> Statements:
    head = VexHead(document=document, format=VexFormat.OPENVEX, issued=START + timedelta(days=issued))
    return Statements(head, content, (CRITICAL,), 1, 0, by_name=False)


class TestDocuments:
    async def test_the_newer_takes_the_place_of_the_older(self, tx: Transaction, matching: Matching) -> None:
        store = VexDocuments(tx)
        first = await store.upload(statements(), BY)
        assert await waiting(tx) == [IMAGE]
        await settle(tx, matching, first.id)
        assert (await store.get(first.id)).findings == 1
        second = await store.upload(structs.replace(statements(issued=1), names=("CVE-2024-0005",)), BY)
        assert second.id != first.id
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]
        assert (await store.page(PageRequest())).items == [await store.get(second.id)]
        with pytest.raises(Conflict, match="a newer one of this document is kept already"):
            await store.upload(statements(), BY)
        assert await store.content(second.id) == b"{}"

    async def test_to_take_it_back_reaches_also_what_it_warned_of(self, tx: Transaction, matching: Matching) -> None:
        made = await VexDocuments(tx).upload(statements(), BY)
        await settle(tx, matching, "another document")
        await VexDocuments(tx).delete(made.id)
        assert await waiting(tx) == [IMAGE]
        with pytest.raises(NotFound):
            await VexDocuments(tx).get(made.id)

    async def test_there_is_an_end_to_how_much_they_may_say(
        self, tx: Transaction, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(documents_module, "TOGETHER", 10)
        await VexDocuments(tx).upload(statements(content=b"12345678"), BY)
        with pytest.raises(Conflict, match="there is room for"):
            await VexDocuments(tx).upload(statements("urn:doc:2", content=b"123"), BY)
        await VexDocuments(tx).upload(statements(content=b"1234567890"), BY)
        monkeypatch.setattr(documents_module, "SAID", 3)
        await VexDocuments(tx).upload(structs.replace(statements(), count=3), BY)
        with pytest.raises(Conflict, match="and 4"):
            await VexDocuments(tx).upload(statements("urn:doc:2"), BY)

    async def test_one_that_is_about_images_is_asked_again_when_names_change(
        self, tx: Transaction, matching: Matching
    ) -> None:
        await VexDocuments(tx).upload(structs.replace(statements(), by_name=True, names=()), BY)
        await Images(tx).present("node-1", [(IMAGE, ["web:1", "shop/web:1"]), (OTHER_IMAGE, ["db:8"])])
        assert await waiting(tx) == [OTHER_IMAGE]
