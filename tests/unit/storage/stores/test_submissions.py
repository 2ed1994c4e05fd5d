"""A submission is a claim: it is kept, renewed and forgotten, and takes the place of nothing that was seen."""

from datetime import timedelta

import pytest
from msgspec import structs
from tests.support.database import SCOPE, Clock
from tests.support.records import (
    APP,
    BASE,
    IMAGE,
    OTHER_IMAGE,
    claim,
    enrolled,
    inventory,
    matched,
    package,
    report,
    waiting,
)

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.identity import Role
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import Inventory, unread
from hullguard.model.submission import Submission
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.retention import sweep
from hullguard.storage.stores import (
    ImageFilter,
    Images,
    Lister,
    SubmissionFilter,
    Submissions,
    Tokens,
    Users,
    submissions,
)
from hullguard.storage.stores.matching import Matching
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


BUILT = structs.replace(inventory(), target=Target("x", "docker-archive", IMAGE))
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

    @pytest.mark.parametrize("over", [False, True])
    async def test_another_user_s_with_the_same_layers_gives_way_unless_it_is_an_operator_s(
        self, tx: Transaction, first: Submission, over: bool
    ) -> None:
        second = await Submissions(tx).keep(claim("other", of=EMPTY, user="user-2", over=over))

        assert (first.kept, second.kept) == (True, over)
        assert bool((await Images(tx).inventory(IMAGE)).packages) is not over

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
        liar = await Submissions(tx).keep(claim("liar", of=EMPTY, user="user-3"))

        assert not liar.kept
        assert await Images(tx).inventory(IMAGE) == BUILT
        assert (await Submissions(tx).settled(other.id, user="user-2")).image == IMAGE

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


async def test_an_image_that_something_else_lists_stays(tx: Transaction) -> None:
    kept = await Submissions(tx).keep(claim())
    await Images(tx).listed(Lister.REGISTRY, "r1", {OTHER_IMAGE: ["registry.test/shop:1"]})
    await Submissions(tx).delete(kept.id)

    assert await listed(tx) == [(OTHER_IMAGE, True, None)]


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
