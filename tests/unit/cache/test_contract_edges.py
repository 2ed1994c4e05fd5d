"""The edges of what every cache promises, and a cache driven in any order beside a plain dictionary."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.clock import Clock, clock

from hullguard.cache import KEY_MAX, VALUE_MAX, Cache, LocalCache, MemoryCache, serve_local
from hullguard.cache.memory import OVERHEAD
from hullguard.model.errors import Invalid

__all__ = ["clock"]


@pytest.fixture
def memory(clock: Clock) -> MemoryCache:
    return MemoryCache(clock=clock, queue=3)


@pytest.fixture(params=["memory", "local"])
async def cache(request: pytest.FixtureRequest, memory: MemoryCache, tmp_path: Path) -> AsyncIterator[Cache]:
    if request.param == "memory":
        yield memory
        return
    async with serve_local(memory, tmp_path / "cache.sock"):
        local = LocalCache(tmp_path / "cache.sock")
        yield local
        await local.close()


async def enter(context: Any) -> None:
    async with context:
        pytest.fail("a name that is too long was taken")


@pytest.mark.parametrize(
    "call",
    [
        lambda cache, name: cache.get(name),
        lambda cache, name: cache.set(name, b"", 5),
        lambda cache, name: cache.delete(name),
        lambda cache, name: cache.incr(name, 5),
        lambda cache, name: cache.publish(name, b""),
        lambda cache, name: enter(cache.lock(name, 5)),
        lambda cache, name: enter(cache.subscribe("a", name)),
    ],
    ids=["get", "set", "delete", "incr", "publish", "lock", "subscribe"],
)
async def test_a_name_that_is_too_long_is_refused_by_every_door(cache: Cache, call: Any) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(Invalid):
            await call(cache, "k" * (KEY_MAX + 1))
    await cache.set("k", b"v", 5)
    assert await cache.get("k") == b"v"


@pytest.mark.parametrize("name", ["", "键" * KEY_MAX, "v:k", "\0", "%s", "a\nb"])
async def test_any_other_name_is_a_name_like_any(cache: Cache, name: str) -> None:
    await cache.set("k", b"other", 60)
    await cache.set(name, b"\0\xff", 60)
    assert (await cache.get(name), await cache.get("k")) == (b"\0\xff", b"other")
    assert [await cache.incr(name, 60), await cache.incr(name, 60)] == [1, 2]
    async with cache.lock(name, 60) as first, cache.lock(name, 60) as second:
        assert (first, second) == (True, False)
    async with cache.subscribe(name) as messages:
        await cache.publish(name, b"heard")
        assert await asyncio.wait_for(anext(messages), 10) == (name, b"heard")
    await cache.delete(name)
    assert (await cache.get(name), await cache.get("k")) == (None, b"other")


@pytest.mark.parametrize("ttl", [0, 0.0, -0.001, -1e9, float("-inf")])
async def test_what_has_no_time_left_is_not_kept_and_hurts_nobody(cache: Cache, ttl: float) -> None:
    await cache.set("k", b"old", 60)
    await cache.set("k", b"v", ttl)
    assert await cache.get("k") is None
    assert [await cache.incr("n", ttl), await cache.incr("n", 60)] == [1, 1]
    await cache.set("next", b"v", 60)
    assert await cache.get("next") == b"v"


@pytest.mark.parametrize("ttl", [1e9, 1e300, float("inf")])
async def test_a_time_without_end_is_a_long_time(cache: Cache, clock: Clock, ttl: float) -> None:
    await cache.set("k", b"v", ttl)
    clock.now += 10 * 365 * 86400
    assert await cache.get("k") == b"v"


async def test_a_time_ends_at_its_instant(cache: Cache, clock: Clock) -> None:
    await cache.set("k", b"v", 5)
    assert await cache.incr("n", 5) == 1
    clock.now += 5
    assert await cache.get("k") is None
    assert await cache.incr("n", 5) == 1


async def test_a_count_is_neither_prolonged_nor_shortened_by_counting(cache: Cache, clock: Clock) -> None:
    assert await cache.incr("n", 10) == 1
    clock.now += 9
    assert await cache.incr("n", 1000) == 2
    assert await cache.incr("n", 0) == 3
    clock.now += 1
    assert await cache.incr("n", 10) == 1


async def test_a_slow_listener_hears_the_newest_in_order(memory: MemoryCache) -> None:
    async with memory.subscribe("a") as slow, memory.subscribe("a", "b") as quick:
        for number in range(6):
            await memory.publish("a", b"%d" % number)
            assert await anext(quick) == ("a", b"%d" % number)
        assert [(await anext(slow))[1] for _ in range(3)] == [b"3", b"4", b"5"]
        await memory.publish("a", b"6")
        assert await anext(slow) == ("a", b"6")
    assert memory.dropped == 3


async def test_one_message_reaches_a_listener_once_however_often_it_names_the_channel(cache: Cache) -> None:
    async with cache.subscribe("a", "a", "b") as messages:
        for message in (b"1", b"2"):
            await cache.publish("a", message)
        assert [await asyncio.wait_for(anext(messages), 10) for _ in range(2)] == [("a", b"1"), ("a", b"2")]


async def test_the_largest_value_travels_between_two_clients(memory: MemoryCache, tmp_path: Path) -> None:
    path, value = tmp_path / "cache.sock", bytes(range(256)) * (VALUE_MAX // 256)
    async with serve_local(memory, path):
        one, two = LocalCache(path), LocalCache(path)
        async with two.subscribe("a") as messages:
            await one.set("k", value, 60)
            await one.publish("a", value)
            assert await two.get("k") == value
            assert await asyncio.wait_for(anext(messages), 10) == ("a", value)
        async with one.lock("l", 60) as first, two.lock("l", 60) as second:
            assert (first, second) == (True, False)
        await one.close()
        assert await two.incr("n", 60) == 1
        assert await one.incr("n", 60) == 2, "who has hung up may call again"
        await one.close()
        await two.close()


KEYS = st.sampled_from(["a", "b", "c", "dd", "éé"])
STEPS = st.one_of(
    st.tuples(st.just("set"), KEYS, st.integers(0, 60), st.integers(0, 20)),
    st.tuples(st.just("get"), KEYS, st.just(0), st.just(0)),
    st.tuples(st.just("delete"), KEYS, st.just(0), st.just(0)),
    st.tuples(st.just("incr"), KEYS, st.just(0), st.integers(0, 20)),
    st.tuples(st.just("wait"), st.just(""), st.just(0), st.integers(1, 12)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.integers(1, 4), st.integers(1, 5))
async def test_the_cache_is_a_dictionary_that_forgets_the_least_used_first(
    steps: list[tuple[str, str, int, int]], entries: int, room: int
) -> None:
    clock = Clock()
    most = room * (OVERHEAD + 40)
    cache = MemoryCache(max_entries=entries, max_bytes=most, clock=clock)
    model: OrderedDict[str, tuple[bytes, int, float]] = OrderedDict()

    def live(name: str) -> tuple[bytes, int, float] | None:
        if name in model and model[name][2] <= clock.now:
            del model[name]
        if name in model:
            model.move_to_end(name)
        return model.get(name)

    def put(name: str, value: bytes, count: int, until: float) -> None:
        model.pop(name, None)
        model[name] = (value, count, until)
        while len(model) > entries or sum(len(key) + len(held[0]) + OVERHEAD for key, held in model.items()) > most:
            model.popitem(last=False)

    for what, key, size, seconds in steps:
        if what == "set":
            await cache.set(key, b"x" * size, seconds)
            put(f"v:{key}", b"x" * size, 0, clock.now + seconds)
        elif what == "get":
            held = live(f"v:{key}")
            assert await cache.get(key) == (None if held is None else held[0])
        elif what == "delete":
            await cache.delete(key)
            model.pop(f"v:{key}", None)
            model.pop(f"n:{key}", None)
        elif what == "incr":
            held = live(f"n:{key}")
            count = 1 if held is None else held[1] + 1
            assert await cache.incr(key, seconds) == count
            if held is None:
                put(f"n:{key}", b"", 1, clock.now + seconds)
            else:
                model[f"n:{key}"] = (b"", count, held[2])
        else:
            clock.now += seconds
        assert len(cache._entries) <= entries
        assert cache._bytes <= most
    assert list(cache._entries) == list(model)
