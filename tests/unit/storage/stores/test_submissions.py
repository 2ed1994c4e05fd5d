"""A submission is a claim: it is kept, renewed and forgotten, and takes the place of nothing that was seen."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from tests.support.database import SCOPE, Clock
from tests.support.records import (
    APP,
    BASE,
    IMAGE,
    OTHER_IMAGE,
    PACKAGES,
    VULNERABILITIES,
    claim,
    enrolled,
    inventory,
    matched,
    package,
    report,
    waiting,
)

from hullguard.model.content import Misconfiguration
from hullguard.model.errors import Conflict, NotFound
from hullguard.model.identity import Role
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.inventory import Inventory, unread
from hullguard.model.package import Unknown
from hullguard.model.severity import Severity
from hullguard.model.submission import Submission
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.retention import sweep
from hullguard.storage.stores import (
    ImageFilter,
    Images,
    Lister,
    PackageFilter,
    SubmissionFilter,
    Submissions,
    Tokens,
    Users,
    VulnerabilityFilter,
    submissions,
)
from hullguard.storage.stores.matching import Judged, Matching
from hullguard.storage.stores.wait import TRIES

REQUEST = PageRequest()
EMPTY = structs.replace(inventory(()), target=Target("x", "docker-archive", IMAGE))
"""The lie that hides everything: the image's own layers, and no package."""


def tree(name: str = "srv", version: str = "1") -> Inventory:
    return Inventory(Target(f"dir:/{name}", "dir"), packages=(package("left-pad", version),))


async def listed(tx: Transaction) -> list[tuple[str, bool, str | None]]:
    page = await Images(tx).page(ImageFilter(), REQUEST)
    return sorted((each.id, each.submitted, each.kind) for each in page.items)


async def test_what_is_submitted_is_an_image_that_waits_to_be_matched(tx: Transaction) -> None:
    kept = await Submissions(tx).keep(claim())

    assert kept.kept
    assert kept.image == OTHER_IMAGE
    assert kept.expires == tx.now + timedelta(days=90)
    assert await listed(tx) == [(OTHER_IMAGE, True, None)]
    assert await waiting(tx) == [OTHER_IMAGE]
    detail = await Images(tx).detail(OTHER_IMAGE)
    assert (detail.names, detail.submissions, detail.nodes) == (("shop:ci",), 1, 0)


async def test_a_later_one_of_the_same_name_takes_its_place(tx: Transaction) -> None:
    first = await Submissions(tx).keep(claim("srv", of=tree()))
    second = await Submissions(tx).keep(claim("srv", of=tree(version="2"), host="runner-8"))

    assert second.id == first.id
    assert second.image == first.image
    assert (await Submissions(tx).page(SubmissionFilter(), REQUEST)).total == 1
    assert (await Images(tx).inventory(first.image)).packages[0].version == "2"
    assert await listed(tx) == [(first.image, True, "dir")]


async def test_a_later_build_of_the_same_name_is_another_image_and_the_first_one_leaves(tx: Transaction) -> None:
    await Submissions(tx).keep(claim())
    newer = structs.replace(inventory(), target=Target("shop:ci", "docker-archive", IMAGE))
    await Submissions(tx).keep(claim(of=newer))

    assert await listed(tx) == [(IMAGE, True, None)]


async def test_it_says_by_name_who_sent_it(tx: Transaction) -> None:
    omar = await Users(tx).create("omar", Role.OPERATOR, "hash")
    token = await Tokens(tx).create("build of the shop", omar.id, Role.SUBMITTER, "hash of it", tx.now)
    sent = await Submissions(tx).keep(claim(by=f"token:{token.id}", user=omar.id))
    own = await Submissions(tx).keep(claim("srv", of=tree(), by="user:omar", user=omar.id))

    assert (sent.user, sent.token) == ("omar", "build of the shop")
    assert (own.user, own.token) == ("omar", None)
    await Tokens(tx).delete(token.id, user=omar.id)
    page = await Submissions(tx).page(SubmissionFilter(), REQUEST)
    assert [(each.user, each.token) for each in page.items] == [("omar", None)] * 2
    await Users(tx).delete(omar.id)
    assert (await Submissions(tx).get(sent.id)).user is None


