"""A real hostmgr on a free port, and an agent that speaks the real protocol through the real wire session."""

import asyncio
import inspect
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import structs
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from hullguard.access import enrolment
from hullguard.cache import Cache, MemoryCache
from hullguard.hostmgr.authority import Authority
from hullguard.hostmgr.config import HostmgrConfig
from hullguard.hostmgr.server import serve
from hullguard.model.identity import DEFAULT_TENANT, Actor, Role, Scope
from hullguard.model.node import HostFacts
from hullguard.storage import Storage
from hullguard.wire import codec
from hullguard.wire.enrolment import ENROL_PATH, SERVER_NAME, SESSION_PATH
from hullguard.wire.messages import (
    Ack,
    AgentMessage,
    Enrol,
    Enrolled,
    EnrolmentAnswer,
    Hello,
    Record,
    Refusal,
    ServerMessage,
    Welcome,
)
from hullguard.wire.session import AgentSession, record_body

SCOPE = Scope(DEFAULT_TENANT)
ADMIN = Actor("user:admin", SCOPE, Role.ADMIN)
SECONDS = 60
"""How long a test waits for what must come: a bound on hanging, not on speed."""

M = TypeVar("M")


def facts(hostname: str = "worker-1") -> HostFacts:
    return HostFacts(hostname, "Debian GNU/Linux 12", "6.1.0", "x86_64", 2, 8 << 30, ("10.0.0.5",), "docker", "boot-1")


