"""The agent against a server that says wrong things: it reconnects, loses nothing, and never dies of it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from hullguard.agent import identity
from hullguard.agent.identity import Membership
from hullguard.agent.spool import Priority, Spool
from hullguard.agent.state import StateDir
from hullguard.agent.uplink import Hooks, Line, Uplink
from hullguard.hostmgr.authority import Authority
from hullguard.hostmgr.tls import server_context
from hullguard.model.errors import Denied
from hullguard.model.node import Heartbeat, SensorHealth, SensorState
from hullguard.wire import codec
from hullguard.wire.messages import (
    Ack,
    CommandUpdate,
    Grant,
    ImageList,
    Refusal,
    ServerMessage,
    Welcome,
)
from hullguard.wire.session import encoded, record_body

Scene = Callable[[ServerConnection], Awaitable[None]]
CREDIT = Grant(64, 8 << 20)


class Stage:
    """A server that plays one scene per connection, and an uplink that connects to it again and again."""

    def __init__(self, directory: Path) -> None:
        self.state = StateDir(directory / "agent")
        self.state.prepare()
        self.authority = Authority.open(directory / "ca", datetime.now(UTC))
        self.spool = Spool(self.state.spool, "boot", min_free=0)
        self.scenes: list[Scene] = []
        self.connections = 0
        self.lines: list[Line] = []
        self.messages: list[ServerMessage] = []

    async def answer(self, connection: ServerConnection) -> None:
        self.connections += 1
        scene = self.scenes.pop(0) if self.scenes else _silent
        try:
            await connection.recv()
            await scene(connection)
        except ConnectionClosed:
            pass

    def enrol(self, port: int) -> None:
        now = datetime.now(UTC)
        request = identity.make_request("host")
        issued = self.authority.sign_agent(request.csr_pem, "n1", now)
        self.state.authority.write_text(self.authority.ca_pem)
        membership = Membership("n1", f"wss://127.0.0.1:{port}", "00" * 32, now, now + timedelta(days=7))
        identity.save(self.state, membership, request.key_pem, issued.pem)

    async def _received(self, message: ServerMessage) -> None:
        self.messages.append(message)

    async def _connected(self) -> None:
        pass

    @asynccontextmanager
    async def playing(self, *scenes: Scene) -> AsyncIterator[Uplink]:
        self.scenes = list(scenes)
        async with serve(self.answer, "127.0.0.1", 0, ssl=self._tls(), compression=None) as server:
            self.enrol(server.sockets[0].getsockname()[1])
            beat = Heartbeat("0.1.0", SensorHealth(SensorState.ACTIVE), False, None)
            uplink = Uplink(
                self.state, self.spool, Hooks(lambda: beat, self._received, self._connected, self.lines.append)
            )
            self.spool.woken = uplink.wake
            self.task = asyncio.create_task(uplink.run())
            yield uplink
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    def _tls(self) -> ssl.SSLContext:
        return server_context(self.authority, ("localhost",))

    async def until(self, holds: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not holds():
                assert not self.task.done() or self.task.result() is None
                await asyncio.sleep(0.02)


async def _silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


async def _welcome(connection: ServerConnection, received: int = 0, credit: Grant = CREDIT) -> None:
    await connection.send(encoded(Welcome("s1", received, credit, 60)))


def scene(*frames: bytes | str, welcome: bool = True) -> Scene:
    async def play(connection: ServerConnection) -> None:
        if welcome:
            await _welcome(connection)
        for frame in frames:
            await connection.send(frame)
        await connection.wait_closed()

    return play


async def honest(connection: ServerConnection) -> None:
    """Takes records and acknowledges each."""
    await _welcome(connection)
    async for data in connection:
        frame = codec.decode_frame(data)
        if frame.sequence is not None:
            await connection.send(encoded(Ack(frame.sequence)))


@pytest.fixture
def stage(tmp_path: Path):
    made = Stage(tmp_path)
    yield made
    made.spool.close()


def record(number: int) -> bytes:
    return record_body(CommandUpdate(f"c{number}", "done", 100))


@pytest.mark.parametrize(
    "broken",
    [
        scene("text", welcome=False),
        scene(b"", welcome=False),
        scene(encoded(Ack(1)), welcome=False),
        scene(b"\xff\xff"),
        scene(codec.encode_frame(b"\xc1")),
        scene(codec.encode_frame(b"\x81\xa4type\xa5format")),
        scene(encoded(Ack(99))),
        scene(encoded(Welcome("s2", 0, CREDIT, 60))),
    ],
    ids=["text", "empty", "ack first", "flags", "no msgpack", "unknown kind", "ack of nothing", "two welcomes"],
)
async def test_it_hangs_up_and_delivers_to_the_next_one(stage: Stage, broken: Scene):
    stage.spool.put(Priority.HIGH, record(1), "c1")
    async with stage.playing(broken, honest):
        await stage.until(lambda: stage.spool.waiting == 0)
    assert stage.connections == 2
    assert any(line.state == "waiting" and line.why for line in stage.lines)


async def test_credit_is_never_exceeded(stage: Stage):
    seen: list[int] = []

    async def stingy(connection: ServerConnection) -> None:
        await _welcome(connection, credit=Grant(3, 1 << 20))
        async for data in connection:
            frame = codec.decode_frame(data)
            if frame.sequence is not None:
                seen.append(frame.sequence)

    for number in range(10):
        stage.spool.put(Priority.HIGH, record(number), f"c{number}")
    async with stage.playing(stingy):
        await stage.until(lambda: len(seen) == 3)
        await asyncio.sleep(0.3)
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("said", [(), ("profiles", "telepathy")])
async def test_the_agent_knows_what_its_platform_understands(stage: Stage, said: tuple[str, ...]):
    heard = asyncio.Event()

    async def listen(connection: ServerConnection) -> None:
        await connection.send(encoded(Welcome("s1", 0, CREDIT, 10, capabilities=said)))
        async for frame in connection:
            assert isinstance(frame, bytes)
            if isinstance(codec.decode_from_agent(codec.decode_frame(frame).body), ImageList):
                heard.set()

    async with stage.playing(listen) as uplink:
        uplink.show("images", ImageList(()))
        async with asyncio.timeout(60):
            await heard.wait()
        assert uplink.understood("profiles") == bool(said)
        assert not uplink.understood("telepathy"), "nor does this agent"
    assert not uplink.understood("profiles"), "without a session nobody understands"


async def test_what_was_stored_before_is_not_sent_again(stage: Stage):
    seen: list[int] = []

    async def remembers(connection: ServerConnection) -> None:
        await _welcome(connection, received=2)
        async for data in connection:
            frame = codec.decode_frame(data)
            if frame.sequence is not None:
                seen.append(frame.sequence)
                await connection.send(encoded(Ack(frame.sequence)))

    for number in range(4):
        stage.spool.put(Priority.HIGH, record(number), f"c{number}")
    stage.spool.take(3, 1 << 20)
    async with stage.playing(remembers):
        await stage.until(lambda: stage.spool.waiting == 0)
    assert seen == [3, 4]


@pytest.mark.parametrize("code", ["message-malformed", "message-too-large", "kind-unknown"])
async def test_a_record_that_is_always_refused_does_not_block_the_others(stage: Stage, code: str):
    async def picky(connection: ServerConnection) -> None:
        await _welcome(connection)
        async for data in connection:
            frame = codec.decode_frame(data)
            if frame.sequence == 1:
                await connection.send(encoded(Refusal(code, "never heard of it", 0)))
                return
            if frame.sequence is not None:
                await connection.send(encoded(Ack(frame.sequence)))

    stage.spool.put(Priority.HIGH, record(1), "c1")
    stage.spool.put(Priority.HIGH, record(2), "c2")
    async with stage.playing(*[picky] * 8):
        await stage.until(lambda: stage.spool.waiting == 0)
    assert stage.spool.dropped["high"] == 1


async def test_a_dismissal_ends_it(stage: Stage):
    async def removed(connection: ServerConnection) -> None:
        await connection.send(encoded(Refusal("node-removed", "this node was removed")))

    async with stage.playing(removed):
        with pytest.raises(Denied, match="this node was removed"):
            await asyncio.wait_for(stage.task, 20)
    assert stage.lines[-1].state == "dismissed"


async def test_a_server_of_another_platform_is_not_spoken_to(stage: Stage, tmp_path: Path):
    other = Authority.open(tmp_path / "other", datetime.now(UTC))
    stage._tls = lambda: server_context(other, ("localhost",))  # type: ignore[method-assign]
    async with stage.playing(honest):
        await stage.until(lambda: any("certificate" in line.why for line in stage.lines))
    assert stage.connections == 0


async def test_questions_end_with_the_session(stage: Stage):
    from hullguard.agent.channel import ChannelLostError
    from hullguard.wire.messages import BundleRequest

    async def leaves(connection: ServerConnection) -> None:
        await _welcome(connection)
        async for data in connection:
            if b"bundle-request" in data:
                return

    async with stage.playing(leaves) as uplink:
        with pytest.raises(ChannelLostError):
            await uplink.ask(BundleRequest("0" * 64, 0), lambda _: True, 20)
