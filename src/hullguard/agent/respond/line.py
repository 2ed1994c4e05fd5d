"""The agent's end of the line to its responder: found or started, spoken to, listened to, and ended."""

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import structlog

from hullguard import __version__
from hullguard.agent.respond import orders
from hullguard.agent.respond.guard import NOTE, SOCKET
from hullguard.agent.respond.orders import LARGEST, SPEECH, Greeting, Order, Word
from hullguard.model.decoding import wrong
from hullguard.model.errors import Unavailable

_START_SECONDS = 20.0
_QUIT_SECONDS = 5.0
_LOOK_SECONDS = 0.05

_log = structlog.get_logger()


class _Note(msgspec.Struct):
    why: str
    at: float


class Line:
    """One connection. ``heard`` gets each word after the greeting; None when the responder is there no more."""

    def __init__(
        self,
        connection: socket.socket,
        greeting: Greeting,
        heard: Callable[[Word | None], None],
        started: subprocess.Popen[bytes] | None = None,
    ) -> None:
        self.greeting = greeting
        self._started = started
        """The watchdog, where it is this agent's child: nobody else can reap it."""
        self._connection, self._heard = connection, heard
        self._loop = asyncio.get_running_loop()
        self._open = True
        # Not the peer's credentials: those are of whoever listened, which is the watchdog.
        self.pids = (greeting.responder, greeting.watchdog)
        self._held = [held for each in self.pids if (held := _hold(each)) is not None]
        self._loop.add_reader(connection.fileno(), self._read)

    def say(self, order: Order, descriptor: int | None = None) -> None:
        """Raises ``Unavailable`` if it cannot be said; then the line is gone."""
        data = orders.encode(order)
        try:
            if len(data) > LARGEST:
                raise Unavailable("A policy is too large to be denied by.", "deny.too-large")
            socket.send_fds(self._connection, [data], [] if descriptor is None else [descriptor])
        except OSError as bad:
            self._lost()
            raise Unavailable(f"The responder does not listen: {bad.strerror}.", "deny.line-lost") from bad

    def kill(self) -> None:
        """End both processes, whatever state they are in: everybody who waits goes on."""
        for held in self._held:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(held, signal.SIGKILL)

    def close(self) -> None:
        """Leave them to the next agent."""
        self._hang_up()
        for held in self._held:
            os.close(held)
        self._held = []

    async def end(self) -> None:
        """Nobody wants anything denied any more."""
        with contextlib.suppress(Unavailable):
            self.say(orders.Quit())
        self._hang_up()
        if not await self._gone():
            self.kill()
            await self._gone()
        self.close()

    async def last_words(self, state: Path) -> str:
        """Why the responder is not there any more; the watchdog writes it when it has seen the end."""
        await self._gone()
        self.close()
        return note(state)

    async def _gone(self) -> bool:
        """Whether both have ended, after a while."""
        for _ in range(int(_QUIT_SECONDS / _LOOK_SECONDS)):
            if self._started is not None:
                self._started.poll()
            if len(select.select(self._held, [], [], 0)[0]) == len(self._held):
                return True
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _hang_up(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._connection.fileno())
            self._connection.close()

    def _read(self) -> None:
        while self._open:
            try:
                data = self._connection.recv(LARGEST)
                word = orders.word(data) if data else None
            except BlockingIOError:
                return
            except (OSError, msgspec.DecodeError, RecursionError, UnicodeDecodeError) as bad:
                _log.warning("responder not understood", why=wrong(bad))
                word = None
            if word is None:
                self._lost()
                return
            self._heard(word)

    def _lost(self) -> None:
        if self._open:
            self._hang_up()
            self._heard(None)


async def connect(state: Path, deadline_ms: int, heard: Callable[[Word | None], None]) -> Line:
    """To the responder that an earlier agent left, if it is of this release; else to a new one. ``Unavailable``."""
    found = await _greeted(state)
    if found is not None:
        connection, greeting = found
        if (greeting.speech, greeting.version, greeting.deadline_ms) == (SPEECH, __version__, deadline_ms):
            return Line(connection, greeting, heard)
        await _end(connection, greeting)
    note(state)  # of another life
    started = subprocess.Popen(  # noqa: ASYNC220 -- it takes a millisecond, and must not be ended with this task
        [sys.executable, "-P", "-m", "hullguard.agent.respond.guard", str(state), str(deadline_ms)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # It outlives the agent, and no signal to the agent's group is meant for it.
        start_new_session=True,
    )
    for _ in range(int(_START_SECONDS / _LOOK_SECONDS)):
        await asyncio.sleep(_LOOK_SECONDS)
        found = await _greeted(state)
        if found is not None:
            return Line(*found, heard, started)
        if started.poll() is not None:
            break
    else:
        started.kill()
        started.wait()
    why = note(state) or f"it ended with {started.returncode} before it answered"
    raise Unavailable(f"Nothing can be denied on this node: {why}.", "deny.unavailable", why=why)


def note(state: Path) -> str:
    """Why the last responder ended, and forget it; empty if it left no word."""
    place = state / NOTE
    try:
        found = msgspec.json.decode(place.read_bytes()[:4096], type=_Note)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    finally:
        with contextlib.suppress(OSError):
            place.unlink()
    return found.why[:500]


async def quit_all(state: Path) -> None:
    """End a responder that may be there: nobody wants anything denied."""
    found = await _greeted(state)
    if found is not None:
        await _end(*found)


async def _greeted(state: Path) -> tuple[socket.socket, Greeting] | None:
    """A connection on which the responder has said who it is."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)
    try:
        directory = os.open(state, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            connection.connect(f"/proc/self/fd/{directory}/{SOCKET}")
        finally:
            os.close(directory)
        for _ in range(int(_QUIT_SECONDS / _LOOK_SECONDS)):
            with contextlib.suppress(BlockingIOError):
                data = connection.recv(LARGEST)
                greeting = orders.word(data) if data else None
                if isinstance(greeting, Greeting):
                    return connection, greeting
                break
            await asyncio.sleep(_LOOK_SECONDS)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    connection.close()
    return None


async def _end(connection: socket.socket, greeting: Greeting) -> None:
    """Told to quit, it closes its end when it has."""
    try:
        connection.send(orders.encode(orders.Quit()))
        for _ in range(int(_QUIT_SECONDS / _LOOK_SECONDS)):
            with contextlib.suppress(BlockingIOError):
                if not connection.recv(LARGEST):
                    return
                continue
            await asyncio.sleep(_LOOK_SECONDS)
        os.kill(greeting.responder, signal.SIGKILL)
    except OSError:
        return
    finally:
        connection.close()


def _hold(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None
