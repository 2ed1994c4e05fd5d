import hashlib
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.support.database import SCOPE, START, Clock
from tests.support.records import IMAGE, OTHER_IMAGE, container, enrolled, inventory, matched, report

from hullguard.model.errors import Conflict, Invalid, NotFound, QuotaExhausted
from hullguard.model.identity import Role
from hullguard.model.report import AdvisoryState
from hullguard.storage import PageRequest, Storage, Transaction
from hullguard.storage.retention import sweep
from hullguard.storage.stores import (
    ADVISORIES,
    Blobs,
    ContainerFilter,
    Containers,
    Idempotency,
    Images,
    ImageUses,
    Jobs,
    Progress,
    Quotas,
    Sessions,
    Settings,
    Users,
    Watched,
)
from hullguard.storage.stores.blobs import CHUNK, SIZE_MAX
from hullguard.storage.tables import blob_chunks


async def test_each_message_is_accepted_once(tx: Transaction) -> None:
    progress = Progress(tx)
    assert [await progress.accept("a", "boot", number) for number in (1, 2, 2, 1, 3)] == [
        True,
        True,
        False,
        False,
        True,
    ]
    assert await progress.accept("a", "other boot", 1)
    assert await progress.accept("b", "boot", 1)
    assert (await progress.last("a", "boot"), await progress.last("a", "unknown")) == (3, 0)


async def test_a_run_of_messages_is_accepted_like_one_after_the_other(tx: Transaction) -> None:
    progress = Progress(tx)
    assert await progress.accept_all("a", "boot", [7, 8, 11]) == {7, 8, 11}
    assert await progress.accept_all("a", "boot", [8, 11, 12, 12, 15]) == {12, 15}
    assert await progress.accept_all("a", "boot", [3]) == frozenset()
    assert (await progress.last("a", "boot"), await progress.missed("a")) == (15, 4)
    with pytest.raises(Invalid):
        await progress.accept_all("a", "boot", [16, 0])


async def test_a_gap_is_counted_and_does_not_stop_the_agent(tx: Transaction) -> None:
    progress = Progress(tx)
    assert [await progress.accept("a", "boot", number) for number in (500, 510, 505, 511)] == [True, True, False, True]
    assert (await progress.last("a", "boot"), await progress.missed("a")) == (511, 9)


