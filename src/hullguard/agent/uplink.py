"""The line to hostmgr: keeps one session up, sends what is owed in the order of its urgency, hands on what comes.

Urgency: heartbeats, then records from the spool (incidents, outcomes), then present state (facts, containers, images:
only the newest of each), then bulk (slices of inventories, requests for slices of an update). Whatever needs credit
waits for it; a heartbeat does not.
"""

import asyncio
import contextlib
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import structlog
from websockets.asyncio.client import ClientConnection

from hullguard import __version__
from hullguard.agent import identity
from hullguard.agent.channel import ChannelLostError, channel, parse_server, receive
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir
from hullguard.agent.tasks import first_of
from hullguard.model.errors import Denied, HullguardError, LimitReached, Unavailable
from hullguard.model.node import Heartbeat
from hullguard.wire import capabilities
from hullguard.wire.enrolment import SESSION_PATH
from hullguard.wire.messages import Ack, AgentMessage, Beat, Credit, Hello, Refusal, ServerMessage, Welcome
from hullguard.wire.session import AgentSession
from hullguard.wire.violation import Code, Violation

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
_STEADY_SECONDS = 30.0
_WELCOME_SECONDS = 20.0
_BEAT_PAUSE = 1.2
"""The server refuses more than one heartbeat a second in the long run; changes in between share one."""
_TAKE_MESSAGES, _TAKE_BYTES = 16, 1 << 20
_MOST_REFUSALS = 3
_UNTAKEABLE = frozenset({Code.MESSAGE_MALFORMED, Code.MESSAGE_TOO_LARGE, Code.KIND_UNKNOWN})
_DISMISSED = frozenset({Code.NODE_REMOVED, Code.CERTIFICATE_UNKNOWN})

_log = structlog.get_logger()


class Line(NamedTuple):
    """What ``agent status`` says of the line."""

    state: str
    """``connecting``, ``connected``, ``waiting``, ``stopped`` or ``dismissed``."""
    server: str
    why: str = ""
    session: str = ""


class Hooks(NamedTuple):
    """What the uplink asks of the rest of the agent."""

    heartbeat: Callable[[], Heartbeat]
    received: Callable[[ServerMessage], Awaitable[None]]
    connected: Callable[[], Awaitable[None]]
    changed: Callable[[Line], None]


