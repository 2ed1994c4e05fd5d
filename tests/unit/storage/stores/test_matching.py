"""Which images wait for the advisories: none is forgotten, none is done twice, and a bad one stops no other."""

from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import START
from tests.support.records import (
    IMAGE,
    OTHER_IMAGE,
    PACKAGES,
    VULNERABILITIES,
    enrolled,
    inventory,
    report,
    vulnerability,
    waiting,
)

from hullguard.model.inventory import unread
from hullguard.model.severity import Severity
from hullguard.storage import PageRequest, Transaction
from hullguard.storage.stores import Images, Judged, Matching, VulnerabilityFilter
from hullguard.storage.stores.matching import LATER
from hullguard.storage.stores.wait import TRIES

REQUEST = PageRequest()
BASH, CURL, DEBIAN = 1, -2, 3


@pytest.fixture
async def matching(tx: Transaction) -> Matching:
    """Two images with their inventories."""
    for image in (IMAGE, OTHER_IMAGE):
        await Images(tx).store_inventory(image, inventory())
    return Matching(tx)


@pytest.fixture
async def settled(matching: Matching) -> Matching:
    """Both are matched; both have bash, and one has curl."""
    await matching.store(
        [
            Judged(IMAGE, report(), frozenset({BASH, CURL, DEBIAN})),
            Judged(OTHER_IMAGE, report(), frozenset({BASH, DEBIAN})),
        ]
    )
    return matching


async def claimed(matching: Matching, limit: int = 10) -> list[str]:
    return [each.image for each in await matching.claim(limit, 60)]


async def found(tx: Transaction, wanted: VulnerabilityFilter | None = None, sort: str | None = None) -> dict[str, bool]:
    page = await Images(tx).vulnerabilities(IMAGE, wanted or VulnerabilityFilter(), PageRequest(sort=sort))
    return {each.id: each.new for each in page.items}


class TestWaiting:
    async def test_what_arrives_waits_until_it_is_matched(self, tx: Transaction, matching: Matching) -> None:
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]
        assert await matching.store([Judged(IMAGE, report())]) == [IMAGE]
        assert await waiting(tx) == [OTHER_IMAGE]

    async def test_an_advisory_reaches_those_that_it_can_speak_of(self, tx: Transaction, settled: Matching) -> None:
        assert await settled.concern([CURL, 99]) == 1
        assert await waiting(tx) == [IMAGE]
        assert await settled.concern([CURL, BASH]) == 1, "one waits already"
        assert await waiting(tx) == [IMAGE, OTHER_IMAGE]

    async def test_many_subjects_are_asked_for_in_parts(self, tx: Transaction, settled: Matching) -> None:
        assert await settled.concern([*range(1000, 21_000), CURL]) == 1
        assert await settled.concern([]) == 0

    async def test_subjects_that_it_has_no_longer_do_not_reach_it(self, tx: Transaction, settled: Matching) -> None:
        await settled.store([Judged(IMAGE, report(), frozenset({BASH}))])
        assert await settled.concern([CURL]) == 0

    async def test_the_new_come_before_the_concerned_and_those_before_the_rest(
        self, tx: Transaction, settled: Matching
    ) -> None:
        third = "sha256:" + "0" * 64
        assert await settled.refresh() == 2
        assert await settled.concern([CURL]) == 1
        await Images(tx).store_inventory(third, inventory())
        assert await waiting(tx) == [third, IMAGE, OTHER_IMAGE]
        assert [await claimed(settled, 1) for _ in range(3)] == [[third], [IMAGE], [OTHER_IMAGE]]

    async def test_advisories_that_say_nothing_new_of_it_are_its_advisories_too(
        self, tx: Transaction, settled: Matching
    ) -> None:
        later = START + timedelta(days=3)
        await settled.concern([CURL])
        await settled.advanced(later)
        built = {image: (await Images(tx).detail(image)).advisories_built for image in (IMAGE, OTHER_IMAGE)}
        assert built == {IMAGE: START, OTHER_IMAGE: later}