class Hostmgr:
    """One replica, which can be stopped, killed in the middle of its work, and started again on the same port."""

    def __init__(self, storage: Storage, cache: Cache, authority: Authority, **config: object) -> None:
        self.storage, self.cache, self.authority = storage, cache, authority
        self.config = config
        # Keeps the port while nobody listens: others' connections, of which there are many, would be given it.
        self._place = socket.socket()
        self._place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._place.bind(("127.0.0.1", 0))
        self.port = self._place.getsockname()[1]
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port), reuse_port=True)
        ready = asyncio.Event()
        self._stop = asyncio.Event()
        config = HostmgrConfig(listener=listener, names=("localhost",), **self.config)  # type: ignore[arg-type]
        self._task = asyncio.create_task(
            serve(config, self.storage, self.cache, self.authority, self._stop, ready=ready.set)
        )
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait([self._task, waiting], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def stop(self) -> None:
        self._stop.set()
        if self._task is not None:
            await self._task
            self._task = None

    async def close(self) -> None:
        """For good."""
        await self.stop()
        self._place.close()

    async def kill(self) -> None:
        """What is in memory is gone."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def token(self, *, max_uses: int = 1, life: timedelta = timedelta(hours=1), cluster: str = "default") -> str:
        async with self.storage.transaction(SCOPE) as tx:
            _, text = await enrolment.create(
                tx,
                ADMIN,
                name="test",
                cluster=cluster,
                expires=tx.now + life,
                max_uses=max_uses,
                pin=self.authority.pin,
            )
        return text

    async def enrolled(self, directory: Path, hostname: str = "worker-1") -> "FakeAgent":
        agent = FakeAgent(self, directory / hostname, hostname)
        answer = await agent.enrol(await self.token())
        assert isinstance(answer, Enrolled), answer
        return agent


class FakeAgent:
    """An agent without sensor and runtime: a spool in memory and the real session over the real socket."""

    def __init__(self, hostmgr: Hostmgr, directory: Path, hostname: str = "worker-1") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.hostmgr, self.hostname, self.directory = hostmgr, hostname, directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.node = ""
        self.certificate = ""
        self.stream = "stream-1"
        self.spool: dict[int, bytes] = {}
        self.made = 0
        self.session: AgentSession | None = None
        self.socket: ClientConnection | None = None
        self.got: list[ServerMessage] = []

    # --- enrolment ---

    def csr(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "whoever I like")])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(self.key, hashes.SHA256())
        return request.public_bytes(serialization.Encoding.PEM).decode()

    def tls(self, *, certificate: bool = True) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.hostmgr.authority.ca_pem)
        if certificate:
            path = self.directory / "node.pem"
            key = self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            path.write_bytes(key + self.certificate.encode())
            context.load_cert_chain(path)
        return context

    def dial(self, path: str, *, certificate: bool = True) -> connect:
        return connect(
            f"wss://127.0.0.1:{self.hostmgr.port}{path}",
            ssl=self.tls(certificate=certificate),
            server_hostname=SERVER_NAME,
            compression=None,
            proxy=None,
            max_size=None,
        )

    async def enrol(self, token: str, **changes: object) -> EnrolmentAnswer:
        request = structs.replace(Enrol(token, self.csr(), facts(self.hostname), "0.1.0"), **changes)
        async with self.dial(ENROL_PATH, certificate=False) as connection:
            await connection.send(codec.encode_frame(codec.encode(request)))
            answer = codec.decode_enrolment_answer(codec.decode_frame(await self._frame(connection)).body)
        if isinstance(answer, Enrolled):
            self.node, self.certificate = answer.node, answer.certificate_pem
        return answer

    # --- a session ---

    async def open(self, **hello: object) -> Welcome | Refusal:
        """Connects and says hello."""
        self.socket = await self.dial(SESSION_PATH)
        self.session = AgentSession(structs.replace(Hello(self.node, self.stream, "0.1.0"), **hello))
        await self.socket.send(self.session.hello)
        return await self.next((Welcome, Refusal))

    @asynccontextmanager
    async def connected(self, **hello: object) -> AsyncIterator["FakeAgent"]:
        answer = await self.open(**hello)
        assert isinstance(answer, Welcome), answer
        try:
            yield self
        finally:
            await self.close()

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    def cut(self) -> None:
        """The network is gone, without a word."""
        assert self.socket is not None
        self.socket.transport.abort()
        self.socket = None

    def note(self, record: Record) -> int:
        """Into the spool."""
        self.made += 1
        self.spool[self.made] = record_body(record)
        return self.made

    async def flush(self) -> None:
        """Sends what is in the spool and was not sent, as far as there is credit."""
        assert self.session is not None
        for number in sorted(n for n in self.spool if n > self.session.resume_after):
            frame = self.session.record(number, self.spool[number])
            if frame is None:
                return
            await self.raw(frame)

    async def drain(self) -> None:
        """Until everything is acknowledged."""
        await self.flush()
        while self.spool:
            await self.next()
            await self.flush()

    async def tell(self, message: AgentMessage) -> None:
        assert self.session is not None
        while (frame := self.session.send(message)) is None:
            await self.next()
        await self.raw(frame)

    async def raw(self, frame: bytes | str) -> None:
        assert self.socket is not None
        await self.socket.send(frame)

    async def next(
        self, kind: type[M] | tuple[type[M], ...] | None = None, holds: Callable[[M], bool] | None = None
    ) -> M:
        """The next message, or the next of a kind; what is passed over stays in ``got``."""
        assert self.socket is not None
        assert self.session is not None
        while True:
            message = self.session.receive(await self._frame(self.socket))
            self.got.append(message)
            if isinstance(message, Welcome):
                self._forget(message.received_up_to)
            elif isinstance(message, Ack):
                self._forget(message.up_to)
            if kind is None or (isinstance(message, kind) and (holds is None or holds(message))):
                return message  # type: ignore[return-value]

    async def refused(self) -> Refusal:
        """The refusal that must come, and after it the end."""
        refusal = await self.next(Refusal)
        assert self.socket is not None
        with suppress(ConnectionClosed):
            await self._frame(self.socket)
        return refusal

    def _forget(self, up_to: int) -> None:
        for number in [n for n in self.spool if n <= up_to]:
            del self.spool[number]

    @staticmethod
    async def _frame(connection: ClientConnection) -> bytes:
        async with asyncio.timeout(SECONDS):
            data = await connection.recv()
        assert isinstance(data, bytes)
        return data


@pytest_asyncio.fixture
async def hostmgr(tmp_path: Path) -> AsyncIterator[Hostmgr]:
    storage = Storage.open(f"sqlite:///{tmp_path / 'hullguard.db'}")
    await storage.migrate()
    authority = Authority.open(tmp_path / "ca", datetime.now(UTC))
    # Rounds are told to wait: what a test sees comes from wake-ups, unless it asks for rounds itself.
    server = Hostmgr(storage, MemoryCache(), authority, poll_seconds=3600.0)
    await server.start()
    yield server
    await server.close()
    await storage.close()


@pytest_asyncio.fixture
async def agent(hostmgr: Hostmgr, tmp_path: Path) -> FakeAgent:
    return await hostmgr.enrolled(tmp_path)


async def eventually(holds: Callable[[], object], seconds: float = SECONDS) -> None:
    """Until it is so; whether it is may have to be waited for, too."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            if await found if inspect.isawaitable(found) else found:
                return
            await asyncio.sleep(0.01)
