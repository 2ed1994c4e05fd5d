import pytest

from hullguard.cache import MemoryCache
from hullguard.cache.memory import OVERHEAD
from hullguard.model.errors import LimitReached


async def test_the_entry_least_recently_used_goes_first() -> None:
    cache = MemoryCache(max_entries=3)
    for key in "abc":
        await cache.set(key, b"v", 60)
    await cache.get("a")
    await cache.set("d", b"v", 60)
    assert [await cache.get(key) for key in "abcd"] == [b"v", None, b"v", b"v"]


async def test_bytes_are_bounded_too() -> None:
    cache = MemoryCache(max_bytes=10 * (1000 + OVERHEAD + 4))
    for number in range(30):
        await cache.set(f"{number:02}", b"\0" * 1000, 60)
    kept = [number for number in range(30) if await cache.get(f"{number:02}") is not None]
    assert kept == list(range(20, 30))


async def test_what_is_replaced_or_deleted_gives_its_bytes_back() -> None:
    cache = MemoryCache()
    for _ in range(3):
        await cache.set("k", b"\0" * 1000, 60)
    await cache.incr("k", 60)
    async with cache.lock("k", 60):
        pass
    await cache.delete("k")
    assert (cache._bytes, len(cache._entries)) == (0, 0)


async def test_a_slow_listener_loses_its_oldest_messages_and_they_are_counted() -> None:
    cache = MemoryCache(queue=3)
    async with cache.subscribe("a") as messages:
        for number in range(5):
            await cache.publish("a", b"%d" % number)
        assert [(await anext(messages))[1] for _ in range(3)] == [b"2", b"3", b"4"]
    assert cache.dropped == 2


async def test_listeners_are_bounded_and_leave_nothing_behind() -> None:
    cache = MemoryCache(max_subscriptions=2)
    async with cache.subscribe("a", "b"), cache.subscribe("a"):
        with pytest.raises(LimitReached):
            async with cache.subscribe("a"):
                pytest.fail("one listener too many")
    assert cache._subscribers == {}
    async with cache.subscribe("a"):
        assert list(cache._subscribers) == ["a"]