async def test_a_directory_and_a_bill_of_one_name_are_two_things(tx: Transaction) -> None:
    bill = structs.replace(tree(), target=Target("sbom:srv.json", "sbom"))
    one, other = [await Submissions(tx).keep(claim("srv", of=each)) for each in (tree(), bill)]

    assert one.id != other.id
    assert one.image != other.image


class TestTrust:
    @pytest.fixture
    async def images(self, tx: Transaction) -> Images:
        """An image that a node has and has read."""
        await enrolled(tx)
        images = Images(tx)
        await images.present("node-1", [(IMAGE, ["nginx:1.25"])])
        await images.store_inventory(IMAGE, inventory())
        await matched(tx, IMAGE, report())
        return images

    async def test_what_a_node_has_read_stays(self, tx: Transaction, images: Images) -> None:
        kept = await Submissions(tx).keep(claim("nginx:lie", of=EMPTY))

        assert not kept.kept
        assert await images.inventory(IMAGE) == inventory()
        assert len((await images.report(IMAGE)).vulnerabilities) == 5
        assert await listed(tx) == [(IMAGE, False, None)]

    async def test_nor_does_a_claim_of_a_newer_reader_take_its_place(self, tx: Transaction, images: Images) -> None:
        await Submissions(tx).keep(claim("nginx:lie", of=structs.replace(EMPTY, reader=1 << 60)))

        assert await images.inventory(IMAGE) == inventory()

    async def test_what_a_node_read_in_part_stays_too(self, tx: Transaction) -> None:
        images = Images(tx)
        await images.store_inventory(IMAGE, inventory(complete=False))
        await Submissions(tx).keep(claim("nginx:lie", of=EMPTY))

        assert await images.inventory(IMAGE) == inventory(complete=False)

    async def test_it_gets_no_name_that_policies_could_go_by(self, tx: Transaction, images: Images) -> None:
        await Submissions(tx).keep(claim("trusted/base:1", of=EMPTY))

        assert (await images.detail(IMAGE)).names == ("nginx:1.25",)

    async def test_names_that_were_submitted_first_give_way_to_those_of_a_node(self, tx: Transaction) -> None:
        await enrolled(tx)
        await Submissions(tx).keep(claim("trusted/base:1", of=EMPTY))
        assert (await Images(tx).detail(IMAGE)).names == ("trusted/base:1",)
        await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])

        assert (await Images(tx).detail(IMAGE)).names == ("nginx:1.25",)

    async def test_those_of_a_registry_count_too(self, tx: Transaction) -> None:
        await Submissions(tx).keep(claim("trusted/base:1", of=EMPTY))
        await Images(tx).listed(Lister.REGISTRY, "r1", {IMAGE: ["registry.test/nginx:1"]})

        assert (await Images(tx).detail(IMAGE)).names == ("registry.test/nginx:1",)

    async def test_a_node_is_asked_for_what_was_only_submitted_and_is_believed(self, tx: Transaction) -> None:
        await enrolled(tx)
        await Submissions(tx).keep(claim("nginx:lie", of=structs.replace(EMPTY, reader=1 << 60)))
        images = Images(tx)

        assert await images.present("node-1", [(IMAGE, ["nginx:1.25"])]) == [IMAGE]
        assert await images.store_inventory(IMAGE, inventory())
        assert await images.inventory(IMAGE) == inventory()
        assert await images.present("node-1", [(IMAGE, ["nginx:1.25"])]) == []
        assert await listed(tx) == [(IMAGE, False, None)]

    async def test_a_claim_is_better_than_that_nothing_could_be_read(self, tx: Transaction) -> None:
        images = Images(tx)
        await images.store_inventory(IMAGE, unread(IMAGE, "the disk failed"))
        kept = await Submissions(tx).keep(claim("nginx", of=structs.replace(inventory(), target=EMPTY.target)))
        await images.store_inventory(IMAGE, unread(IMAGE, "the disk failed again"))

        assert kept.kept
        assert len((await images.inventory(IMAGE)).packages) == 4
        assert await listed(tx) == [(IMAGE, True, None)]

    @pytest.mark.parametrize("layers", [(), (APP, BASE), (BASE,), (BASE, APP, BASE)])
    async def test_who_claims_an_image_knows_its_layers(self, tx: Transaction, images: Images, layers) -> None:
        wrong = structs.replace(EMPTY, layers=tuple(map(Layer, layers)))
        with pytest.raises(Conflict) as refused:
            await Submissions(tx).keep(claim("nginx:lie", of=wrong))

        assert refused.value.code == "submission.not-that-image"


