"""What only the cache behind a socket can get wrong."""

import asyncio
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest

from hullguard.cache import LocalCache, MemoryCache, frames, serve_local
from hullguard.model.errors import Conflict, Invalid, Unavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache.sock"


@pytest.fixture
async def local(path: Path) -> AsyncIterator[LocalCache]:
    cache = LocalCache(path)
    yield cache
    await cache.close()


async def eventually(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until ``check`` holds; the test's own time limit ends it otherwise."""
    while not await check():
        await asyncio.sleep(0.02)


async def test_without_a_cache_only_counting_fails(local: LocalCache) -> None:
    assert await local.get("k") is None
    await local.set("k", b"v", 5)
    await local.delete("k")
    await local.publish("a", b"m")
    async with local.lock("l", 5) as held:
        assert not held
    with pytest.raises(Unavailable, match=r"cache\.sock"):
        await local.incr("n", 60)
    assert local.dropped == 3


async def test_a_client_returns_by_itself_when_the_cache_does(local: LocalCache, path: Path) -> None:
    async def works() -> bool:
        await local.set("k", b"v", 60)
        return await local.get("k") == b"v"

    for _ in range(2):
        async with serve_local(MemoryCache(), path):
            await eventually(works)
        assert await local.get("k") is None


async def test_a_subscription_is_taken_up_again(local: LocalCache, path: Path) -> None:
    async with local.subscribe("a") as messages:
        for number in (b"1", b"2"):
            memory = MemoryCache()
            async with serve_local(memory, path):

                async def heard(memory: MemoryCache = memory) -> bool:
                    return "a" in memory._subscribers

                await eventually(heard)
                await memory.publish("a", number)
                assert await anext(messages) == ("a", number)


async def test_a_listener_that_goes_is_forgotten_by_the_server(local: LocalCache, path: Path) -> None:
    memory = MemoryCache()
    async with serve_local(memory, path):
        async with local.subscribe("a"):
            assert "a" in memory._subscribers

        async def gone() -> bool:
            return not memory._subscribers

        await eventually(gone)


async def test_a_cancelled_question_does_not_give_its_answer_to_the_next(local: LocalCache, path: Path) -> None:
    async with serve_local(MemoryCache(), path):
        await local.set("a", b"a", 60)
        await local.set("b", b"b", 60)
        for _ in range(20):
            asking = asyncio.create_task(local.get("a"))
            await asyncio.sleep(0)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            assert await local.get("b") == b"b"


async def test_only_the_owner_may_connect(path: Path) -> None:
    async with serve_local(MemoryCache(), path):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not path.exists()


async def test_the_socket_of_a_killed_server_is_replaced(local: LocalCache, path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    async with serve_local(MemoryCache(), path):
        await local.set("k", b"v", 5)
        assert await local.get("k") == b"v"


async def test_a_living_server_is_not_pushed_aside(local: LocalCache, path: Path) -> None:
    async with serve_local(MemoryCache(), path):
        with pytest.raises(Conflict, match="another process"):
            async with serve_local(MemoryCache(), path):
                pytest.fail("two servers at one socket")
        await local.set("k", b"v", 5)
        assert await local.get("k") == b"v"


async def test_a_file_in_the_way_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(Conflict, match="no socket"):
        async with serve_local(MemoryCache(), path):
            pytest.fail("served over a file")
    assert path.read_text() == "precious"


async def test_a_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot listen"):
        async with serve_local(MemoryCache(), tmp_path / ("x" * 200)):
            pytest.fail("served nowhere")


RUBBISH = {
    "huge": (2**32 - 1).to_bytes(4, "big"),
    "not msgpack": b"\x00\x00\x00\x01\xc1",
    "not a request": b"\x00\x00\x00\x01\x90",
    "an unknown request": frames.pack(frames.Get("k")).replace(b"get", b"gut"),
    "a negative time": frames.pack(frames.Set("k", b"", -1.0)),
    "a long key": frames.pack(frames.Get("k" * 5000)),
    "many channels": frames.pack(frames.Subscribe(tuple(str(number) for number in range(2000)))),
    "half a frame": b"\x00\x00\x00\xffabc",
    "no text": frames.pack(frames.Get("kk")).replace(b"kk", b"\xff\xff"),
    "deep": b"\x00\x00\x03\xe8" + b"\x91" * 1000,
}


@pytest.mark.parametrize("name", RUBBISH)
async def test_rubbish_ends_its_own_connection_only(local: LocalCache, path: Path, name: str) -> None:
    async with serve_local(MemoryCache(), path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(RUBBISH[name])
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        await local.set("k", b"v", 5)
        assert await local.get("k") == b"v"


@pytest.mark.parametrize(
    "reply", [b"", b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", frames.pack(frames.Answer(b"no"))]
)
async def test_a_server_that_answers_rubbish_is_no_cache(local: LocalCache, path: Path, reply: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(4)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_unix_server(answer, str(path))
    with pytest.raises(Unavailable):
        await local.incr("n", 60)
    server.close()
    await server.wait_closed()


async def test_what_the_server_refuses_is_told(path: Path) -> None:
    async with serve_local(MemoryCache(), path):
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(frames.pack(frames.Set("k", b"\0" * (1024 * 1024 + 1), 5.0)))
        answer = await frames.read(reader, frames.ANSWERS)
        assert answer.error is not None
        assert "up to" in answer.error
        writer.close()


def test_a_frame_is_its_length_and_its_body() -> None:
    packed = frames.pack(frames.Get("k"))
    assert int.from_bytes(packed[:4], "big") == len(packed) - 4
    assert msgspec.msgpack.decode(packed[4:], type=frames.Request) == frames.Get("k")
