"""What every cache promises, asked of each implementation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.support.clock import Clock, clock

from hullguard.cache import KEY_MAX, VALUE_MAX, Cache, LocalCache, MemoryCache, serve_local
from hullguard.model.errors import Invalid

__all__ = ["clock"]


@pytest.fixture(params=["memory", "local"])
async def cache(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> AsyncIterator[Cache]:
    memory = MemoryCache(clock=clock, queue=10)
    if request.param == "memory":
        yield memory
        return
    path = tmp_path / "cache.sock"
    async with serve_local(memory, path):
        local = LocalCache(path)
        yield local
        await local.close()


async def next_of(messages: AsyncIterator[tuple[str, bytes]]) -> tuple[str, bytes]:
    return await asyncio.wait_for(anext(messages), 10)


async def test_a_value_is_kept_until_its_time_runs_out(cache: Cache, clock: Clock) -> None:
    assert await cache.get("k") is None
    await cache.set("k", b"v", 5)
    clock.now += 4.9
    assert await cache.get("k") == b"v"
    clock.now += 0.2
    assert await cache.get("k") is None


async def test_setting_again_changes_value_and_time(cache: Cache, clock: Clock) -> None:
    await cache.set("k", b"old", 5)
    await cache.set("k", b"", 50)
    clock.now += 10
    assert await cache.get("k") == b""


async def test_a_deleted_key_is_gone_with_its_count(cache: Cache) -> None:
    await cache.set("k", b"v", 5)
    await cache.incr("k", 60)
    await cache.delete("k")
    await cache.delete("never there")
    assert await cache.get("k") is None
    assert await cache.incr("k", 60) == 1


async def test_a_count_starts_again_after_its_window(cache: Cache, clock: Clock) -> None:
    assert [await cache.incr("n", 10) for _ in range(3)] == [1, 2, 3]
    clock.now += 9
    assert await cache.incr("n", 10) == 4
    clock.now += 2
    assert await cache.incr("n", 10) == 1


async def test_a_value_and_a_count_of_one_name_do_not_meet(cache: Cache) -> None:
    await cache.incr("x", 10)
    await cache.set("x", b"v", 10)
    async with cache.lock("x", 10) as held:
        assert held
        assert await cache.incr("x", 10) == 2
        assert await cache.get("x") == b"v"


async def test_a_lock_is_held_once_and_freed_at_the_end(cache: Cache) -> None:
    async with cache.lock("l", 10) as first:
        async with cache.lock("l", 10) as second, cache.lock("other", 10) as other:
            assert (first, second, other) == (True, False, True)
        async with cache.lock("l", 10) as third:
            assert not third, "a loser must not free the winner's lock"
    async with cache.lock("l", 10) as again:
        assert again


async def test_a_lock_is_freed_by_its_time_and_then_not_by_its_old_holder(cache: Cache, clock: Clock) -> None:
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(cache.lock("l", 10))
        clock.now += 11
        async with cache.lock("l", 10) as new:
            assert (old, new) == (True, True)
            await stack.aclose()
            async with cache.lock("l", 10) as third:
                assert not third


async def test_a_lock_is_freed_when_its_block_fails(cache: Cache) -> None:
    async def fail() -> None:
        async with cache.lock("l", 10):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with cache.lock("l", 10) as held:
        assert held


async def test_messages_reach_everyone_who_listens_to_their_channel(cache: Cache) -> None:
    async with cache.subscribe("a", "b") as both, cache.subscribe("a") as one:
        for channel, message in (("c", b"0"), ("b", b"1"), ("a", b"2")):
            await cache.publish(channel, message)
        assert [await next_of(both), await next_of(both)] == [("b", b"1"), ("a", b"2")]
        assert await next_of(one) == ("a", b"2")


async def test_messages_from_before_or_after_are_never_seen(cache: Cache) -> None:
    await cache.publish("a", b"before")
    async with cache.subscribe("a") as messages:
        await cache.publish("a", b"during")
        assert await next_of(messages) == ("a", b"during")
    await cache.publish("a", b"after")
    async with cache.subscribe("a") as messages:
        await cache.publish("a", b"again")
        assert await next_of(messages) == ("a", b"again")


async def test_a_listener_can_be_cancelled_and_take_up_again(cache: Cache) -> None:
    async with cache.subscribe("a") as messages:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(messages), 0.01)
    async with cache.subscribe("a") as messages:
        await cache.publish("a", b"1")
        assert await next_of(messages) == ("a", b"1")


async def test_many_tasks_share_one_cache(cache: Cache) -> None:
    async def work(number: int) -> tuple[bytes | None, int]:
        await cache.set(f"k{number}", b"%d" % number, 60)
        return await cache.get(f"k{number}"), await cache.incr("n", 60)

    answers = await asyncio.gather(*(work(number) for number in range(50)))
    assert [value for value, _ in answers] == [b"%d" % number for number in range(50)]
    assert sorted(count for _, count in answers) == list(range(1, 51))


@pytest.mark.parametrize(
    "call",
    [
        lambda cache: cache.set("k", b"\0" * (VALUE_MAX + 1), 5),
        lambda cache: cache.set("k" * (KEY_MAX + 1), b"", 5),
        lambda cache: cache.incr("k" * (KEY_MAX + 1), 5),
        lambda cache: cache.publish("a", b"\0" * (VALUE_MAX + 1)),
    ],
)
async def test_what_is_too_large_is_refused_and_the_next_call_works(cache: Cache, call: Any) -> None:
    with pytest.raises(Invalid, match="up to"):
        await call(cache)
    await cache.set("k", b"\0" * VALUE_MAX, 5)
    assert await cache.get("k") == b"\0" * VALUE_MAX
