"""``hullguard up``: the whole platform on this machine, in one supervised group of processes."""

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from hullguard.agent import alone
from hullguard.app import prepare
from hullguard.app.listening import listen
from hullguard.app.settings import Address, Layout, default_data_dir
from hullguard.app.supervisor import Part, own_command
from hullguard.cache import MemoryCache, serve_local
from hullguard.model.errors import Conflict, HullguardError, Unavailable

START_SECONDS = 60.0

_log = structlog.get_logger()


class UpOptions(Struct, frozen=True):
    """What the person asked for."""

    layout: Layout
    listen: Address
    agents: Address
    agent: bool = True
    beside: bool = False
    """Though another agent may watch this machine already."""


class Endpoints(Struct, frozen=True):
    """Where the running platform is reached; written to ``run/endpoints.json``."""

    console: str
    agents: str
    pids: dict[str, int]


Say = Callable[[str], None]


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold the data directory; a second ``up`` on it gets ``Conflict`` naming the first one's process."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise Conflict(
                f"Hullguard already runs on {lock.parent.parent} (process {holder}); "
                "stop it first, or choose another directory with --data",
                "already-running",
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


async def up(options: UpOptions, say: Say) -> None:
    """Start everything, say how to sign in, and stay until interrupted or terminated."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    options.layout.make()
    with only_one(options.layout.lock):
        _check_free(options)
        async with contextlib.AsyncExitStack() as stack:
            await _start_and_stay(options, say, stop, stack)
        options.layout.endpoints.unlink(missing_ok=True)
    say("Stopped.")


async def _start_and_stay(options: UpOptions, say: Say, stop: asyncio.Event, stack: contextlib.AsyncExitStack) -> None:
    layout = options.layout
    say(f"Data directory: {layout.data}")
    await stack.enter_async_context(serve_local(MemoryCache(), layout.cache_socket))
    first = await prepare.prepare(layout)
    say("Database: ready" + (" (new)" if first.password else ""))
    group = _Group(options, say)
    stack.push_async_callback(group.stop)
    if not await _unless(stop, group.start_servers()):
        return
    if options.agent:
        await _unless(stop, group.start_agent())
    if stop.is_set():
        return
    _say_how_to_sign_in(say, group, first, layout)
    await stop.wait()
    say("Stopping…")


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work unless the stop comes first; whether it was done."""
    task = asyncio.ensure_future(work)
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        await task
        return True
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return False


def _say_how_to_sign_in(say: Say, group: "_Group", first: prepare.FirstStart, layout: Layout) -> None:
    say("")
    say(f"Console:  {group.console_url}")
    if group.console_url.startswith("https:"):
        say(f"          (its certificate is of the platform's own authority, {layout.authority / 'ca.pem'})")
    if first.password:
        say(f"Sign in:  user {first.user}, one-time password {first.password}")
        say("          (you will be asked to choose your own; it is not shown again)")
    else:
        where = "" if layout.data == default_data_dir() else f" --data {layout.data}"
        say(f"Sign in:  with your own password (lost? `hullguard admin reset-password NAME{where}`)")
    if not layout.advisories.exists():
        say("Advisories: none yet, so images show packages but no vulnerabilities. The platform fetches")
        say("          them in a few minutes (console, Advisories: from where, and when);")
        where = "" if layout.data == default_data_dir() else f" --db {layout.advisories}"
        say(f"          without a network upload a file there, or `hullguard db import FILES…{where}`")
    say("Ctrl-C stops everything.")