BUILT = structs.replace(inventory(), target=Target("x", "docker-archive", IMAGE, platform="linux/amd64"))
OS = OperatingSystem("debian", "12", "Debian GNU/Linux 12")
MISCONFIGURED = Misconfiguration("CIS-DI-0001", "root", Severity.MEDIUM, "it runs as root", "name a user")
HIDDEN = structs.replace(EMPTY, layers=(Layer(APP), Layer(BASE)))


class TestBetweenClaims:
    @pytest.fixture
    async def first(self, tx: Transaction) -> Submission:
        """An image that ``user-1`` has submitted, and that was matched."""
        kept = await Submissions(tx).keep(claim("shop:1", of=BUILT))
        await matched(tx, IMAGE, report())
        return kept

    async def test_another_user_s_with_other_layers_is_refused(self, tx: Transaction, first: Submission) -> None:
        with pytest.raises(Conflict) as refused:
            await Submissions(tx).keep(claim("evil", of=HIDDEN, user="user-2"))

        assert refused.value.code == "submission.not-that-image"
        assert (await Submissions(tx).settled(first.id, user="user-1")).image == IMAGE
        assert len((await Images(tx).inventory(IMAGE)).packages) == 4

    @pytest.mark.parametrize(
        "otherwise",
        [
            {"packages": ()},
            {"packages": BUILT.packages[1:]},
            {"os": structs.replace(OS, version_id="13")},
            {"unknowns": (Unknown("secrets", "nobody looked"),)},
            {"complete": False},
            {"config": (MISCONFIGURED,)},
            {"loadable": {"openssl": ("usr/bin/openssl",)}},
            {"target": structs.replace(BUILT.target, platform="linux/arm64")},
            {"layers": (structs.replace(BUILT.layers[0], base=False), *BUILT.layers[1:])},
            {"packages": (), "layers": (), "complete": False},
        ],
        ids="-".join,
    )
    async def test_nobody_is_judged_by_what_another_user_says(
        self, tx: Transaction, first: Submission, otherwise: dict[str, Any]
    ) -> None:
        says = structs.replace(BUILT, **otherwise)
        with pytest.raises(Conflict, match=r"what another user has submitted of .* says otherwise") as refused:
            await Submissions(tx).keep(claim("other", of=says, user="user-2"))

        assert refused.value.code == "submission.says-otherwise"
        assert (await Submissions(tx).page(SubmissionFilter(), REQUEST)).items == [first]
        assert (await Images(tx).detail(IMAGE)).names == ("shop:1",)
        assert await Images(tx).inventory(IMAGE) == BUILT

    async def test_who_says_the_same_from_elsewhere_stands_for_it_too(self, tx: Transaction, first: Submission) -> None:
        target = Target("docker:shop", "docker", IMAGE, digest="sha256:" + "5" * 64, tags=("shop:9",))
        target = structs.replace(target, platform=BUILT.target.platform)
        layers = tuple(structs.replace(each, digest="sha256:" + "6" * 64) for each in BUILT.layers)
        again = structs.replace(BUILT, target=target, layers=layers, packages=BUILT.packages[::-1])
        second = await Submissions(tx).keep(claim("other", of=again, user="user-2"))

        assert (second.kept, second.seen) == (True, False)
        assert (await Submissions(tx).settled(second.id, user="user-2")).image == IMAGE
        with pytest.raises(Conflict):  # nor may the first change what both say
            await Submissions(tx).keep(claim("shop:1", of=EMPTY))
        assert await Images(tx).inventory(IMAGE) == BUILT

    async def test_an_operator_s_takes_the_place_and_the_other_is_not_judged_by_it(
        self, tx: Transaction, first: Submission
    ) -> None:
        over = await Submissions(tx).keep(claim("other", of=EMPTY, user="user-2", over=True))
        await matched(tx, IMAGE, report(()))
        with pytest.raises(Conflict, match="another user has submitted, and that says otherwise") as refused:
            await Submissions(tx).settled(first.id, user="user-1")

        assert over.kept
        assert not (await Submissions(tx).get(first.id)).kept
        assert (await Images(tx).inventory(IMAGE)).packages == ()
        assert refused.value.code == "submission.says-otherwise"
        assert (await Submissions(tx).settled(over.id, user="user-2")).image == IMAGE

    async def test_an_operator_s_that_was_read_in_part_is_not_judged_by_another_s(
        self, tx: Transaction, first: Submission
    ) -> None:
        partial = structs.replace(EMPTY, complete=False)
        with pytest.raises(Conflict):
            await Submissions(tx).keep(claim("other", of=partial, user="user-2", over=True))

        assert await Images(tx).inventory(IMAGE) == BUILT

    async def test_what_was_replaced_by_the_same_user_s_is_judged_by_that(
        self, tx: Transaction, first: Submission
    ) -> None:
        await Submissions(tx).keep(claim("shop:2", of=EMPTY))
        await matched(tx, IMAGE, report(()))

        assert not (await Submissions(tx).get(first.id)).kept
        assert (await Submissions(tx).settled(first.id, user="user-1")).image == IMAGE

    async def test_the_same_user_renews_it_under_any_name(self, tx: Transaction, first: Submission) -> None:
        second = await Submissions(tx).keep(claim("shop:2", of=EMPTY, by="token:t2"))

        assert second.kept
        assert (await Images(tx).inventory(IMAGE)).packages == ()

    @pytest.mark.parametrize("worse", [{"complete": False}, {"complete": False, "layers": ()}])
    async def test_what_was_read_in_part_takes_the_place_of_nothing_whole(self, tx: Transaction, worse) -> None:
        await Submissions(tx).keep(claim("shop:1", of=BUILT))
        second = await Submissions(tx).keep(claim("shop:2", of=structs.replace(EMPTY, **worse)))

        assert not second.kept
        assert await Images(tx).inventory(IMAGE) == BUILT

    async def test_that_nothing_could_be_read_gives_way_to_anybody(self, tx: Transaction) -> None:
        await Submissions(tx).keep(claim("broken", of=unread(IMAGE, "the disk failed"), user="user-2"))
        kept = await Submissions(tx).keep(claim("shop:1", of=BUILT))

        assert kept.kept
        assert await Images(tx).inventory(IMAGE) == BUILT

    async def test_those_who_stay_with_the_image_keep_what_they_were_told(
        self, tx: Transaction, first: Submission
    ) -> None:
        other = await Submissions(tx).keep(claim("other", of=BUILT, user="user-2"))
        await Submissions(tx).delete(first.id)
        with pytest.raises(Conflict):
            await Submissions(tx).keep(claim("liar", of=EMPTY, user="user-3"))

        assert await Images(tx).inventory(IMAGE) == BUILT
        assert (await Submissions(tx).settled(other.id, user="user-2")).image == IMAGE
        await Submissions(tx).delete(other.id)
        assert (await Submissions(tx).keep(claim("shop:1", of=EMPTY))).kept

    async def test_a_wrong_one_that_was_deleted_stands_in_nobody_s_way(self, tx: Transaction) -> None:
        wrong = await Submissions(tx).keep(claim("wrong", of=HIDDEN, user="user-2"))
        await Images(tx).listed(Lister.REGISTRY, "r1", {IMAGE: ["registry.test/shop:1"]})
        with pytest.raises(Conflict):
            await Submissions(tx).keep(claim("shop:1", of=BUILT))
        await Submissions(tx).delete(wrong.id)

        assert (await Submissions(tx).keep(claim("shop:1", of=BUILT))).kept

    @pytest.mark.parametrize("of", [tree(), BUILT], ids=["directory", "image"])
    async def test_a_name_is_its_first_user_s(self, tx: Transaction, of: Inventory) -> None:
        await Submissions(tx).keep(claim("srv", of=of))
        with pytest.raises(Conflict) as taken:
            await Submissions(tx).keep(claim("srv", of=structs.replace(of, packages=()), user="user-2"))
        renewed = await Submissions(tx).keep(claim("srv", of=of, by="token:t2"))

        assert taken.value.code == "submission.name-taken"
        assert renewed.by == "token:t2"
        assert (await Submissions(tx).keep(claim("srv", of=of, user="user-2", over=True))).kept


