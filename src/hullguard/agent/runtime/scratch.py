"""Containers of our own making, for a moment: imported from an archive, created, started, read and removed.

Docker's API, which podman's socket speaks too. Everything made carries a label, so that what a killed run has left
behind is found by the next one.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any
from urllib.parse import quote

import msgspec

from hullguard.agent.runtime.docker import decoded
from hullguard.agent.runtime.http import HttpClient, PeerAbsentError, parse_address
from hullguard.model.errors import NotFound, Unavailable

LABEL = "io.hullguard.selftest"
IMPORT_SECONDS, REMOVE_SECONDS = 300.0, 60.0
_LONGEST_OUTPUT = 256 * 1024


class Rights(msgspec.Struct, frozen=True, rename="pascal"):
    """``HostConfig``: what a container may and has beyond what containers have."""

    network_mode: str = "none"
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    device_cgroup_rules: tuple[str, ...] = ()
    pid_mode: str = ""
    cgroupns_mode: str = ""
    masked_paths: tuple[str, ...] | None = None
    """None leaves the engine's own list; nothing of /proc is hidden where it is empty."""
    readonly_paths: tuple[str, ...] | None = None
    pids_limit: int = 256
    memory: int = 512 << 20


class _Wanted(msgspec.Struct, rename="pascal"):
    image: str
    cmd: tuple[str, ...]
    tty: bool
    labels: dict[str, str]
    host_config: Rights


class _Made(msgspec.Struct, rename="pascal"):
    id: str


class Scratch:
    """The engine at ``host`` (``DOCKER_HOST``'s form)."""

    def __init__(self, host: str) -> None:
        self._http = HttpClient(parse_address(host))

    async def check(self) -> None:
        """Raises Unavailable, with what to do, where no engine answers."""
        try:
            await self._http.get("/version")
        except PeerAbsentError as absent:
            raise Unavailable(
                f"{absent}. A container engine is needed: start Docker, or podman's socket "
                "(systemctl start podman.socket) and name it with --docker-host unix:///run/podman/podman.sock.",
                "selftest.no-engine",
            ) from absent

    async def import_image(self, name: str, archive: bytes) -> None:
        """A root file system, a tar, becomes an image called ``name`` (without a tag)."""
        target = f"/images/create?fromSrc=-&repo={quote(name, safe='')}&tag=latest"
        answer = await _whole(self._http.post(target, IMPORT_SECONDS, archive, "application/x-tar"))
        if b'"errorDetail"' in answer:
            raise Unavailable(f"the engine did not import {name}: {answer[-500:].decode(errors='replace').strip()}")

    async def has_image(self, name: str) -> bool:
        """Whether the engine has it here."""
        try:
            await self._http.get(f"/images/{quote(name, safe='/:@')}/json")
        except NotFound:
            return False
        return True

    async def create(self, image: str, command: Iterable[str], rights: Rights, *, terminal: bool = False) -> str:
        """A container that is not started yet; its id."""
        wanted = _Wanted(image, tuple(command), terminal, {LABEL: "1"}, rights)
        body = msgspec.json.encode(wanted)
        answer = await _whole(self._http.post("/containers/create", REMOVE_SECONDS, body, "application/json"))
        return decoded(answer, _Made).id

    async def start(self, container: str) -> None:
        """Returns when its first process was started."""
        await self._http.post(f"/containers/{container}/start", REMOVE_SECONDS)

    async def printed(self, container: str) -> str:
        """What it wrote, its last lines."""
        target = f"/containers/{container}/logs?stdout=1&stderr=1&tail=50"
        return unframed(await self._http.get(target, _LONGEST_OUTPUT)).decode(errors="replace")

    async def remove(self, container: str) -> None:
        """With what it wrote, whether it runs or not; one that is gone already is no error."""
        try:
            await self._http.delete(f"/containers/{container}?force=1&v=1", REMOVE_SECONDS)
        except NotFound:
            return

    async def remove_image(self, name: str) -> None:
        """One that is gone already is no error."""
        try:
            await self._http.delete(f"/images/{quote(name, safe='/:@')}?force=1", REMOVE_SECONDS)
        except NotFound:
            return

    async def left(self) -> list[str]:
        """Containers that were made here and not removed."""
        filters = quote(msgspec.json.encode({"label": [LABEL]}))
        answer = await self._http.get(f"/containers/json?all=1&filters={filters}")
        return [each.id for each in decoded(answer, list[_Made])]


async def _whole(call: Coroutine[Any, Any, bytes]) -> bytes:
    """The answer, also for who is cancelled: the engine makes what it was asked for, and that can be removed then."""
    task = asyncio.ensure_future(call)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def unframed(stream: bytes) -> bytes:
    """Without a terminal each piece has a header of eight bytes: its source, three zeros, its size."""
    pieces, rest = [], stream
    while len(rest) >= 8 and rest[0] in {0, 1, 2} and rest[1:4] == b"\0\0\0":
        size = int.from_bytes(rest[4:8])
        pieces.append(rest[8 : 8 + size])
        rest = rest[8 + size :]
    return b"".join(pieces) if pieces else stream