class TestClaiming:
    async def test_nobody_else_gets_it_until_the_claim_ends(self, tx: Transaction, matching: Matching) -> None:
        assert await claimed(matching) == [IMAGE, OTHER_IMAGE]
        assert await claimed(matching) == []
        tx.now += timedelta(seconds=61)
        assert await claimed(matching) == [IMAGE], "a worker died of one of them: they are tried one by one"
        assert await claimed(matching) == [OTHER_IMAGE]

    async def test_one_of_which_workers_die_does_not_keep_others_waiting(
        self, tx: Transaction, matching: Matching
    ) -> None:
        assert await claimed(matching, 1) == [IMAGE]
        tx.now += timedelta(seconds=61)
        assert await claimed(matching) == [OTHER_IMAGE]
        assert await claimed(matching) == [IMAGE]

    async def test_it_is_given_up_and_tried_again_when_there_is_a_reason(
        self, tx: Transaction, matching: Matching
    ) -> None:
        await matching.store([Judged(OTHER_IMAGE, report())])
        for _ in range(TRIES):
            assert await claimed(matching) == [IMAGE]
            tx.now += timedelta(seconds=61)
        assert await claimed(matching) == []
        assert await waiting(tx) == [IMAGE], "it is still said that nobody knows"
        await matching.refresh()
        assert await claimed(matching, 1) == [IMAGE]

    async def test_what_was_not_even_tried_is_given_back(self, tx: Transaction, matching: Matching) -> None:
        for _ in range(2 * TRIES):
            taken = await claimed(matching)
            assert taken == [IMAGE, OTHER_IMAGE]
            await matching.release(taken)

    async def test_a_later_inventory_is_not_settled_by_the_match_of_an_earlier_one(
        self, tx: Transaction, matching: Matching
    ) -> None:
        other = "sha256:" + "0" * 64
        await Images(tx).store_inventory(other, inventory(PACKAGES[:1], complete=False))
        held = {each.image: each for each in await matching.claim(10, 60)}[other]
        tx.now += timedelta(seconds=1)
        assert await Images(tx).store_inventory(other, inventory())
        assert await matching.store([Judged(other, report(), scanned=held.scanned)]) == []
        assert other in await waiting(tx)

    async def test_a_node_that_can_read_nothing_takes_no_place_of_one_that_can(
        self, tx: Transaction, matching: Matching
    ) -> None:
        images, other = Images(tx), "sha256:" + "0" * 64
        for node in ("node-1", "node-2"):
            await enrolled(tx, node)
        assert await images.present("node-1", [(other, ["web:1"]), (IMAGE, ["db:1"])]) == [other]
        assert not (await images.detail(other)).complete, "nobody has read it"
        assert await images.store_inventory(other, unread(other, "the disk failed"))
        assert not await images.store_inventory(other, unread(other, "the disk failed")), "the same again"
        detail = await images.detail(other)
        assert (detail.complete, detail.unknowns[0].why) == (False, "it could not be read: the disk failed")
        assert await images.present("node-2", [(other, ["web:1"])]) == [other], "another node may be able to"
        assert await images.store_inventory(other, inventory(PACKAGES[:1], complete=False))
        assert not await images.store_inventory(other, unread(other, "the disk failed"))
        assert await images.present("node-2", [(other, ["web:1"])]) == []
        assert (await images.detail(other)).packages == 1

    async def test_older_advisories_do_not_end_the_wait(self, tx: Transaction, settled: Matching) -> None:
        await settled.concern([CURL])
        await settled.store([Judged(IMAGE, report(), frozenset({CURL}), current=False)])
        assert await waiting(tx) == [IMAGE]
        assert await claimed(settled) == [], "not at once: the worker's file has to be replaced first"
        tx.now += LATER
        assert await claimed(settled) == [IMAGE]

    async def test_what_is_gone_is_left_out(self, matching: Matching) -> None:
        assert await matching.store([Judged("sha256:gone", report())]) == []


class TestStoring:
    async def test_the_same_again_is_not_written_again(self, tx: Transaction, settled: Matching) -> None:
        tx.now += timedelta(days=1)
        later = START + timedelta(days=1)
        assert await settled.store([Judged(IMAGE, report(built=later)), Judged(OTHER_IMAGE, report(()))]) == [
            OTHER_IMAGE
        ]
        detail = await Images(tx).detail(IMAGE)
        assert (detail.matched, detail.advisories_built) == (tx.now, later)
        assert (await Images(tx).detail(OTHER_IMAGE)).vulnerabilities[Severity.CRITICAL] == 0

    async def test_a_finding_is_as_old_as_its_first_match(self, tx: Transaction, settled: Matching) -> None:
        assert set((await found(tx)).values()) == {False}
        tx.now += timedelta(days=1)
        new = vulnerability("CVE-2026-0001", Severity.HIGH)
        await settled.store([Judged(IMAGE, report((*VULNERABILITIES, new)))])

        assert {identity for identity, fresh in (await found(tx)).items() if fresh} == {"CVE-2026-0001"}
        assert list(await found(tx, VulnerabilityFilter(since=tx.now))) == ["CVE-2026-0001"]
        assert next(iter(await found(tx, sort="-first_found"))) == "CVE-2026-0001"
        page = await Images(tx).vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)
        assert {each.first_found for each in page.items if not each.new} == {START}

    async def test_one_that_comes_back_is_found_anew(self, tx: Transaction, settled: Matching) -> None:
        for said in (VULNERABILITIES[1:], VULNERABILITIES):
            tx.now += timedelta(days=1)
            await settled.store([Judged(IMAGE, report(said))])

        assert [identity for identity, fresh in (await found(tx)).items() if fresh] == [VULNERABILITIES[0].id]

    async def test_one_that_gets_its_cve_is_not_found_anew(self, tx: Transaction, settled: Matching) -> None:
        first = vulnerability("GHSA-x", Severity.HIGH)
        await settled.store([Judged(IMAGE, report((first,)))])
        tx.now += timedelta(days=1)
        await settled.store([Judged(IMAGE, report((structs.replace(first, id="CVE-2026-1", aliases=("GHSA-x",)),)))])

        assert await found(tx) == {"CVE-2026-1": False}

    async def test_without_advisories_nothing_begins(self, tx: Transaction, matching: Matching) -> None:
        await matching.store([Judged(IMAGE, report((), built=None))])
        tx.now += timedelta(days=1)
        await matching.store([Judged(IMAGE, report())])

        assert set((await found(tx)).values()) == {False}, "the first advisories find nothing new, but everything"