class TestReportOfAClaim:
    """Who names an image's id and invents the rest is not told what others have read of it."""

    @pytest.mark.parametrize(
        "invented",
        [
            HIDDEN,
            structs.replace(EMPTY, layers=()),
            structs.replace(EMPTY, layers=(Layer(BASE),), complete=False),
            unread(IMAGE, "so I say"),
        ],
        ids=["other", "none", "some", "unread"],
    )
    @pytest.mark.parametrize("read_first", [False, True])
    async def test_of_an_image_that_was_read_meanwhile_or_before(
        self, tx: Transaction, invented: Inventory, read_first: bool
    ) -> None:
        kept = None
        if not read_first:
            kept = await Submissions(tx).keep(claim("squat", of=invented))
        await Images(tx).listed(Lister.REGISTRY, "r1", {IMAGE: ["registry.test/shop:1"]})
        await Images(tx).store_inventory(IMAGE, inventory())
        await matched(tx, IMAGE, report())

        async def ask() -> None:
            made = kept or await Submissions(tx).keep(claim("squat", of=invented))
            await Submissions(tx).settled(made.id, user="user-1")

        with pytest.raises(Conflict) as refused:
            await ask()

        assert refused.value.code == "submission.not-that-image"

    async def test_with_its_layers_it_is_told(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim("shop:1", of=EMPTY))
        await Images(tx).store_inventory(IMAGE, inventory())
        await matched(tx, IMAGE, report())

        assert (await Submissions(tx).settled(kept.id, user="user-1")).image == IMAGE

    async def test_of_what_is_no_image_only_the_own_claim_is_told(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim("srv", of=tree()))
        await matched(tx, kept.image, report())
        assert (await Submissions(tx).settled(kept.id, user="user-1")).image == kept.image
        await Images(tx).store_inventory(kept.image, inventory(()))
        await matched(tx, kept.image, report())
        with pytest.raises(Conflict) as refused:
            await Submissions(tx).settled(kept.id, user="user-1")

        assert refused.value.code == "submission.not-that-image"


