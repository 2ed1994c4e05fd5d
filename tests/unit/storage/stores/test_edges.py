"""The edges of the smaller stores: the last instant, the last use, the first byte."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.database import SCOPE, START, Clock, walked
from tests.support.records import IMAGE, OTHER_IMAGE, enrolled, inventory, matched, report

from hullguard.model.errors import Conflict, Invalid, NotFound, Unauthenticated
from hullguard.model.identity import Role, Scope
from hullguard.storage import PageRequest, Storage, Transaction, retention
from hullguard.storage.stores import (
    Blobs,
    EnrolmentTokens,
    Idempotency,
    ImageFilter,
    Images,
    Jobs,
    Nodes,
    Progress,
    Sessions,
    Tokens,
    Users,
)
from hullguard.storage.stores.blobs import CHUNK

MICROSECOND = timedelta(microseconds=1)
AGENT = "agent-bundle"


def pieces(content: bytes, sizes: list[int]) -> Iterator[bytes]:
    """The content in pieces of these sizes, the rest in one."""
    start = 0
    for size in sizes:
        yield content[start : start + size]
        start += size
    yield content[start:]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]),
    st.lists(st.sampled_from([0, 1, 1000, CHUNK, CHUNK + 1]), max_size=4),
    st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK, 2**70, -1]),
)
async def test_however_a_file_is_cut_it_is_the_same_file(
    tx: Transaction, size: int, sizes: list[int], offset: int
) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    digest = hashlib.sha256(content).hexdigest()
    kept = await Blobs(tx).store(digest, AGENT, "1.0", pieces(content, sizes))
    assert (kept.size, await Blobs(tx).get(digest)) == (size, kept)
    assert b"".join([piece async for piece in Blobs(tx).read(digest)]) == content
    read = bytearray()
    while piece := await Blobs(tx).piece(digest, len(read)):
        read += piece
    assert bytes(read) == content
    found = await Blobs(tx).piece(digest, offset)
    assert found == (content[offset:][: len(found)] if offset >= 0 else b"")
    assert bool(found) == (0 <= offset < size)


async def test_files_are_listed_by_kind_and_belong_to_their_tenant(tx: Transaction) -> None:
    blobs, other = Blobs(tx), Blobs(tx.within(Scope("other")))
    for number, kind in enumerate([AGENT, "other-kind", AGENT]):
        content = bytes([number])
        tx.now = START + timedelta(hours=number)
        await blobs.store(hashlib.sha256(content).hexdigest(), kind, f"版本 {number}", [content])
    assert [each.version for each in await blobs.all(AGENT)] == ["版本 2", "版本 0"]
    digest = hashlib.sha256(b"\0").hexdigest()
    assert await other.all(AGENT) == []
    assert await other.piece(digest, 0) == b""
    await other.delete(digest)
    await other.store(digest, AGENT, "theirs", [b"\0"])
    await blobs.delete(digest)
    assert (await other.get(digest)).version == "theirs"
    assert await blobs.piece(digest, 0) == b""
    with pytest.raises(NotFound):
        await blobs.get(digest)


async def test_sessions_and_tokens_end_with_the_instant_that_they_name(tx: Transaction) -> None:
    user = await Users(tx).create("alice", Role.ADMIN, "hash")
    end = tx.now + timedelta(hours=1)
    await Sessions(tx).create("s", user.id, end, source="用户")
    token = await Tokens(tx).create("ci", user.id, Role.VIEWER, "t", end)
    for step, alive in ((-MICROSECOND, True), (timedelta(0), False), (MICROSECOND, False)):
        tx.now = end + step
        session, holder = await Sessions(tx).find("s"), await Tokens(tx).find("t")
        assert ((session is not None), (holder is not None)) == (alive, alive)
        if session is not None and holder is not None:
            assert (session.user, session.source, holder.token) == (user, "用户", token)
    await Sessions(tx).touch("s", end + timedelta(hours=1))
    assert (await Sessions(tx).find("s")) is not None, "a session lasts as long as its last use says"


async def test_a_user_who_is_let_in_again_has_tokens_but_no_session(tx: Transaction) -> None:
    user, other = [await Users(tx).create(name, Role.VIEWER, "hash") for name in ("a", "b")]
    for each in (user, other):
        await Sessions(tx).create(f"s-{each.name}", each.id, tx.now + timedelta(hours=1))
        await Tokens(tx).create("t", each.id, Role.VIEWER, f"t-{each.name}", tx.now + timedelta(hours=1))
    await Users(tx).update(user.id, disabled=True)
    assert [await Sessions(tx).find(f"s-{name}") is None for name in "ab"] == [True, False]
    assert [await Tokens(tx).find(f"t-{name}") is None for name in "ab"] == [True, False]
    await Users(tx).update(user.id, disabled=False)
    assert await Sessions(tx).find("s-a") is None
    holder = await Tokens(tx).find("t-a")
    assert holder is not None
    assert holder.user == await Users(tx).get(user.id)
    await Users(tx).delete(user.id)
    assert await Tokens(tx).find("t-a") is None
    assert [each.user for each in await walked(lambda step: Tokens(tx).page(step), 1)] == [other.id]


async def test_a_token_is_used_to_its_last_use_and_its_last_instant(tx: Transaction) -> None:
    tokens = EnrolmentTokens(tx)
    made = await tokens.create("屋", "blue", "secret", tx.now + timedelta(hours=1), 2)
    tx.now = made.expires - MICROSECOND
    for used in (1, 2):
        redeemed = await EnrolmentTokens(tx.within(Scope("unknown yet"))).redeem(made.id, "secret")
        assert (redeemed.tenant, redeemed.cluster, (await tokens.get(made.id)).uses) == (SCOPE.tenant, "blue", used)
    for at, code in ((made.expires - MICROSECOND, "enrolment.used"), (made.expires, "enrolment.expired")):
        tx.now = at
        with pytest.raises(Unauthenticated) as refused:
            await tokens.redeem(made.id, "secret")
        assert refused.value.code == code
    await tokens.revoke(made.id)
    with pytest.raises(Unauthenticated, match="revoked"):
        await tokens.redeem(made.id, "secret")
    assert (await tokens.get(made.id)).uses == 2


@pytest.mark.parametrize("key", ["k" * 255, "钥" * 255, "%", "'\"\\", " "])
async def test_a_key_is_remembered_to_the_end_of_its_day(tx: Transaction, key: str) -> None:
    keys, begun = Idempotency(tx), tx.now
    await keys.remember("user:a", key, "digest", "subject")
    tx.now = begun + timedelta(hours=24) - MICROSECOND
    assert await keys.find("user:a", key, "digest") == "subject"
    assert await Idempotency(tx.within(Scope("other"))).find("user:a", key, "digest") is None
    with pytest.raises(Conflict):
        await keys.find("user:a", key, "another")
    assert (await retention.sweep(tx))["idempotency"] == 0
    tx.now = begun + timedelta(hours=24)
    assert await keys.find("user:a", key, "another") is None
    assert (await retention.sweep(tx))["idempotency"] == 1


async def test_a_job_that_may_be_tried_often_waits_an_hour_at_most(tx: Transaction) -> None:
    await Jobs(tx).enqueue("sync", attempts=10**6)
    for attempt in range(1, 61):
        job = await Jobs(tx).take(["sync"], 60)
        assert job is not None
        assert job.attempts == attempt
        assert await Jobs(tx).failed(job, "")
        ready = await Jobs(tx).next_ready()
        assert ready is not None
        assert ready - tx.now == min(timedelta(seconds=10 * 2 ** min(attempt - 1, 20)), timedelta(hours=1))
        tx.now = ready


async def test_hostile_sequence_numbers_can_always_be_counted(tx: Transaction) -> None:
    await enrolled(tx)
    progress = Progress(tx)
    for boot in ("one", "two", "three"):
        assert await progress.accept_all("node-1", boot, [1, 2**63 - 1]) == {1, 2**63 - 1}
        assert await progress.last("node-1", boot) == 2**63 - 1
        assert not await progress.accept("node-1", boot, 2)
    assert await progress.missed("node-1") == 3 * (2**63 - 3)
    with pytest.raises(Invalid):
        await progress.accept_all("node-1", "four", [1, 2**63])
    assert await progress.last("node-1", "four") == 0


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(1, 12), max_size=5).map(sorted), max_size=5), st.integers(0, 10**9))
async def test_no_message_is_new_twice_and_every_gap_is_counted(
    tx: Transaction, runs: list[list[int]], boot: int
) -> None:
    progress, node = Progress(tx), f"node-{boot}-{len(runs)}"
    before = await progress.last(node, "b")
    missed, seen = await progress.missed(node), before > 0
    for run in runs:
        new = {sequence for sequence in run if sequence > before}
        assert await progress.accept_all(node, "b", run) == new
        if new:
            missed += max(new) - (before if seen else min(new) - 1) - len(new)
            before, seen = max(new), True
        assert (await progress.last(node, "b"), await progress.missed(node)) == (before, missed)


async def test_what_goes_goes_at_its_instant_and_only_its_own(storage: Storage, clock: Clock) -> None:
    other = Scope("other")
    for scope in (SCOPE, other):
        async with storage.transaction(scope) as tx:
            node = await enrolled(tx, f"node-{scope.tenant}")
            user = await Users(tx).create("a", Role.VIEWER, "hash")
            await Sessions(tx).create(f"s-{scope.tenant}", user.id, START + timedelta(days=7))
            await Progress(tx).accept(node, "boot", 1)
            for image in (IMAGE, OTHER_IMAGE):
                await Images(tx).store_inventory(image, inventory())
                await matched(tx, image, report())
            await Images(tx).present(node, [(OTHER_IMAGE, ["kept:1"])])
            await Jobs(tx).enqueue("match")
            job = await Jobs(tx).take(["match"], 60)
            assert job is not None
            await Jobs(tx).done(job)
    week = {"sessions": 1, "jobs": 1, "images": 1}
    kept = ("sessions", "idempotency", "jobs", "certificates", "incident_keys", "recorded_events", "progress")
    nothing = dict.fromkeys((*kept, "image_uses", "submissions", "images"), 0)
    for at, gone in (
        (START + timedelta(days=7) - MICROSECOND, {}),
        (START + timedelta(days=7), week),
        (START + timedelta(days=7), {}),
        (START + timedelta(days=90), {"progress": 1}),
        (START + timedelta(days=97), {"certificates": 1}),
    ):
        clock.now = at
        async with storage.transaction(SCOPE) as tx:
            assert await retention.sweep(tx) == nothing | gone
    async with storage.transaction(SCOPE) as tx:
        with pytest.raises(NotFound):
            await Images(tx).detail(IMAGE)
        assert [each.id for each in (await Images(tx).page(ImageFilter(), PageRequest())).items] == [OTHER_IMAGE]
        assert (await Images(tx).report(OTHER_IMAGE)) is not None
        assert await Images(tx).store_inventory(IMAGE, inventory()), "a swept image may come again"
    async with storage.transaction(other) as tx:
        assert await retention.sweep(tx) == nothing | week | {"progress": 1, "certificates": 1}


async def test_silence_is_noticed_once_however_often_one_asks(storage: Storage, clock: Clock) -> None:
    async with storage.transaction(SCOPE) as tx:
        for number in range(4):
            await enrolled(tx, f"n{number}")
            await Nodes(tx).seen(f"n{number}", START + timedelta(seconds=number * 30))
        await enrolled(tx, "never")
    asked, told = START, []
    for seconds in (90, 91, 120, 120, 179, 500):
        clock.now = START + timedelta(seconds=seconds)
        async with storage.reading(SCOPE) as tx:
            told += await Nodes(tx).turned_offline(asked)
        asked = clock.now
    assert sorted(told) == ["n0", "n1", "n2", "n3"]