async def test_what_is_rolled_back_was_not_accepted(storage: Storage) -> None:
    async def fail() -> None:
        async with storage.transaction(SCOPE) as tx:
            assert await Progress(tx).accept("a", "boot", 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with storage.transaction(SCOPE) as tx:
        assert await Progress(tx).accept("a", "boot", 1)


@pytest.mark.parametrize("sequence", [0, -1, 2**63])
async def test_a_number_that_is_no_sequence_is_refused(tx: Transaction, sequence: int) -> None:
    with pytest.raises(Invalid):
        await Progress(tx).accept("a", "boot", sequence)


async def test_units_are_taken_once_per_node_and_end(tx: Transaction) -> None:
    quotas = Quotas(tx)
    assert (await quotas.get()).total == 10
    await quotas.set_total(2)
    for node in ("a", "a", "b"):
        await quotas.take(node)
    with pytest.raises(QuotaExhausted) as refused:
        await quotas.take("c")
    assert refused.value.params == {"total": 2}
    with pytest.raises(Conflict, match="2 units"):
        await quotas.set_total(1)
    await quotas.give_back("a")
    await quotas.give_back("nobody")
    await quotas.take("c")
    assert (await quotas.get()).used == 2
    for total in (-1, 10**7):
        with pytest.raises(Invalid):
            await quotas.set_total(total)


async def test_containers_are_replaced_found_and_filtered(tx: Transaction) -> None:
    await enrolled(tx, "a", name="worker-1")
    await enrolled(tx, "b", name="worker-2")
    containers = Containers(tx)
    await containers.replace("a", [container(1), container(2, state="exited"), container(2, state="exited")])
    await containers.replace("b", [container(3, image=OTHER_IMAGE)])
    found = await containers.get(container(2).id)
    assert (found.node, found.node_name, found.state, found.privileged) == ("a", "worker-1", "exited", True)
    assert (found.image.id, found.created) == (IMAGE, START)
    for wanted, q, names in (
        (ContainerFilter(), None, ["web-1", "web-2", "web-3"]),
        (ContainerFilter(node="a"), None, ["web-1", "web-2"]),
        (ContainerFilter(image=OTHER_IMAGE), None, ["web-3"]),
        (ContainerFilter(state="running"), None, ["web-1", "web-3"]),
        (ContainerFilter(), "WORKER-2", ["web-3"]),
    ):
        page = await containers.page(wanted, PageRequest(q=q))
        assert ([each.name for each in page.items], page.total) == (names, len(names))
    await containers.replace("a", [container(2)])
    assert (await containers.get(container(2).id)).state == "running"
    with pytest.raises(NotFound):
        await containers.get(container(1).id)
    with pytest.raises(NotFound):
        await containers.replace("nobody", [])


async def test_a_file_comes_back_byte_for_byte(tx: Transaction) -> None:
    content = bytes(range(256)) * 3000
    digest = hashlib.sha256(content).hexdigest()
    pieces = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    blob = await Blobs(tx).store(digest, "agent-bundle", "1.2.0", pieces)
    assert (blob.size, blob.version, blob.uploaded) == (len(content), "1.2.0", START)
    read = [piece async for piece in Blobs(tx).read(digest)]
    assert b"".join(read) == content
    assert max(map(len, read)) == CHUNK
    assert await Blobs(tx).piece(digest, CHUNK + 7) == content[CHUNK + 7 : 2 * CHUNK]
    for beyond in (len(content), len(content) + CHUNK, 2**70):
        assert await Blobs(tx).piece(digest, beyond) == b""
    assert await Blobs(tx).store(digest, "agent-bundle", "1.2.0", [content]) == blob
    assert await Blobs(tx).all("agent-bundle") == [blob]
    assert await Blobs(tx).all("other") == []
    await Blobs(tx).delete(digest)
    assert await tx.scalar(sa.select(sa.func.count()).select_from(blob_chunks)) == 0
    with pytest.raises(NotFound):
        await Blobs(tx).get(digest)


async def test_a_file_that_is_not_what_it_says_is_refused(storage: Storage) -> None:
    async def put(pieces: list[bytes]) -> None:
        async with storage.transaction(SCOPE) as tx:
            await Blobs(tx).store("0" * 64, "agent-bundle", "1", pieces)

    with pytest.raises(Invalid, match="SHA-256"):
        await put([b"other"])
    with pytest.raises(Invalid, match="more than"):
        await put([b"\0" * (SIZE_MAX // 4)] * 5)
    async with storage.reading(SCOPE) as tx:
        assert await tx.scalar(sa.select(sa.func.count()).select_from(blob_chunks)) == 0


async def test_one_waiting_job_per_key_is_enough(tx: Transaction) -> None:
    jobs = Jobs(tx)
    assert await jobs.enqueue("match", "image-1", b"payload")
    assert not await jobs.enqueue("match", "image-1")
    assert await jobs.enqueue("match", "image-2")
    assert await jobs.enqueue("other", "image-1")
    job = await jobs.take(["match"], 60)
    assert job is not None
    assert (job.key, job.payload, job.attempts) == ("image-1", b"payload", 1)
    assert await jobs.enqueue("match", "image-1"), "one that runs may have read the old state"
    assert await jobs.done(job)
    assert not await jobs.done(job)


async def test_a_lease_keeps_others_away_until_it_runs_out(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Jobs(tx).enqueue("match", "image-1")
        first = await Jobs(tx).take(["match"], 60)
        assert first is not None
        assert await Jobs(tx).take(["match"], 60) is None
        assert await Jobs(tx).extend(first, 90)
        assert await Jobs(tx).next_ready() == START + timedelta(seconds=90)
    clock.forward(seconds=90)
    async with storage.transaction(SCOPE) as tx:
        second = await Jobs(tx).take(["match"], 60)
        assert second is not None
        assert (second.id, second.attempts) == (first.id, 2)
        assert not await Jobs(tx).extend(first, 60)
        assert not await Jobs(tx).done(first)
        assert not await Jobs(tx).failed(first, "late")
        assert await Jobs(tx).done(second)
        assert await Jobs(tx).next_ready() is None


async def test_a_failed_job_waits_longer_each_time_and_is_given_up(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Jobs(tx).enqueue("feed", attempts=3)
    pauses = []
    for attempt in range(3):
        async with storage.transaction(SCOPE) as tx:
            job = await Jobs(tx).take(["feed"], 60)
            assert job is not None
            again = await Jobs(tx).failed(job, "the mirror is down")
            assert again is (attempt < 2)
            ready = await Jobs(tx).next_ready()
            if ready is not None:
                pauses.append((ready - tx.now).total_seconds())
                clock.now = ready
    assert pauses == [10, 20]
    async with storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).take(["feed"], 60) is None


async def test_a_job_that_kills_every_worker_is_given_up(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await Jobs(tx).enqueue("poison", attempts=2)
        await Jobs(tx).enqueue("poison", "next", at=START + timedelta(hours=1))
    for _ in range(2):
        async with storage.transaction(SCOPE) as tx:
            assert await Jobs(tx).take(["poison"], 60) is not None
        clock.forward(seconds=61)
    async with storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).take(["poison"], 60) is None
    clock.forward(hours=1)
    async with storage.transaction(SCOPE) as tx:
        job = await Jobs(tx).take(["poison"], 60)
        assert job is not None
        assert job.key == "next"


async def test_a_failed_job_gives_way_to_a_newer_one_of_its_key(tx: Transaction) -> None:
    jobs = Jobs(tx)
    await jobs.enqueue("match", "image-1")
    job = await jobs.take(["match"], 60)
    assert job is not None
    await jobs.enqueue("match", "image-1")
    assert not await jobs.failed(job, "no")
    newer = await jobs.take(["match"], 60)
    assert newer is not None
    assert newer.id != job.id


async def test_schedules_come_round(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        for _ in range(2):
            await Jobs(tx).schedule("feeds", 3600)
        assert await Jobs(tx).enqueue_due() == ["feeds"]
        assert await Jobs(tx).enqueue_due() == []
        await Jobs(tx).schedule("feeds", 3600)
        assert await Jobs(tx).enqueue_due() == []
    clock.forward(hours=30)
    async with storage.transaction(SCOPE) as tx:
        assert await Jobs(tx).enqueue_due() == ["feeds"]
        assert await Jobs(tx).enqueue_due() == []
        job = await Jobs(tx).take(["feeds"], 60)
        assert job is not None
        assert await Jobs(tx).take(["feeds"], 60) is None
        assert await Jobs(tx).next_ready() == tx.now + timedelta(seconds=60)


async def test_settings_are_typed(tx: Transaction) -> None:
    assert await Settings(tx).get(ADVISORIES, AdvisoryState) is None
    for state in (AdvisoryState(START, ("Debian:12",)), AdvisoryState(None)):
        await Settings(tx).set(ADVISORIES, state)
        assert await Settings(tx).get(ADVISORIES, AdvisoryState) == state


async def test_what_is_old_goes_and_what_is_not_stays(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        await enrolled(tx)
        user = await Users(tx).create("alice", Role.ADMIN, "hash")
        await Sessions(tx).create("a" * 64, user.id, START + timedelta(hours=1))
        await Sessions(tx).create("b" * 64, user.id, START + timedelta(days=400))
        await Idempotency(tx).remember("user:a", "k", "d", "s")
        await Jobs(tx).enqueue("match", "done")
        job = await Jobs(tx).take(["match"], 60)
        assert job is not None
        await Jobs(tx).done(job)
        await Jobs(tx).enqueue("match", "waiting", at=START + timedelta(days=400))
        await Progress(tx).accept("node-1", "boot", 1)
        images = Images(tx)
        await images.present("node-1", [(IMAGE, []), (OTHER_IMAGE, [])])
        for image in (IMAGE, OTHER_IMAGE):
            await images.store_inventory(image, inventory())
            await matched(images._tx, image, report())
        await images.present("node-1", [(OTHER_IMAGE, [])])
        await ImageUses(tx).told("node-1", Watched(OTHER_IMAGE, START, 1, True, ("/usr/bin/env",)))
        assert set((await sweep(tx)).values()) == {0}
    clock.forward(days=200)
    async with storage.transaction(SCOPE) as tx:
        removed = await sweep(tx)
        assert removed == {
            "sessions": 1,
            "idempotency": 1,
            "jobs": 1,
            "certificates": 1,
            "incident_keys": 0,
            "recorded_events": 0,
            "progress": 1,
            "image_uses": 2,
            "submissions": 0,
            "images": 1,
        }
        assert set((await sweep(tx)).values()) == {0}
        assert await Sessions(tx).find("b" * 64) is not None
        assert (await Images(tx).report(OTHER_IMAGE)).vulnerabilities
        assert await Images(tx).present("node-1", [(IMAGE, []), (OTHER_IMAGE, [])]) == [IMAGE]
        with pytest.raises(NotFound):
            await Images(tx).report(IMAGE)


async def test_of_one_key_only_one_job_runs_where_that_is_asked_for(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        jobs = Jobs(tx)
        await jobs.enqueue("read", "a")
        first = await jobs.take(["read"], 60, alone=True)
        assert first is not None
        await jobs.enqueue("read", "a")
        await jobs.enqueue("read", "b")
        other = await jobs.take(["read"], 60, alone=True)
        assert other is not None
        assert other.key == "b"
        assert await jobs.take(["read"], 60, alone=True) is None
        # Nor is anybody told to look for it before the first one ends.
        assert await jobs.next_ready(["read"], alone=True) == tx.now + timedelta(seconds=60)
        await jobs.done(first)
        second = await jobs.take(["read"], 60, alone=True)
        assert second is not None
        assert second.key == "a"


async def test_a_job_that_is_given_back_has_not_been_tried(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        jobs = Jobs(tx)
        await jobs.enqueue("read", "a", attempts=1)
        for _ in range(3):
            job = await jobs.take(["read"], 60)
            assert job is not None
            assert job.attempts == 1
            assert await jobs.release(job)
        job = await jobs.take(["read"], 60)
        assert job is not None
        await jobs.enqueue("read", "a")
        assert await jobs.release(job)  # the newer one will do for both
        assert await jobs.take(["read"], 60) is not None
        assert await jobs.take(["read"], 60) is None


async def test_a_failed_job_waits_as_long_as_was_asked(storage: Storage) -> None:
    async with storage.transaction(SCOPE) as tx:
        jobs = Jobs(tx)
        await jobs.enqueue("read", "a")
        job = await jobs.take(["read"], 60)
        assert job is not None
        await jobs.failed(job, "busy", after=timedelta(minutes=7))
        assert await jobs.next_ready(["read"]) == tx.now + timedelta(minutes=7)
        await jobs.hasten("read", "a")
        assert await jobs.take(["read"], 60) is not None