async def test_a_submission_that_is_deleted_takes_its_image_along(tx: Transaction) -> None:
    kept = await Submissions(tx).keep(claim())
    gone = await Submissions(tx).delete(kept.id)

    assert gone.name == "shop:ci"
    assert await listed(tx) == []
    with pytest.raises(NotFound):
        await Submissions(tx).get(kept.id)


class TestGone:
    """What only a submission said of an image goes with it: nothing is told by the word of nobody."""

    @pytest.fixture
    async def liar(self, tx: Transaction) -> Submission:
        """Says of an image that a registry lists, too, that it has no packages; and it was matched."""
        await Images(tx).listed(Lister.REGISTRY, "r1", {IMAGE: ["registry.test/shop:1"]})
        kept = await Submissions(tx).keep(claim("liar", of=structs.replace(BUILT, packages=PACKAGES[:1])))
        await matched(tx, IMAGE, report(VULNERABILITIES[:2], of=(await Images(tx).inventory(IMAGE))))
        return kept

    async def unread(self, tx: Transaction) -> None:
        images = Images(tx)
        detail = await images.detail(IMAGE)

        assert (detail.scanned, detail.matched, detail.complete, detail.submitted) == (None, None, False, False)
        assert (detail.packages, detail.os, detail.size, detail.layers) == (0, None, 0, ())
        assert sum(detail.vulnerabilities.values()) == 0
        for ask in (images.inventory, images.report):
            with pytest.raises(NotFound):
                await ask(IMAGE)
        assert (await images.vulnerabilities(IMAGE, VulnerabilityFilter(), REQUEST)).total == 0
        assert (await images.packages(IMAGE, PackageFilter(), REQUEST)).total == 0
        assert (await images.page(ImageFilter(scanned=False), REQUEST)).total == 1
        assert IMAGE not in await waiting(tx)

    async def test_an_image_that_something_else_lists_stays_and_is_not_read(
        self, tx: Transaction, liar: Submission
    ) -> None:
        await Submissions(tx).delete(liar.id)

        await self.unread(tx)
        assert (await Images(tx).detail(IMAGE)).names == ("registry.test/shop:1",)
        assert (await Submissions(tx).keep(claim("shop:1", of=BUILT, user="user-2"))).kept
        await matched(tx, IMAGE, report())
        assert sum((await Images(tx).detail(IMAGE)).vulnerabilities.values()) == 5

    async def test_one_that_a_node_has_is_asked_for_and_read(self, tx: Transaction, liar: Submission) -> None:
        await enrolled(tx)
        await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])])
        await Submissions(tx).delete(liar.id)

        await self.unread(tx)
        assert await Images(tx).present("node-1", [(IMAGE, ["nginx:1.25"])]) == [IMAGE]
        assert await Images(tx).store_inventory(IMAGE, inventory())

    async def test_what_a_worker_made_of_it_meanwhile_is_left_out(self, tx: Transaction, liar: Submission) -> None:
        scanned = (await Images(tx).detail(IMAGE)).scanned
        await Submissions(tx).delete(liar.id)
        await Matching(tx).store([Judged(IMAGE, report(), scanned=scanned)])

        await self.unread(tx)

    async def test_when_its_name_goes_to_another_image(self, tx: Transaction, liar: Submission) -> None:
        moved = structs.replace(BUILT, target=structs.replace(BUILT.target, image_id=OTHER_IMAGE))
        assert (await Submissions(tx).keep(claim("liar", of=moved))).id == liar.id

        await self.unread(tx)

    async def test_when_nobody_sends_it_again(self, storage: Storage, clock: Clock) -> None:
        async with storage.transaction(SCOPE) as tx:
            await Images(tx).listed(Lister.REGISTRY, "r1", {IMAGE: ["registry.test/shop:1"]})
            await Submissions(tx).keep(claim("brief", of=BUILT, days=1))
        clock.forward(days=2)
        async with storage.transaction(SCOPE) as tx:
            await sweep(tx)
            await self.unread(tx)

    async def test_with_its_user_while_it_is_listed_still(self, tx: Transaction) -> None:
        omar = await Users(tx).create("omar", Role.OPERATOR, "hash")
        kept = await Submissions(tx).keep(claim("liar", of=EMPTY, user=omar.id))
        await matched(tx, IMAGE, report(()))
        await Users(tx).delete(omar.id)

        await self.unread(tx)
        with pytest.raises(Conflict, match="nothing is known here any more of what was submitted as liar") as refused:
            await Submissions(tx).settled(kept.id, user=None)
        assert refused.value.code == "submission.unread"
        assert not (await Submissions(tx).get(kept.id)).kept
        assert (await Submissions(tx).keep(claim("shop:1", of=BUILT, user="user-2"))).kept

    @pytest.mark.parametrize("goes", ["submission", "user"])
    async def test_what_another_said_as_well_is_that_one_s(self, tx: Transaction, goes: str) -> None:
        omar = await Users(tx).create("omar", Role.OPERATOR, "hash")
        first = await Submissions(tx).keep(claim("first", of=BUILT, user=omar.id))
        other = await Submissions(tx).keep(claim("other", of=BUILT, user="user-2"))
        await matched(tx, IMAGE, report())
        await (Submissions(tx).delete(first.id) if goes == "submission" else Users(tx).delete(omar.id))

        assert await Images(tx).inventory(IMAGE) == BUILT
        assert (await Submissions(tx).settled(other.id, user="user-2")).image == IMAGE
        with pytest.raises(Conflict):
            await Submissions(tx).keep(claim("third", of=EMPTY, user="user-3"))
        renewed = await Submissions(tx).keep(claim("other", of=EMPTY, user="user-2"))
        assert (renewed.kept, (await Images(tx).inventory(IMAGE)).packages) == (True, ())

    async def test_what_it_said_before_its_last_was_replaced_does_not_come_back(self, tx: Transaction) -> None:
        first = await Submissions(tx).keep(claim("shop:1", of=BUILT))
        second = await Submissions(tx).keep(claim("shop:2", of=EMPTY))
        await matched(tx, IMAGE, report(()))
        await Submissions(tx).delete(second.id)

        await self.unread(tx)
        with pytest.raises(Conflict, match="submit it again"):
            await Submissions(tx).settled(first.id, user="user-1")

    async def test_what_a_node_has_read_stays(self, tx: Transaction, liar: Submission) -> None:
        await Images(tx).store_inventory(IMAGE, inventory())
        assert (await Submissions(tx).get(liar.id)).seen
        await Submissions(tx).delete(liar.id)

        assert await Images(tx).inventory(IMAGE) == inventory()


