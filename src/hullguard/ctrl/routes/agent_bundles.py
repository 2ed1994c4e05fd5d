"""Agent bundles: what the command ``update_agent`` installs. Nothing is kept whose signature was not checked first."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from hullguard.ctrl.call import Call
from hullguard.ctrl.errors import NotAcceptable
from hullguard.ctrl.receiving import received
from hullguard.model.errors import TooMany
from hullguard.model.identity import Permission
from hullguard.storage.stores import Blob, Blobs
from hullguard.storage.stores.blobs import SIZE_MAX

KIND: Final = "agent-bundle"

UPLOAD_SECONDS: Final = 600
"""One bundle at a time: who sends a byte a minute must not keep everybody else out."""

_PIECE: Final = 1024 * 1024


class AgentBundle(Struct, frozen=True):
    """A verified bundle."""

    sha256: str
    version: str
    size: int
    uploaded: datetime


@get("/agent-bundles", permission=Permission.COMMANDS_READ)
async def list_agent_bundles(call: NamedDependency[Call]) -> list[AgentBundle]:
    """The bundles that agents can be updated to, newest first."""
    async with call.reading() as tx:
        return [_shown(blob) for blob in await Blobs(tx).all(KIND)]


@post(
    "/agent-bundles",
    permission=Permission.COMMANDS_WRITE,
    binary_body=True,
    refusals=(413, 415, 429),
    request_max_body_size=SIZE_MAX,
)
async def upload_agent_bundle(call: NamedDependency[Call]) -> AgentBundle:
    """Upload a bundle of at most 64 MiB; it is kept only if the platform's release key signed it."""
    if call.request.headers.get("content-type", "") != "application/octet-stream":
        raise NotAcceptable("Send the bundle as application/octet-stream.", "media-type")
    turn: asyncio.Lock = call.request.app.state.uploading
    if turn.locked():
        raise TooMany("Another bundle is being uploaded. Try again when it is done.", "upload-busy", retry_after=10)
    async with turn, received(call.request, call.services.settings.scratch, "bundle", UPLOAD_SECONDS) as path:
        info = await asyncio.to_thread(call.services.verify_bundle, path)
        async with call.changing() as tx:
            kept = await Blobs(tx).store(info.sha256, KIND, info.version, _pieces(path))
            details = {"version": info.version, "size": str(info.size)}
            await call.record(tx, "agent-bundle.upload", f"agent-bundle:{info.sha256}", details=details)
    return _shown(kept)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _shown(blob: Blob) -> AgentBundle:
    return AgentBundle(blob.sha256, blob.version, blob.size, blob.uploaded)


ROUTES: Final[tuple[HTTPRouteHandler, ...]] = (list_agent_bundles, upload_agent_bundle)
