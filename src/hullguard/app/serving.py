"""One server part in one process: connects storage, cache and authority to what the part's package offers."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from hullguard import __version__
from hullguard.access.registries.vault import Vault
from hullguard.app.listening import bound, listen
from hullguard.app.readiness import announce_ready
from hullguard.app.settings import Address, Layout
from hullguard.cache import Cache, LocalCache, MemoryCache, serve_local
from hullguard.hostmgr.authority import Authority
from hullguard.model.errors import HullguardError
from hullguard.model.report import AdvisoryState
from hullguard.storage import Storage


class _Connections(Struct, frozen=True):
    storage: Storage
    cache: Cache
    authority: Authority
    vault: Vault
    stop: asyncio.Event


def _stop_at_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@contextlib.asynccontextmanager
async def _connected(layout: Layout) -> AsyncIterator[_Connections]:
    stop = _stop_at_signals()
    layout.make()
    storage = Storage.open(layout.database_url)
    cache = LocalCache(layout.cache_socket)
    try:
        await storage.migrate()
        authority = await asyncio.to_thread(Authority.open, layout.authority, datetime.now(UTC))
        vault = await asyncio.to_thread(Vault.open, layout.registry_key)
        yield _Connections(storage, cache, authority, vault, stop)
    finally:
        await cache.close()
        await storage.close()


def _names(address: Address) -> list[str]:
    """The host names and addresses that a server certificate is good for."""
    names = {"localhost", "127.0.0.1", "::1", socket.gethostname(), socket.getfqdn()}
    if not address.everywhere:
        names.add(address.host)
    return sorted(names)


def _advisory_state(path: Path) -> AdvisoryState:
    from hullguard.advisories.database import Advisories

    try:
        with contextlib.closing(Advisories.open(path)) as advisories:
            return advisories.state
    except HullguardError:
        return AdvisoryState(None)  # the overview says that there is none, or none that can be read


async def ctrl(layout: Layout, address: Address, agents_url: str, *, trusted_proxies: tuple[str, ...] = ()) -> None:
    """The REST API and the console: plain HTTP on loopback, TLS with the platform's own certificate elsewhere."""
    from hullguard.advisories.errands.messages import incoming
    from hullguard.ctrl.server import serve
    from hullguard.ctrl.services import BundleInfo, Services, Settings
    from hullguard.wire import bundle

    async with _connected(layout) as have:
        listener = listen(address)
        release_key = bytes.fromhex(have.authority.release_public_key)

        def verify_bundle(path: Path) -> BundleInfo:
            manifest = bundle.verify(path, release_key)
            return BundleInfo(bundle.digest(path), manifest.version, path.stat().st_size)

        certificate = (
            None
            if address.loopback
            else await asyncio.to_thread(have.authority.server_file, "ctrl", _names(address), datetime.now(UTC))
        )
        services = Services(
            have.storage,
            have.cache,
            Settings(
                version=__version__,
                secure_cookies=certificate is not None,
                trusted_proxies=trusted_proxies,
                agent_url=agents_url,
                ca_fingerprint=have.authority.pin,
                scratch=layout.run,
                incoming=incoming(layout.advisories),
            ),
            verify_bundle,
            lambda: _advisory_state(layout.advisories),
            have.vault,
        )
        await serve(
            services,
            listener,
            have.stop,
            certificate=certificate,
            ready=lambda: announce_ready(str(bound(listener))),
        )


async def hostmgr(layout: Layout, address: Address) -> None:
    """The agents' gateway."""
    from hullguard.hostmgr.server import HostmgrConfig, serve

    async with _connected(layout) as have:
        listener = listen(address)
        await serve(
            HostmgrConfig(listener=listener, names=tuple(_names(address))),
            have.storage,
            have.cache,
            have.authority,
            have.stop,
            ready=lambda: announce_ready(str(bound(listener))),
        )


async def worker(layout: Layout) -> None:
    """Background work."""
    from hullguard.worker.context import RegistryFiles
    from hullguard.worker.run import Files, work

    async with _connected(layout) as have:
        registries = RegistryFiles(have.vault, layout.registry_layers, layout.run)
        files = Files(layout.advisories, layout.anchors, registries)
        await work(have.storage, have.cache, files, have.stop, ready=announce_ready)


async def cache(layout: Layout) -> None:
    """The cache that the other parts of this machine share; ``hullguard up`` serves it itself."""
    stop = _stop_at_signals()
    layout.make()
    async with serve_local(MemoryCache(), layout.cache_socket):
        announce_ready()
        await stop.wait()
