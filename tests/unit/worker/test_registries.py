"""Registries become images that are known: with the process that asks them, and what goes wrong with either."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, Clock
from tests.support.fleet import eventually
from tests.support.images import (
    DEBIAN_12,
    Image,
    compressed,
    digest_of,
    dpkg_entry,
    dpkg_status,
    file,
    layer,
    python_package,
)
from tests.support.registry import FakeRegistry, Reply, fake_registry
from tests.support.workers import files as make_files

from hullguard.access.registries.check import purpose
from hullguard.access.registries.vault import Vault
from hullguard.cache import MemoryCache
from hullguard.model.errors import Unavailable
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import READER, Inventory
from hullguard.model.registry import ImageState, Registry, RegistryImage, RegistrySpec, RegistryState
from hullguard.storage import PageRequest, Storage
from hullguard.storage.stores import ImageFilter, Images, Registries, RegistryImageFilter, RegistryImages
from hullguard.storage.tables import jobs
from hullguard.worker import lanes, registries
from hullguard.worker import run as worker
from hullguard.worker.lanes import Lane
from hullguard.worker.registries import DueRegistries, ReadRegistry
from hullguard.worker.run import work

BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("libc6", "2.36-9", source="glibc")))
FIRST = Image([BASE, layer(python_package("urllib3", "1.23"))], compression="gzip")
SECOND = Image([BASE, layer(python_package("requests", "2.0"))], compression="gzip")
SECRET = "a password that nobody sees"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "LONGEST_SLEEP", 0.2)
    monkeypatch.setattr(registries, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(
        worker, "LANES", (Lane((DueRegistries(),)), *(Lane((ReadRegistry(),), long=True) for _ in "ab"))
    )
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with fake_registry() as fake:
        fake.lists("app/tags/list", ["1"])
        fake.put(FIRST)
        yield fake


class Shift:
    """A worker that works, and what it has done."""

    def __init__(self, storage: Storage, directory: Path) -> None:
        self.storage, self.directory = storage, directory
        self.cache = MemoryCache()

    async def add(self, host: str, password: str = "", **spec: Any) -> str:
        wanted = RegistrySpec(spec.pop("name", "r"), host, spec.pop("repositories", ["app"]), insecure=True, **spec)
        made = "0" * 31 + str(len(wanted.name))
        vault = Vault.open(self.directory / "registries.key")
        sealed = vault.seal(password, purpose(SCOPE.tenant, made, wanted)) if password else None
        async with self.storage.transaction(SCOPE) as tx:
            await Registries(tx).create(wanted, "user:a", registry=made, password=sealed)
        await self.cache.publish("jobs", b"")
        return made

    async def ask(self, registry: str, *, again: bool = False) -> None:
        async with self.storage.transaction(SCOPE) as tx:
            await Registries(tx).ask(registry, again=again)
        await self.cache.publish("jobs", b"")

    async def get(self, registry: str) -> Registry:
        async with self.storage.reading(SCOPE) as tx:
            return await Registries(tx).get(registry)

    async def until(self, registry: str, *states: RegistryState) -> Registry:
        async def reached() -> bool:
            return (await self.get(registry)).state in states

        for _ in range(1200):
            if await reached():
                return await self.get(registry)
            await asyncio.sleep(0.05)
        raise AssertionError(await self.get(registry))

    async def rows(self, registry: str) -> list[RegistryImage]:
        async with self.storage.reading(SCOPE) as tx:
            return (await RegistryImages(tx, registry).page(RegistryImageFilter(), PageRequest(500))).items

    async def images(self) -> dict[str, tuple[tuple[str, ...], int]]:
        async with self.storage.reading(SCOPE) as tx:
            page = await Images(tx).page(ImageFilter(), PageRequest(100))
        return {image.id: (image.names, image.packages) for image in page.items}


@asynccontextmanager
async def working(storage: Storage, directory: Path) -> AsyncIterator[Shift]:
    shift, stop, ready = Shift(storage, directory), asyncio.Event(), asyncio.Event()
    task = asyncio.ensure_future(work(storage, shift.cache, make_files(directory), stop, ready=ready.set))
    await asyncio.wait_for(ready.wait(), 20)
    try:
        yield shift
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def test_an_image_is_listed_and_read_and_only_what_is_new_after_that(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)
        done = await shift.until(made, RegistryState.DONE)
        assert (done.trouble, done.images, done.repositories) == (None, {ImageState.DONE: 1}, 1)
        first = digest_of(FIRST.config)
        assert await shift.images() == {first: ((f"{registry.host}/app:1",), 2)}

        registry.put(SECOND)  # the tag moves
        registry.asked.clear()
        await shift.ask(made)
        await shift.until(made, RegistryState.DONE)
        second = digest_of(SECOND.config)
        assert await shift.images() == {second: ((f"{registry.host}/app:1",), 2)}
        base = digest_of(compressed(BASE, "gzip"))
        assert f"/v2/app/blobs/{base}" not in registry.paths(), "a layer that two images share is read once"

        registry.asked.clear()
        await shift.ask(made)
        await shift.until(made, RegistryState.DONE)
        assert not [path for path in registry.paths() if "/blobs/" in path]
        await shift.ask(made, again=True)
        await shift.until(made, RegistryState.DONE)
        assert [row.state for row in await shift.rows(made)] == [ImageState.DONE]
        assert [path for path in registry.paths() if path.endswith(f"/blobs/{second}")]


async def test_what_a_node_has_read_is_not_read_again(storage: Storage, registry: FakeRegistry, tmp_path: Path) -> None:
    image = digest_of(FIRST.config)
    target = Target(f"docker:{image}", "docker", image_id=image)
    async with storage.transaction(SCOPE) as tx:
        await Images(tx).store_inventory(image, Inventory(target, layers=(Layer("sha256:" + "1" * 64),), reader=READER))
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)
        await shift.until(made, RegistryState.DONE)
        assert [row.state for row in await shift.rows(made)] == [ImageState.DONE]
    assert not [path for path in registry.paths() if digest_of(compressed(BASE, "gzip")) in path]


async def test_only_the_registrys_own_word_takes_a_repository_away(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    # Story: a proxy's page for one of two repositories removed its images, and the registry was "read".
    registry.lists("b/tags/list", ["1"])
    registry.put(SECOND, "b")
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, repositories=["app", "b"])
        assert (await shift.until(made, RegistryState.DONE)).trouble is None
        registry.answers["/v2/b/tags/list"] = Reply(b"<html>404</html>", 404)
        await shift.ask(made)
        done = await shift.until(made, RegistryState.DONE)
        assert done.trouble is not None
        assert done.trouble.code == "registry.bad-list"
        assert {row.repository for row in await shift.rows(made)} == {"app", "b"}
        assert set(await shift.images()) == {digest_of(FIRST.config), digest_of(SECOND.config)}
        registry.answers["/v2/b/tags/list"] = Reply(b'{"errors": [{"code": "NOT_FOUND", "message": "gone"}]}', 404)
        await shift.ask(made)
        done = await shift.until(made, RegistryState.DONE)
        assert done.trouble is not None
        assert done.trouble.code == "registry.no-repository"
        assert {row.repository for row in await shift.rows(made)} == {"app"}
        assert set(await shift.images()) == {digest_of(FIRST.config)}


async def test_the_password_is_sent_to_the_registry_and_shown_nowhere(
    storage: Storage,
    registry: FakeRegistry,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    whole = dict(registry.answers)

    def guarded(answer: Any) -> Any:
        def ask(asked: Any) -> Reply:
            for command in Path("/proc").glob("[1-9]*/cmdline"):
                try:
                    seen.append(command.read_text(errors="replace"))
                    seen.append(command.with_name("environ").read_text(errors="replace"))
                except OSError:
                    continue
            if asked.headers.get("authorization") is None:
                return Reply(b"{}", 401, {"WWW-Authenticate": 'Basic realm="r"'})
            return answer(asked) if callable(answer) else answer

        return ask

    for path, answer in whole.items():
        registry.answers[path] = guarded(answer)
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, SECRET, username="puller")
        done = await shift.until(made, RegistryState.DONE, RegistryState.FAILED)
        assert done.state is RegistryState.DONE, done.trouble
    assert any("registry_reader" in command for command in seen)
    said = capfd.readouterr()
    assert not [text for text in (*seen, said.out, said.err) if SECRET in text]
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in left if SECRET.encode() in path.read_bytes()]
    assert not [path.name for path in left if path.name.startswith("registry-")]


async def test_a_wrong_password_and_a_lost_key_wait_for_who_mends_them(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.answers["/v2/app/tags/list"] = Reply(b"{}", 401, {"WWW-Authenticate": 'Basic realm="r"'})
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, SECRET, username="puller")
        failed = await shift.until(made, RegistryState.FAILED)
        assert failed.trouble is not None
        assert (failed.trouble.code, failed.due) == ("registry.unauthenticated", None)
        assert "wrong password?" in failed.trouble.sentence
        registry.answers["/v2/_catalog"] = registry.answers["/v2/"] = registry.answers["/v2/app/tags/list"]
        for name, user, means in (("patterns", "puller", "wrong password?"), ("nobody", "", "give a user name")):
            other = await shift.add(registry.host, SECRET, name=name, username=user, repositories=["a*"])
            failed = await shift.until(other, RegistryState.FAILED)
            assert failed.trouble is not None
            assert failed.trouble.code == ("registry.unauthenticated" if user else "registry.no-catalog")
            assert means in failed.trouble.sentence
    (tmp_path / "registries.key").unlink()
    async with working(storage, tmp_path) as shift:
        await shift.ask(made)
        failed = await shift.until(made, RegistryState.FAILED)
        assert failed.trouble is not None
        assert failed.trouble.code == "registry.sealed"
        assert "give the password again" in failed.trouble.sentence


async def test_a_damaged_layer_fails_its_image_alone_and_is_tried_the_next_time(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.lists("app/tags/list", ["1", "2"])
    registry.put(SECOND, tag="2")
    own = f"/v2/app/blobs/{digest_of(compressed(FIRST.layers[1], 'gzip'))}"
    good = registry.answers[own]
    whole = compressed(FIRST.layers[1], "gzip")
    registry.answers[own] = Reply(whole[:-20] + bytes(20))
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)
        done = await shift.until(made, RegistryState.DONE)
        assert done.images == {ImageState.DONE: 1, ImageState.FAILED: 1}
        failed = next(row for row in await shift.rows(made) if row.state is ImageState.FAILED)
        assert failed.tag == "1"
        assert failed.code not in ("", "registry.cut-off")
        assert failed.why
        async with storage.reading(SCOPE) as tx:
            told = await Images(tx).detail(digest_of(FIRST.config))
        assert (told.complete, told.packages) == (False, 0)
        registry.answers[own] = good
        await shift.ask(made)
        done = await shift.until(made, RegistryState.DONE)
        assert done.images == {ImageState.DONE: 2}


async def test_a_cache_that_is_away_ends_no_reading(
    storage: Storage, registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise Unavailable("the cache does not answer", "cache.unavailable")

    async with working(storage, tmp_path) as shift:
        monkeypatch.setattr(shift.cache, "publish", away)
        async with storage.transaction(SCOPE) as tx:
            made = await Registries(tx).create(RegistrySpec("r", registry.host, ["app"], insecure=True), "user:a")
        done = await shift.until(made.id, RegistryState.DONE, RegistryState.FAILED)
        assert (done.state, done.trouble, done.images) == (RegistryState.DONE, None, {ImageState.DONE: 1})
        assert list(await shift.images()) == [digest_of(FIRST.config)]


async def test_a_registry_that_goes_away_is_read_on_when_it_is_back(
    storage: Storage, clock: Clock, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.lists("app/tags/list", ["1", "2"])
    registry.put(SECOND, tag="2")
    blob = f"/v2/app/blobs/{digest_of(compressed(FIRST.layers[1], 'gzip'))}"
    good = registry.answers[blob]
    registry.answers[blob] = Reply(b"{}", 429, {"Retry-After": "100"})
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)
        failed = await shift.until(made, RegistryState.FAILED)
        assert failed.trouble is not None
        assert failed.trouble.code == "registry.busy"
        assert failed.images == {ImageState.WAITING: 2}

        async def told() -> bool:
            return (await shift.get(made)).due is not None

        await eventually(told)
        assert (await shift.get(made)).due == clock.now + timedelta(seconds=100)
        registry.answers[blob] = good
        clock.forward(seconds=101)
        done = await shift.until(made, RegistryState.DONE)
        # Story: 42 images were read after a disk had been full, and "database or disk is full" stood beside them.
        assert (done.trouble, done.images) == (None, {ImageState.DONE: 2})


async def test_what_a_listing_was_refused_is_told_again_after_a_failure(
    storage: Storage, clock: Clock, registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, full = RegistryImages.ended, [Unavailable("the database or disk is full", "storage.unavailable")]

    async def once_full(*arguments: Any, **more: Any) -> bool:
        if full:
            raise full.pop()
        return await ended(*arguments, **more)

    monkeypatch.setattr(RegistryImages, "ended", once_full)
    registry.answers["/v2/secret/tags/list"] = Reply(b"", 500)
    async with working(storage, tmp_path) as shift:
        async with storage.transaction(SCOPE) as tx:
            spec = RegistrySpec("r", registry.host, ["app", "secret"], insecure=True)
            made = (await Registries(tx).create(spec, "user:a")).id
        failed = await shift.until(made, RegistryState.FAILED)
        assert failed.trouble is not None
        assert "disk is full" in failed.trouble.sentence
        clock.forward(hours=1)
        done = await shift.until(made, RegistryState.DONE)
        assert done.trouble is not None
        assert "refused: 500 (repository secret)" in done.trouble.sentence
        assert (done.repositories, done.images) == (1, {ImageState.DONE: 1})


async def test_a_listing_that_breaks_off_gives_way_at_once_and_what_it_found_is_read_before_the_next_one(
    storage: Storage, clock: Clock, registry: FakeRegistry, tmp_path: Path
) -> None:
    registry.answers["/v2/more/tags/list"] = Reply(b"{}", 429, {"Retry-After": "300"})
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, repositories=["app", "more"])

        async def due_in_five_minutes() -> bool:
            return (await shift.get(made)).due == clock.now + timedelta(seconds=300)

        await shift.until(made, RegistryState.FAILED)
        await eventually(due_in_five_minutes)
        assert (await shift.get(made)).images == {ImageState.WAITING: 1}
        assert not [path for path in registry.paths() if digest_of(compressed(BASE, "gzip")) in path]

        clock.forward(seconds=301)
        await eventually(due_in_five_minutes)
        failed = await shift.get(made)
        assert failed.images == {ImageState.DONE: 1}
        assert failed.trouble is not None
        assert failed.trouble.code == "registry.busy"

        registry.lists("more/tags/list", [])
        clock.forward(seconds=301)
        done = await shift.until(made, RegistryState.DONE)
        assert (done.trouble, done.repositories) == (None, 2)


async def test_one_that_answers_to_nobody_holds_up_no_other(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    waits = asyncio.Event()
    loop = asyncio.get_running_loop()

    def never(_: Any) -> Reply:
        asyncio.run_coroutine_threadsafe(waits.wait(), loop).result(60)
        return Reply(b"{}", 404)

    registry.answers["/v2/slow/tags/list"] = never
    async with working(storage, tmp_path) as shift:
        slow = await shift.add(registry.host, name="slow", repositories=["slow"])
        await shift.until(slow, RegistryState.LISTING)
        quick = await shift.add(registry.host, name="quicker")
        await shift.until(quick, RegistryState.DONE)
        assert (await shift.get(slow)).state is RegistryState.LISTING
        waits.set()
        await shift.until(slow, RegistryState.FAILED)


async def test_one_that_is_forgotten_while_it_is_read_is_let_go(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    blob = f"/v2/app/blobs/{digest_of(compressed(FIRST.layers[1], 'gzip'))}"
    waits, loop = asyncio.Event(), asyncio.get_running_loop()

    def never(_: Any) -> Reply:
        asyncio.run_coroutine_threadsafe(waits.wait(), loop).result(60)
        return Reply(b"{}", 404)

    registry.answers[blob] = never
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)

        async def reading() -> bool:
            return any(row.state is ImageState.READING for row in await shift.rows(made))

        await eventually(reading)
        async with storage.transaction(SCOPE) as tx:
            await Registries(tx).delete(made)

        async def over() -> bool:
            async with storage.reading(SCOPE) as tx:
                states = await tx.all(sa.select(jobs.c.state).where(tx.mine(jobs), jobs.c.kind == "registry"))
            return [row.state for row in states] == ["done"]

        await eventually(over)
        assert await shift.images() == {}
        waits.set()


async def test_a_worker_that_stops_gives_back_what_it_reads_and_another_goes_on(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    blob = f"/v2/app/blobs/{digest_of(compressed(FIRST.layers[1], 'gzip'))}"
    good, waits, loop = registry.answers[blob], asyncio.Event(), asyncio.get_running_loop()

    def never(_: Any) -> Reply:
        asyncio.run_coroutine_threadsafe(waits.wait(), loop).result(60)
        return Reply(b"{}", 404)

    registry.answers[blob] = never
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)

        async def reading() -> bool:
            return any(row.state is ImageState.READING for row in await shift.rows(made))

        await eventually(reading)
    registry.answers[blob] = good
    waits.set()
    async with working(storage, tmp_path) as shift:
        await shift.until(made, RegistryState.DONE)


async def test_one_that_is_changed_while_it_is_listed_is_listed_as_it_is_now(
    storage: Storage, registry: FakeRegistry, tmp_path: Path
) -> None:
    waits, loop = asyncio.Event(), asyncio.get_running_loop()

    def never(_: Any) -> Reply:
        asyncio.run_coroutine_threadsafe(waits.wait(), loop).result(60)
        return Reply(json.dumps({"tags": ["1"]}).encode())

    registry.answers["/v2/wrong/tags/list"] = never
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, repositories=["wrong"])
        await shift.until(made, RegistryState.LISTING)
        spec = RegistrySpec("r", registry.host, ["app"], insecure=True)
        async with storage.transaction(SCOPE) as tx:
            await Registries(tx).update(made, spec, "user:a", expected_version=1, password=None)
        await shift.until(made, RegistryState.DONE)
        assert [row.repository for row in await shift.rows(made)] == ["app"]
        waits.set()


async def test_a_reader_that_dies_fails_its_image(
    storage: Storage, registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = registries.apart.ask

    async def ask(module: str, job: Any, *rest: Any) -> Any:
        name = module if isinstance(job, registries.ListJob) else "hullguard.no_such_module"
        return await real(name, job, *rest)

    monkeypatch.setattr(registries.apart, "ask", ask)
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host)
        done = await shift.until(made, RegistryState.DONE)
        assert done.images == {ImageState.FAILED: 1}
        assert [row.code for row in await shift.rows(made)] == ["image.worker-died"]


async def test_a_registry_whose_time_has_come_is_listed_by_itself(
    storage: Storage, clock: Clock, registry: FakeRegistry, tmp_path: Path
) -> None:
    async with working(storage, tmp_path) as shift:
        made = await shift.add(registry.host, every_hours=1)
        done = await shift.until(made, RegistryState.DONE)
        assert done.due is not None
        registry.lists("app/tags/list", ["2"])
        registry.put(SECOND, tag="2")
        clock.forward(seconds=3700)

        async def found() -> bool:
            return [row.tag for row in await shift.rows(made)] == ["2"]

        await eventually(found)
        await shift.until(made, RegistryState.DONE)