async def test_what_nobody_sends_again_is_forgotten(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Submissions(tx).keep(claim("brief", of=tree("a"), days=1))
        await Submissions(tx).keep(claim("lasting", of=tree("b"), days=30))
    clock.forward(days=2)
    async with storage.transaction(SCOPE) as tx:
        await Submissions(tx).keep(claim("renewed", of=tree("c"), days=1))
        assert (await sweep(tx))["submissions"] == 1
        page = await Submissions(tx).page(SubmissionFilter(), REQUEST)

    assert {each.name for each in page.items} == {"lasting", "renewed"}


async def test_there_is_an_end_to_how_much_is_kept(tx: Transaction, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submissions, "MOST", 2)
    for name in ("a", "b", "a"):
        await Submissions(tx).keep(claim(name, of=tree(name)))
    with pytest.raises(Conflict) as full:
        await Submissions(tx).keep(claim("c", of=tree("c")))
    monkeypatch.setattr(submissions, "MOST_BYTES", 9000)
    with pytest.raises(Conflict):
        await Submissions(tx).keep(claim("b", of=tree("b"), size=5001))
    await Submissions(tx).keep(claim("b", of=tree("b"), size=5000))

    assert full.value.code == "submission.too-many"


class TestSettled:
    async def test_it_waits_until_it_was_matched(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim())
        with pytest.raises(Conflict) as waits:
            await Submissions(tx).settled(kept.id, user="user-1")
        await matched(tx, OTHER_IMAGE, report())

        assert waits.value.code == "submission.waits"
        assert (await Submissions(tx).settled(kept.id, user="user-1")).image == OTHER_IMAGE

    async def test_what_is_sent_again_waits_again(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim())
        await matched(tx, OTHER_IMAGE, report())
        await Submissions(tx).keep(claim())
        with pytest.raises(Conflict):
            await Submissions(tx).settled(kept.id, user=None)

    async def test_somebody_else_s_is_not_there(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim())
        await matched(tx, OTHER_IMAGE, report())
        with pytest.raises(NotFound):
            await Submissions(tx).settled(kept.id, user="user-2")

    async def test_what_workers_die_of_is_told_to_be_in_vain(self, tx: Transaction) -> None:
        kept = await Submissions(tx).keep(claim())
        for _ in range(TRIES):
            await Matching(tx).claim(1, -1)
        with pytest.raises(Conflict) as given_up:
            await Submissions(tx).settled(kept.id, user=None)

        assert given_up.value.code == "submission.given-up"


async def test_those_of_an_image_are_found(tx: Transaction) -> None:
    await Submissions(tx).keep(claim("a", of=tree("a")))
    await Submissions(tx).keep(claim("shop:1"))
    await Submissions(tx).keep(claim("shop:2"))
    page = await Submissions(tx).page(SubmissionFilter(image=OTHER_IMAGE), REQUEST)

    assert {each.name for each in page.items} == {"shop:1", "shop:2"}


async def test_a_name_that_was_kept_before_it_would_be_refused_turns_nothing_where_it_is_shown(tx: Transaction) -> None:
    odd, told = "shop\u202egpj:1", "shop\ufffdgpj:1"
    kept = await Submissions(tx).keep(claim(odd, host="run\u2066ner"))

    assert (kept.name, kept.host) == (told, "run\ufffdner")
    assert (await Submissions(tx).page(SubmissionFilter(), REQUEST)).items == [kept]
    with pytest.raises(Conflict, match=f"what was submitted as {told} waits"):
        await Submissions(tx).settled(kept.id, user=None)
    assert (await Submissions(tx).keep(claim(odd, user="user-1"))).id == kept.id  # it is one and the same still
