"""Registries and their images, as workers and people change them."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, Clock
from tests.support.records import IMAGE, VULNERABILITIES, inventory, matched, report
from tests.support.registries import DIGEST, HOST, IMAGE_ID, listed, registry_listing, registry_spec

from hullguard.model.errors import Conflict, NotFound
from hullguard.model.identity import Scope
from hullguard.model.registry import ImageState, Registry, RegistryListing, RegistryState, Trouble
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import (
    READ_REGISTRY,
    ImageFilter,
    Images,
    Jobs,
    Registries,
    RegistryImageFilter,
    RegistryImages,
)
from hullguard.storage.tables import registry_images

OTHER = "sha256:" + "1" * 64


async def new(storage: Storage, **fields: object) -> str:
    async with storage.transaction(SCOPE) as tx:
        return (await Registries(tx).create(registry_spec(**fields), "user:a")).id


async def took(storage: Storage, registry: str, listing: RegistryListing) -> None:
    async with storage.transaction(SCOPE) as tx:
        work = await Registries(tx).work(registry)
        await RegistryImages(tx, registry).replace(work, listing, 0)
        await Registries(tx).listed(work, listing)


async def states(storage: Storage, registry: str) -> dict[tuple[str, str], ImageState]:
    async with storage.reading(SCOPE) as tx:
        page = await RegistryImages(tx, registry).page(RegistryImageFilter(), PageRequest(500))
    return {(each.repository, each.tag): each.state for each in page.items}


async def read_all(storage: Storage, registry: str, state: ImageState = ImageState.DONE) -> list[str]:
    read = []
    async with storage.transaction(SCOPE) as tx:
        images = RegistryImages(tx, registry)
        while image := await images.waiting():
            read.append(f"{image.repository}:{image.tag}")
            await images.ended(image, state, image_id=image.image_id, code="", why="")
    return read


async def get(storage: Storage, registry: str) -> Registry:
    async with storage.reading(SCOPE) as tx:
        return await Registries(tx).get(registry)


@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_images_of_a_repository_are_listed_by_their_versions(storage: Storage, limit: int) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(*map(listed, ("1.9", "main", "1.10", "2.0-rc1", "2.0", "latest"))))
    wanted = ["latest", "2.0", "2.0-rc1", "1.10", "1.9", "main"]
    assert await tags(storage, registry, limit) == wanted
    assert await tags(storage, registry, limit, "-repository") == wanted[::-1]
    # Those that an older version has listed get their places when they are listed the next time.
    async with storage.transaction(SCOPE) as tx:
        await tx.run(sa.update(registry_images).values(place=registry_images.c.id))
    assert sorted(await tags(storage, registry, limit)) == sorted(wanted)
    await took(storage, registry, registry_listing(unchanged=tuple(("app", tag) for tag in wanted)))
    assert await tags(storage, registry, limit) == wanted


async def tags(storage: Storage, registry: str, limit: int, sort: str | None = None) -> list[str]:
    found: list[str] = []
    cursor: str | None = None
    while True:
        async with storage.reading(SCOPE) as tx:
            request = PageRequest(limit, cursor, sort)
            page = await RegistryImages(tx, registry).page(RegistryImageFilter(), request)
        found += [each.tag for each in page.items]
        cursor = page.cursor
        if cursor is None:
            return found


async def test_what_is_unchanged_is_not_read_again_and_what_failed_is(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1"), listed("2", digest=OTHER, image_id=OTHER)))
    async with storage.transaction(SCOPE) as tx:
        images = RegistryImages(tx, registry)
        image = await images.waiting()
        assert image is not None
        await images.ended(image, ImageState.FAILED, image_id=None, code="image.digest-mismatch", why="damaged")
    assert await read_all(storage, registry) == ["app:2"]
    await took(storage, registry, registry_listing(unchanged=(("app", "1"), ("app", "2"))))
    assert await states(storage, registry) == {("app", "1"): ImageState.WAITING, ("app", "2"): ImageState.DONE}
    await read_all(storage, registry)
    # Listed anew with the same digest, as after a change of the registry's settings.
    await took(storage, registry, registry_listing(listed("1"), listed("2", digest=OTHER, image_id=OTHER)))
    assert await read_all(storage, registry) == []


async def test_a_tag_that_moved_is_read_and_one_that_is_gone_goes_with_its_image(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1"), listed("2", digest=OTHER, image_id=OTHER)))
    await read_all(storage, registry)
    async with storage.reading(SCOPE) as tx:
        assert await RegistryImages(tx, registry).tags() == {("app", "1"): DIGEST, ("app", "2"): OTHER}
    await took(storage, registry, registry_listing(listed("1", digest=OTHER, image_id=OTHER)))
    assert await states(storage, registry) == {("app", "1"): ImageState.WAITING}
    async with storage.reading(SCOPE) as tx:
        page = await Images(tx).page(ImageFilter(), PageRequest())
    assert [(image.id, image.names) for image in page.items] == [(OTHER, (f"{HOST}/app:1",))]


async def test_what_could_not_be_listed_stays_as_it_is_known(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1"), listed("1", "other", digest=OTHER, image_id=OTHER)))
    await read_all(storage, registry)
    trouble = Trouble("registry.denied", "the registry forbids it")
    await took(storage, registry, registry_listing(unlisted=("other",), trouble=trouble))
    assert await states(storage, registry) == {("other", "1"): ImageState.DONE}
    assert (await get(storage, registry)).trouble == trouble


async def test_an_image_that_was_read_whole_elsewhere_is_not_read(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(IMAGE, inventory())
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed(image_id=IMAGE)))
    assert await states(storage, registry) == {("app", "1"): ImageState.DONE}
    async with storage.transaction(SCOPE) as tx:
        await Registries(tx).done(registry)
        await Registries(tx).ask(registry, again=True)
    await took(storage, registry, registry_listing(unchanged=(("app", "1"),)))
    assert await read_all(storage, registry) == ["app:1"]


async def test_two_tags_of_one_manifest_are_read_once(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1"), listed("latest")))
    assert await read_all(storage, registry) == ["app:1"]
    assert set((await states(storage, registry)).values()) == {ImageState.DONE}


async def test_one_whose_reader_died_is_read_first(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1"), listed("2", digest=OTHER, image_id=OTHER)))
    for _ in range(2):
        async with storage.transaction(SCOPE) as tx:
            image = await RegistryImages(tx, registry).waiting()
            assert image is not None
            assert image.tag == "1"


async def test_a_change_that_comes_while_it_is_listed_has_it_listed_again(storage: Storage) -> None:
    registry = await new(storage)
    async with storage.transaction(SCOPE) as tx:
        work = await Registries(tx).work(registry)
        await Registries(tx).began(registry, RegistryState.LISTING)
    async with storage.transaction(SCOPE) as tx:
        await Registries(tx).update(registry, registry_spec("b"), "user:a", expected_version=1, password=None)
    async with storage.transaction(SCOPE) as tx:
        await RegistryImages(tx, registry).replace(work, registry_listing(), 0)
        await Registries(tx).listed(work, registry_listing())
        assert (await Registries(tx).work(registry)).to_list


async def test_it_is_listed_when_its_time_has_come(storage: Storage, clock: Clock) -> None:
    registry = await new(storage, every_hours=2)
    never = await new(storage, name="never")
    await took(storage, registry, registry_listing())
    async with storage.transaction(SCOPE) as tx:
        await Registries(tx).done(registry)
        assert await Registries(tx).enqueue_due() == []
    clock.forward(hours=7)
    async with storage.transaction(SCOPE) as tx:
        assert await Registries(tx).enqueue_due() == [registry]
        assert await Registries(tx).enqueue_due() == []
        assert (await Registries(tx).get(registry)).state is RegistryState.WAITING
        assert (await Registries(tx).get(registry)).due == tx.now + timedelta(hours=2)
        assert (await Registries(tx).get(registry)).retry is None
        assert (await Registries(tx).get(never)).due is None


async def test_due_says_when_a_failure_is_tried_again(storage: Storage) -> None:
    registry = await new(storage)
    async with storage.transaction(SCOPE) as tx:
        job = await Jobs(tx).take([READ_REGISTRY], 60, alone=True)
        assert job is not None
        await Registries(tx).failed(registry, Trouble("registry.busy", "asks to wait"))
        await Jobs(tx).failed(job, "asks to wait", after=timedelta(minutes=5))
        found = await Registries(tx).get(registry)
        assert (found.state, found.due) == (RegistryState.FAILED, tx.now + timedelta(minutes=5))
        assert found.retry == found.due
        await Registries(tx).ask(registry, again=False)
        assert await Jobs(tx).take([READ_REGISTRY], 60, alone=True) is not None


async def test_an_image_comes_with_what_is_known_of_it(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing(listed("1", image_id=IMAGE), listed("2", image_id=None)))
    assert await known(storage, registry) == {"1": (None, 1), "2": None}
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(IMAGE, inventory())
        await matched(tx, IMAGE, report())
    expected = len(VULNERABILITIES)
    assert await known(storage, registry) == {"1": (expected, 1), "2": None}
    # Who may see but the images of some clusters sees none that lies in no node of theirs.
    assert await known(storage, registry, Scope(SCOPE.tenant, frozenset({"edge"}))) == {"1": None, "2": None}


async def known(storage: Storage, registry: str, scope: Scope = SCOPE) -> dict[str, tuple[int | None, int] | None]:
    """By tag: how many vulnerabilities its image has, if it was matched, and in how many registries it lies."""
    async with storage.reading(scope) as tx:
        page = await RegistryImages(tx, registry).page(RegistryImageFilter(), PageRequest())
    return {
        each.tag: each.image
        and (sum(each.image.vulnerabilities.values()) if each.image.matched else None, each.image.registries)
        for each in page.items
    }


async def test_only_so_many_are_kept(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hullguard.storage.stores.registries.REGISTRIES_MAX", 1)
    await new(storage)
    with pytest.raises(Conflict, match="no more are kept"):
        await new(storage, name="second")


async def test_one_that_is_gone_is_told_to_its_worker(storage: Storage) -> None:
    registry = await new(storage)
    await took(storage, registry, registry_listing())
    async with storage.transaction(SCOPE) as tx:
        image = await RegistryImages(tx, registry).waiting()
        assert image is not None
        await Registries(tx).delete(registry)
        assert not await RegistryImages(tx, registry).ended(image, ImageState.DONE, image_id=IMAGE_ID, code="", why="")
        with pytest.raises(NotFound):
            await Registries(tx).work(registry)


async def test_one_that_every_worker_died_at_is_failed_and_can_be_asked_for(storage: Storage, clock: Clock) -> None:
    registry = await new(storage)
    for _ in range(48):
        async with storage.transaction(SCOPE) as tx:
            assert await Registries(tx).lost() == []
            job = await Jobs(tx).take([READ_REGISTRY], 60, alone=True)
            assert job is not None
            await Registries(tx).began(registry, RegistryState.READING)
        clock.forward(seconds=61)
    async with storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).take([READ_REGISTRY], 60, alone=True) is None
        assert await Registries(tx).lost() == [registry]
        found = await Registries(tx).get(registry)
        assert found.trouble is not None
        assert (found.state, found.trouble.code) == (RegistryState.FAILED, "registry.given-up")
        await Registries(tx).ask(registry, again=False)
        assert await Registries(tx).lost() == []