class _Group:
    """The parts in the order in which they start; they stop the other way round."""

    def __init__(self, options: UpOptions, say: Say) -> None:
        self._options, self._layout, self._say = options, options.layout, say
        self._parts: list[Part] = []
        self._listen, self._agents = options.listen, options.agents
        self.console_url = ""
        self._agents_url = ""

    async def start_servers(self) -> None:
        hostmgr = self._start("hostmgr", lambda: self._serve("hostmgr", "--listen", str(self._agents)))
        worker = self._start("worker", lambda: self._serve("worker"))
        self._agents = _address(await hostmgr.ready(START_SECONDS))
        self._agents_url = f"wss://{self._reachable(self._agents)}"
        public = f"wss://{_public(self._agents)}"
        self._say(f"hostmgr: agents connect to {public}")
        ctrl = self._start("ctrl", lambda: self._serve("ctrl", "--listen", str(self._listen), "--agents-url", public))
        await worker.ready(START_SECONDS)
        self._say("worker:  ready")
        self._listen = _address(await ctrl.ready(START_SECONDS))
        scheme = "http" if self._options.listen.loopback else "https"
        self.console_url = f"{scheme}://{self._reachable(self._listen)}"
        self._say(f"ctrl:    serving {self.console_url}")
        self._write_endpoints()

    async def start_agent(self) -> None:
        """Enrol and run the agent of this machine; a machine that cannot have one still has a platform."""
        beside = ("--beside",) if self._options.beside else ()
        try:
            if not beside:
                await asyncio.to_thread(_no_agent_here)
            await prepare.enrol_here(self._layout, self._agents_url)
        except HullguardError as reason:
            self._say(f"agent:   not started: {reason}")
            return
        part = self._start("agent", lambda: own_command("agent", "run", "--state", str(self._layout.agent), *beside))
        try:
            message = await part.ready(START_SECONDS)
        except HullguardError as reason:
            self._say(f"agent:   {reason}")
        else:
            self._say(f"agent:   {message or 'this machine is connected'}")

    async def stop(self) -> None:
        for part in reversed(self._parts):
            await part.stop()
            self._say(f"{part.name + ':':<9}stopped")

    def _start(self, name: str, argv: Callable[[], tuple[str, ...]]) -> Part:
        part = Part(name, argv, self._layout.logs / f"{name}.log", dict(os.environ), self._write_endpoints)
        self._parts.append(part)
        part.start()
        return part

    def _serve(self, part: str, *arguments: str) -> tuple[str, ...]:
        return own_command("serve", part, "--data", str(self._layout.data), *arguments)

    def _reachable(self, bound: Address) -> str:
        """An address that a browser here can open when the server listens on every address."""
        return str(Address("127.0.0.1" if bound.everywhere else bound.host, bound.port))

    def _write_endpoints(self) -> None:
        """Once the servers serve, and whenever another process takes the place of one that died."""
        if not self.console_url:
            return
        pids = {part.name: part.pid for part in self._parts if part.pid is not None}
        content = msgspec.json.encode(Endpoints(self.console_url, self._agents_url, pids))
        temporary = self._layout.endpoints.with_suffix(".new")
        try:
            temporary.write_bytes(content)
            temporary.replace(self._layout.endpoints)
        except OSError as reason:  # a disk that is full for a while ends nothing that runs
            _log.warning("where the platform is reached cannot be written", file=str(temporary), reason=str(reason))


def _no_agent_here() -> None:
    """Raises Conflict where another agent runs: it is said before this machine becomes a node that never comes."""
    with contextlib.suppress(Unavailable):  # the agent will say so itself
        os.close(alone.claim())


def _public(bound: Address) -> Address:
    """What other machines can call it: the host's name where it listens on every address."""
    return Address(socket.gethostname() if bound.everywhere else bound.host, bound.port)


def _check_free(options: UpOptions) -> None:
    """A taken port is said before anything is made or started, with the option that chooses another."""
    for option, address in (("--listen", options.listen), ("--agents", options.agents)):
        try:
            listen(address).close()
        except HullguardError as reason:
            raise type(reason)(f"{option}: {reason}") from reason


def _address(message: str) -> Address:
    host, _, port = message.rpartition(":")
    return Address(host.strip("[]"), int(port))