class Uplink:
    """One for the life of the agent; it outlives its sessions."""

    def __init__(self, state: StateDir, spool: Spool, hooks: Hooks) -> None:
        self._state, self._spool, self._hooks = state, spool, hooks
        self._server = parse_server(identity.load(state).server)
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._beat_due = True
        self._latest: dict[str, AgentMessage] = {}
        self._stale: OrderedDict[str, None] = OrderedDict()
        self._there: frozenset[str] = frozenset()
        """What the platform understands."""
        self._bulk: asyncio.Queue[tuple[AgentMessage, asyncio.Future[None]]] = asyncio.Queue(maxsize=1)
        self._asked: dict[asyncio.Future[ServerMessage], Callable[[ServerMessage], bool]] = {}
        self._welcomed = asyncio.Event()
        self._head: tuple[AgentMessage, asyncio.Future[None]] | None = None
        self._connection: ClientConnection | None = None
        self._background: asyncio.Task[None] | None = None
        self._refusals = 0
        self.line = Line("connecting", self._server.url)

    # For the rest of the agent ---------------------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be something to send; any thread may call this."""
        with contextlib.suppress(RuntimeError):  # the loop has ended: so has the agent
            self._loop.call_soon_threadsafe(self._wake.set)

    def beat_now(self) -> None:
        """The state has changed: do not wait for the next heartbeat."""
        self._beat_due = True
        self._wake.set()

    def show(self, slot: str, message: AgentMessage) -> None:
        """This is how things are: send it now, and again after each reconnect, until there is something newer."""
        if self._latest.get(slot) == message:
            return
        self._latest[slot] = message
        self._stale[slot] = None
        self._wake.set()

    def understood(self, capability: str) -> bool:
        """Whether there is a session with a platform that has it."""
        return self._welcomed.is_set() and capability in self._there

    async def send(self, message: AgentMessage) -> None:
        """Send once there is a session and credit; ``ChannelLostError`` if the session ends before that."""
        await self._welcomed.wait()
        sent: asyncio.Future[None] = self._loop.create_future()
        await self._bulk.put((message, sent))
        self._wake.set()
        await sent

    async def ask(
        self, message: AgentMessage, answers: Callable[[ServerMessage], bool], seconds: float = 60.0
    ) -> ServerMessage:
        """Send, and wait for the message for which ``answers`` is true."""
        answer: asyncio.Future[ServerMessage] = self._loop.create_future()
        self._asked[answer] = answers
        try:
            async with asyncio.timeout(seconds):
                await self.send(message)
                return await answer
        except TimeoutError as slow:
            raise ChannelLostError(f"the server did not answer within {seconds:.0f} s") from slow
        finally:
            self._asked.pop(answer, None)

    def reconnect(self) -> None:
        """End the session and make another, for example to use a new certificate."""
        if self._connection is not None:
            self._background = self._loop.create_task(self._connection.close())

    # The line --------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the line up for ever; ``Denied`` when the platform dismissed this node."""
        attempt = 0
        while True:
            started, retry_after = time.monotonic(), None
            try:
                await self._session()
                why = "the session ended"
            except RefusedError as refused:
                why, retry_after = str(refused), refused.retry_after
                if refused.code in _DISMISSED:
                    raise self._dismissed(why) from refused
                self._blame(refused)
            except (HullguardError, OSError) as bad:
                why = str(bad)
            if time.monotonic() - started > _STEADY_SECONDS:
                attempt = 0
            pause = backoff(attempt, retry_after)
            attempt += 1
            _log.info("line down", why=why, again_in=round(pause, 1))
            self._change(Line("waiting", self._server.url, why))
            await asyncio.sleep(pause)

    async def _session(self) -> None:
        node, context = identity.load(self._state).node, identity.tls(self._state)
        async with channel(self._server, SESSION_PATH, context) as connection:
            applied = self._hooks.heartbeat().applied
            session = AgentSession(
                Hello(node, self._spool.boot, __version__, applied=applied, capabilities=capabilities.SAID)
            )
            try:
                await connection.send(session.hello)
                async with asyncio.timeout(_WELCOME_SECONDS):
                    welcome = self._take_in(session, await receive(connection))
                if not isinstance(welcome, Welcome):
                    raise Violation(Code.HELLO_EXPECTED, "the server did not begin with a welcome")
                if not self._spool.resume(welcome.received_up_to):
                    raise ChannelLostError("the spool is older than what the server has; it begins a new numbering")
                self._connection = connection
                await self._open(welcome)
                await first_of(self._read(connection, session), self._pump(connection, session, welcome))
            finally:
                self._close()

    async def _open(self, welcome: Welcome) -> None:
        self._there = capabilities.understood(welcome.capabilities)
        self._stale = OrderedDict.fromkeys(self._latest)
        self._beat_due = True
        self._change(Line("connected", self._server.url, session=welcome.session))
        _log.info("line up", session=welcome.session, server=self._server.url, received_up_to=welcome.received_up_to)
        self._welcomed.set()
        await self._hooks.connected()

    def _close(self) -> None:
        self._connection = None
        self._welcomed.clear()
        lost = ChannelLostError("the session ended")
        futures: list[asyncio.Future[Any]] = [*self._asked]
        if self._head is not None:
            futures.append(self._head[1])
        while not self._bulk.empty():
            futures.append(self._bulk.get_nowait()[1])
        self._head = None
        for future in futures:
            if not future.done():
                future.set_exception(lost)
                future.exception()  # whoever waited may have left: that is no leak

    async def _read(self, connection: ClientConnection, session: AgentSession) -> None:
        while True:
            message = self._take_in(session, await receive(connection))
            match message:
                case Ack(up_to=up_to):
                    self._refusals = 0
                    self._spool.acknowledge(up_to)
                case Credit():
                    self._wake.set()
                case _:
                    if not self._answered(message):
                        await self._hooks.received(message)

    def _take_in(self, session: AgentSession, frame: bytes) -> ServerMessage:
        message = session.receive(frame)
        if isinstance(message, Refusal):
            raise RefusedError(message)
        return message

    def _answered(self, message: ServerMessage) -> bool:
        for answer, answers in self._asked.items():
            if not answer.done() and answers(message):
                answer.set_result(message)
                return True
        return False

    async def _pump(self, connection: ClientConnection, session: AgentSession, welcome: Welcome) -> None:
        last = -_BEAT_PAUSE
        while True:
            self._wake.clear()
            wait = _BEAT_PAUSE if self._beat_due else welcome.heartbeat_seconds
            if time.monotonic() >= last + wait:
                self._beat_due, last = False, time.monotonic()
                await self._send_free(connection, session, Beat(self._hooks.heartbeat()))
                continue
            if not await self._send_most_urgent(connection, session):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, last + wait - time.monotonic())):
                        await self._wake.wait()

    async def _send_free(self, connection: ClientConnection, session: AgentSession, message: AgentMessage) -> bool:
        """False if there is no credit for it now."""
        frame = session.send(message)
        if frame is not None:
            await connection.send(frame)
        return frame is not None

    async def _send_most_urgent(self, connection: ClientConnection, session: AgentSession) -> bool:
        """Send one batch; False if there is nothing to send, or no credit to send it."""
        records = self._spool.sent(session.resume_after, _TAKE_MESSAGES, _TAKE_BYTES)
        records = records or self._spool.take(_TAKE_MESSAGES, _TAKE_BYTES)
        for record in records:
            frame = session.record(record.sequence, record.payload)
            if frame is None:
                return False
            await connection.send(frame)
        if records:
            return True
        slot = next(iter(self._stale), None)
        if slot is None:
            return await self._send_bulk(connection, session)
        sent = await self._send_free(connection, session, self._latest[slot])
        if sent:
            del self._stale[slot]
        return sent

    async def _send_bulk(self, connection: ClientConnection, session: AgentSession) -> bool:
        if self._head is None:
            if self._bulk.empty():
                return False
            self._head = self._bulk.get_nowait()
        message, sent = self._head
        if not sent.done():  # else nobody waits for it any more
            try:
                if not await self._send_free(connection, session, message):
                    return False
            except LimitReached as too_large:
                sent.set_exception(too_large)
            else:
                sent.set_result(None)
        self._head = None
        return True

    def _blame(self, refused: "RefusedError") -> None:
        """A record that the server will never take must not stand in the way of all others for ever.

        What it refuses is the first record that it does not have; after the third time in a row that one goes.
        """
        if refused.code not in _UNTAKEABLE:
            return
        self._refusals += 1
        if self._refusals >= _MOST_REFUSALS:
            self._refusals = 0
            dropped = self._spool.drop_first()
            _log.error("record given up", sequence=dropped, why=str(refused))

    def _dismissed(self, why: str) -> Denied:
        identity.end(self._state, identity.load(self._state), why)
        self._change(Line("dismissed", self._server.url, why))
        return Denied(f"The platform dismissed this node: {why}", "agent.dismissed")

    def _change(self, line: Line) -> None:
        self.line = line
        self._hooks.changed(line)


class RefusedError(Unavailable):
    """The server ended the session and said why."""

    nature = "refused"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message[:2000], refusal.code)
        self.retry_after = refusal.retry_after


def backoff(attempt: int, retry_after: int | None = None) -> float:
    """Full jitter: anything from nothing to a bound that doubles, after the time that the server asked for.

    A server that comes back meets its agents spread over the whole interval instead of all at once.
    """
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt, 16))
    return (retry_after or 0) + random.uniform(0, bound)  # noqa: S311 - spreads load, guards nothing
