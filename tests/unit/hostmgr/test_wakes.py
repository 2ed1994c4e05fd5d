"""Waking sessions through a real cache."""

import asyncio

import pytest

from hullguard.cache import MemoryCache
from hullguard.hostmgr.wakes import GROUP, Wakes


@pytest.fixture
async def wakes():
    cache = MemoryCache()
    made = Wakes(cache)
    made.cache = cache
    yield made
    await made.close()


async def wait_until(holds):
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def publish_until(wakes, node, heard, message=b"commands"):
    """Subscribing takes a moment; messages before it are lost by design."""
    before = len(heard)
    async with asyncio.timeout(10):
        while len(heard) == before:
            await wakes.cache.publish(f"node:{node}", message)
            await asyncio.sleep(0.005)


async def test_each_node_hears_its_own_messages_only(wakes):
    heard: dict[str, list[bytes]] = {"a": [], "b": []}
    for node, list_ in heard.items():
        wakes.join(node, list_.append)
    await publish_until(wakes, "a", heard["a"])
    assert heard["b"] == []


async def test_nobody_misses_anything_while_others_come_and_go(wakes):
    heard: list[bytes] = []
    wakes.join("steady", heard.append)
    await publish_until(wakes, "steady", heard)
    await asyncio.sleep(0.02)
    heard.clear()
    for number in range(50):
        wakes.join(f"n{number}", lambda message: None)
        await wakes.cache.publish("node:steady", b"%d" % number)
        await asyncio.sleep(0)
    await wait_until(lambda: b"49" in heard)
    assert {int(message) for message in heard} == set(range(50))


async def test_whoever_left_is_not_woken(wakes):
    gone: list[bytes] = []
    heard: list[bytes] = []
    wakes.join("gone", gone.append)
    wakes.join("here", heard.append)
    await publish_until(wakes, "gone", gone)
    gone.clear()
    wakes.leave("gone", gone.append)
    await wakes.cache.publish("node:gone", b"commands")
    await publish_until(wakes, "here", heard)
    assert gone == []


async def test_a_newer_session_takes_the_node_over_and_the_older_cannot_take_it_away(wakes):
    old: list[bytes] = []
    new: list[bytes] = []
    first, second = old.append, new.append
    wakes.join("n", first)
    wakes.join("n", second)
    wakes.leave("n", first)
    await publish_until(wakes, "n", new)
    assert old == []


async def test_many_nodes_share_few_subscriptions(wakes):
    heard: list[bytes] = []
    for number in range(GROUP * 2 + 1):
        wakes.join(f"n{number}", heard.append)
    assert len(wakes._groups) == 3
    await publish_until(wakes, f"n{GROUP * 2}", heard)
