"""The real control plane on a migrated SQLite file, asked over HTTP by people of every role."""

import asyncio
import hashlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from tests.support import records
from tests.support.database import Clock

from hullguard.access.iam.first_administrator import ensure_first_admin
from hullguard.access.iam.passwords import Cost, Passwords
from hullguard.access.registries.vault import Vault
from hullguard.cache import MemoryCache
from hullguard.ctrl.server import create_app, serve
from hullguard.ctrl.services import BundleInfo, Services, Settings
from hullguard.model.errors import Invalid
from hullguard.model.identity import DEFAULT_TENANT, Role, Scope
from hullguard.model.report import AdvisoryState
from hullguard.storage import Storage, Transaction
from hullguard.storage.stores import Containers, Images, Incidents, Nodes

API = "/api/v1"
DATABASE = "hullguard.db"
SCOPE = Scope(DEFAULT_TENANT)
PASSWORD = "a long enough test password"
PIN = "00112233445566778899aabbccddeeff"
MAGIC = b"signed:"
"""What the tests' bundle check accepts: the signature itself is ``wire.bundle``'s business."""


def verify_bundle(path: Path) -> BundleInfo:
    """As ``wire.bundle.verify`` would: size and digest of a file that somebody vouches for."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise Invalid("the bundle is not signed by this platform", "bundle.signature")
    return BundleInfo(hashlib.sha256(content).hexdigest(), content[len(MAGIC) : len(MAGIC) + 5].decode(), len(content))


class Client:
    """One browser or script."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send JSON, as the console does; ``if_match`` becomes If-Match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        content = None
        if body is not None:
            sent.setdefault("content-type", "application/json")
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        target = path if path.startswith("/") and not path.startswith("//") else f"/{path}"
        return await self.http.request(method, target, content=content, headers=sent)

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.call("GET", API + path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return await self.call("POST", API + path, body, **headers)

    async def put(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.call("PUT", API + path, body, **headers)

    async def patch(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.call("PATCH", API + path, body, **headers)

    async def delete(self, path: str, **headers: str) -> httpx.Response:
        return await self.call("DELETE", API + path, **headers)

    async def sign_in(self, name: str, password: str = PASSWORD) -> httpx.Response:
        return await self.post("/sessions", {"username": name, "password": password})


class Control:
    """The application and what it stands on."""

    def __init__(self, services: Services, clock: Clock, first_password: str) -> None:
        self.services, self.clock, self.first_password = services, clock, first_password
        self.app = create_app(services)
        self._clients: list[httpx.AsyncClient] = []
        self._admin: Client | None = None

    @property
    def storage(self) -> Storage:
        return self.services.storage

    def client(self, address: str = "192.0.2.10", **headers: str) -> Client:
        """Somebody who is not signed in."""
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.app, client=(address, 40000)),  # type: ignore[arg-type]
            base_url="http://hullguard.test",
            headers={"x-hullguard-request": "1"} | {name.replace("_", "-"): value for name, value in headers.items()},
        )
        self._clients.append(http)
        return Client(http)

    async def admin(self) -> Client:
        """The first administrator, with a password of her own."""
        if self._admin is None:
            client = self.client("192.0.2.1")
            await client.sign_in("admin", self.first_password)
            answer = await client.put("/sessions/current/password", {"old": self.first_password, "new": PASSWORD})
            assert answer.status_code == 204, answer.text
            self._admin = client
        return self._admin

    async def user(self, role: Role, name: str | None = None) -> Client:
        """A signed-in user of a role, made and given a password of their own over the API."""
        name = name or role.value
        if name == "admin":
            return await self.admin()
        made = await (await self.admin()).post("/users", {"name": name, "role": role.value})
        assert made.status_code == 201, made.text
        client = self.client()
        once = made.json()["one_time_password"]
        assert (await client.sign_in(name, once)).status_code == 201
        answer = await client.put("/sessions/current/password", {"old": once, "new": PASSWORD})
        assert answer.status_code == 204, answer.text
        return client

    async def token(self, client: Client, **changes: Any) -> Client:
        """A script with an API token that ``client`` has made."""
        made = await client.post("/tokens", {"name": "script", "days": 7, **changes})
        assert made.status_code == 201, made.text
        return self.client(authorization=f"Bearer {made.json()['secret']}")

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """What an agent or a worker would write."""
        async with self.storage.transaction(SCOPE) as tx:
            yield tx

    async def close(self) -> None:
        for http in self._clients:
            await http.aclose()


async def make_services(folder: Path, clock: Callable[[], datetime], **settings: Any) -> Services:
    """Everything the control plane needs, in a temporary folder."""
    storage = Storage.open(f"sqlite:///{folder / DATABASE}", clock=clock)
    chosen = {
        "version": "0.0-test",
        "agent_url": "https://hullguard.test:8441",
        "ca_fingerprint": PIN,
        "static": folder / "static",
        "scratch": folder,
        "incoming": folder / "incoming",
        **settings,
    }
    return Services(
        storage,
        MemoryCache(),
        Settings(**chosen),
        verify_bundle,
        lambda: AdvisoryState(datetime(2026, 2, 1, tzinfo=UTC), ("Debian:12",)),
        Vault.open(folder / "registries.key"),
        Passwords(Cost(passes=1, memory_kib=64, lanes=1)),
    )


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A fresh installation, made once: its database file and the first administrator's one-time password."""
    folder = tmp_path_factory.mktemp("installation")

    async def make() -> str:
        services = await make_services(folder, Clock())
        await services.storage.migrate()
        once = await ensure_first_admin(services.storage, services.passwords)
        await services.storage.close()
        assert once is not None
        return once

    with ThreadPoolExecutor(1) as thread:  # a loop of its own, whatever loop the tests use
        return folder / DATABASE, thread.submit(asyncio.run, make()).result()


@pytest_asyncio.fixture
async def control(tmp_path: Path, installation: tuple[Path, str]) -> AsyncIterator[Control]:
    file, once = installation
    shutil.copy(file, tmp_path / DATABASE)
    clock = Clock()
    made = Control(await make_services(tmp_path, clock), clock, once)
    yield made
    await made.close()
    await made.storage.close()


@asynccontextmanager
async def served(services: Services, **options: Any) -> AsyncIterator[str]:
    """The same over real sockets; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(serve(services, listener, stop, ready=ready.set, **options))
    try:
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        yield f"{'https' if options.get('certificate') else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stop.set()
        await task


async def seed(control: Control) -> None:
    """Two nodes, one of them protected, with containers, an image that was matched, and incidents."""
    async with control.writing() as tx:
        await records.enrolled(tx, "node-1", name="alpha")
        await records.enrolled(tx, "node-2", name="beta", protection=False, cluster="edge")
        await Nodes(tx).heartbeat("node-1", records.heartbeat(), tx.now)
        await Images(tx).present("node-1", [(records.IMAGE, ["nginx:1.25"])])
        await Images(tx).store_inventory(records.IMAGE, records.inventory())
        await records.matched(tx, records.IMAGE, records.report())
        await Containers(tx).replace("node-1", [records.container(1), records.container(2, state="exited")])
        await Incidents(tx).insert("node-1", [records.observation(number) for number in (1, 2, 3)], tx.now)
