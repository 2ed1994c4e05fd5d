"""The small HTTP client against whatever may listen on that socket."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hullguard.agent.runtime.http import Address, HttpClient, PeerAbsentError, parse_address
from hullguard.model.errors import Invalid, NotFound, Unavailable

Serving = Callable[[bytes], "Awaitable[HttpClient]"]


@asynccontextmanager
async def answering(path: Path, answer: bytes, *, hang: bool = False, wait: float = 5) -> AsyncIterator[HttpClient]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if hang:
            await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    async with server:
        yield HttpClient(Address(path=str(path)), wait=wait)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
    ],
    ids=["length", "chunked", "until closed"],
)
async def test_every_way_to_frame_a_body(place, answer):
    async with answering(place, answer) as client:
        assert await client.get("/") == b"hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
    ids=["nothing", "another protocol", "cut off", "no number", "no chunk", "headers", "long header"],
)
async def test_what_is_no_answer_is_an_absent_peer(place, answer):
    async with answering(place, answer) as client:
        with pytest.raises(PeerAbsentError, match="broke off"):
            await client.get("/version")


async def test_a_refusal_carries_the_peer_s_reason(place):
    body = b'{"message":"page not found"}'
    head = f"HTTP/1.1 404 Not Found\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with answering(place, head + body) as client:
        with pytest.raises(NotFound, match="404 page not found"):
            await client.get("/nothing")


async def test_a_refusal_without_json(place):
    async with answering(place, b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nno!") as client:
        with pytest.raises(Unavailable, match="with 500"):
            await client.get("/")


async def test_what_is_sent_arrives_whole(place):
    asked = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        sent = re.search(r"Content-Length: (\d+)", head)
        asked.append((head.splitlines()[0], await reader.readexactly(int(sent[1])) if sent else None))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(serve, place):
        client = HttpClient(Address(path=str(place)))
        await client.post("/made", sent=b"x" * 300_000, kind="application/x-tar")
        await client.post("/started")
        await client.delete("/made/1")

    assert asked == [
        ("POST /made HTTP/1.1", b"x" * 300_000),
        ("POST /started HTTP/1.1", b""),
        ("DELETE /made/1 HTTP/1.1", None),
    ]


async def test_a_body_is_bounded(place):
    async with answering(place, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000) as client:
        with pytest.raises(Unavailable, match="over 1000 bytes"):
            await client.get("/", max_body=1000)


async def test_a_peer_that_says_nothing(place):
    async with answering(place, b"", hang=True, wait=0.05) as client:
        with pytest.raises(PeerAbsentError, match="did not answer"):
            await client.get("/")


async def test_lines_end_with_the_peer(place):
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n4\r\nwo\n\n\r\n0\r\n\r\n"
    async with answering(place, answer) as client:
        lines = client.lines("/events")
        assert [await anext(lines), await anext(lines)] == [b"one", b"two"]
        with pytest.raises(PeerAbsentError, match="ended the stream"):
            await anext(lines)


async def test_a_line_without_end(place):
    async with answering(place, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 << 20)) as client:
        with pytest.raises(Unavailable, match="endless line"):
            async for _ in client.lines("/events"):
                pass


async def test_nobody_listens(place):
    with pytest.raises(PeerAbsentError, match="No such file"):
        await HttpClient(Address(path=str(place))).get("/")
    with pytest.raises(PeerAbsentError, match=r"127\.0\.0\.1:1"):
        await HttpClient(Address(host="127.0.0.1", port=1)).get("/")


def test_addresses():
    assert parse_address("unix:///run/docker.sock") == Address(path="/run/docker.sock")
    assert parse_address("tcp://10.0.0.1:2375") == Address(host="10.0.0.1", port=2375)
    assert parse_address("tcp://[::1]:2375") == Address(host="::1", port=2375)


@pytest.mark.parametrize("text", ["", "unix://relative", "ssh://host:22", "tcp://host", "tcp://:1", "npipe:////./pipe"])
def test_addresses_of_another_kind(text):
    with pytest.raises(Invalid, match="unix:///path or tcp://host:port"):
        parse_address(text)
