"""Containers, images and events of the local Docker daemon, in the words of the model.

Foreign field names (``Id``, ``RepoTags``) end in this file. A daemon is the host's, but what it repeats was chosen by
whoever built the image, so names are bounded and what does not parse is left out and counted, not raised.
"""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from hullguard.agent.runtime.http import HttpClient, parse_address
from hullguard.model.decoding import wrong
from hullguard.model.errors import Conflict, Invalid, NotFound, Unavailable
from hullguard.model.event import ImageRef
from hullguard.model.node import Container

T = TypeVar("T")

DEFAULT_HOST = "unix:///var/run/docker.sock"
Verb = Literal["pause", "unpause", "stop", "start"]
_ORDER_SECONDS = 30.0
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_MAX_NAME = 512
_MAX_NAMES = 64
_NEVER = "0001-01-01"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes from outside: not JSON, not UTF-8, too deep."""
_ACTIONS = (
    *("create", "start", "kill", "die", "pause", "unpause", "destroy", "rename", "update"),
    *("pull", "tag", "untag", "delete", "import", "load", "commit"),
)
"""What changes the lists. Left out above all are ``exec_*``: a health check makes three of them every few seconds."""


class LocalImage(NamedTuple):
    """An image in the daemon's store."""

    id: str
    names: tuple[str, ...]


class Change(NamedTuple):
    """Something happened to a container or an image."""

    kind: str
    """``container`` or ``image``."""
    action: str
    id: str
    image: str = ""
    """What a container's image is called, as in ``ImageRef``."""
    name: str = ""
    code: int | None = None
    """What it ended with, of ``die``; the signal that somebody had sent to it, of ``kill``."""


class MainProcess(NamedTuple):
    """The first process of a running container, and what it may do to its own network."""

    pid: int
    container: Container
    administers_network: bool
    """It has CAP_NET_ADMIN in its network namespace."""


class _State(msgspec.Struct, rename="pascal"):
    status: str = ""
    started_at: str = ""
    pid: int = 0


class _Config(msgspec.Struct, rename="pascal"):
    image: str = ""


class _HostConfig(msgspec.Struct, rename="pascal"):
    privileged: bool = False
    network_mode: str = ""
    cap_add: list[str] | None = None


class _Inspected(msgspec.Struct, rename="pascal"):
    id: str
    image: str
    name: str = ""
    created: str = ""
    state: _State = msgspec.field(default_factory=_State)
    config: _Config = msgspec.field(default_factory=_Config)
    host_config: _HostConfig = msgspec.field(default_factory=_HostConfig)


class _Listed(msgspec.Struct, rename="pascal"):
    id: str
    state: str = ""


class _ListedImage(msgspec.Struct, rename="pascal"):
    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None


class _Actor(msgspec.Struct):
    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] = msgspec.field(name="Attributes", default_factory=dict)


class _Event(msgspec.Struct):
    type: str = msgspec.field(name="Type", default="")
    action: str = msgspec.field(name="Action", default="")
    actor: _Actor = msgspec.field(name="Actor", default_factory=_Actor)


class _Version(msgspec.Struct, rename="pascal"):
    version: str = ""


class Docker:
    """The daemon at ``host`` (``DOCKER_HOST``'s form)."""

    def __init__(self, host: str = DEFAULT_HOST) -> None:
        self.host = host
        self._http = HttpClient(parse_address(host))

    def here(self) -> bool:
        """Whether it may be on this machine: a socket that is not there says that it is not, or is stopped."""
        return not self.host.startswith("unix://") or Path(self.host.removeprefix("unix://")).exists()

    async def version(self) -> str:
        """For example ``docker 24.0.7``."""
        return f"docker {decoded(await self._http.get('/version'), _Version).version}"[:64]

    async def containers(self, known: Mapping[str, Container]) -> list[Container]:
        """Every container, stopped ones too; those in ``known`` whose state is the same are not asked about again."""
        listed = decoded(await self._http.get("/containers/json?all=1"), list[_Listed])
        found = []
        for entry in listed:
            container = known.get(entry.id)
            if container is None or container.state != entry.state:
                container = await self.container(entry.id)
            if container is not None:
                found.append(container)
        return found

    async def container(self, identity: str) -> Container | None:
        """One container, or None if it went in the meantime."""
        if not _CONTAINER.fullmatch(identity):
            return None
        try:
            body = await self._inspect(identity)
        except NotFound:
            return None
        return parse_container(body)

    async def main_process(self, identity: str) -> MainProcess:
        """Raises ``NotFound`` without such a container, ``Conflict`` when it does not run."""
        body = await self._inspect(identity)
        container = parse_container(body)
        seen = decoded(body, _Inspected)
        if container is None:
            raise Unavailable(f"Docker's word on container {identity[:12]} cannot be read.", "docker-answer-strange")
        if seen.state.pid <= 0:
            raise Conflict(
                f"Container {container.name or identity[:12]} does not run: it is {container.state}.",
                "respond.not-running",
                container=container.name,
                state=container.state,
            )
        added = {name.upper().removeprefix("CAP_") for name in seen.host_config.cap_add or ()}
        administers = seen.host_config.privileged or bool(added & {"NET_ADMIN", "ALL"})
        return MainProcess(seen.state.pid, container, administers)

    async def order(self, identity: str, verb: Verb, grace: int = 10) -> None:
        """Have the daemon do it; returns when it is done, or was so before. ``grace`` is a stop's, in seconds."""
        query = f"?t={grace}" if verb == "stop" else ""
        await self._http.post(f"/containers/{_named(identity)}/{verb}{query}", wait=grace + _ORDER_SECONDS)

    async def _inspect(self, identity: str) -> bytes:
        return await self._http.get(f"/containers/{_named(identity)}/json")

    async def images(self) -> list[LocalImage]:
        """Every image with a name, or that a container may run: intermediate layers of builds are left out."""
        listed = decoded(await self._http.get("/images/json"), list[_ListedImage])
        return [
            LocalImage(image.id, _names(image.repo_tags, image.repo_digests))
            for image in listed
            if _DIGEST.fullmatch(image.id)
        ]

    async def changes(self) -> AsyncIterator[Change]:
        """What happens from now on; raises ``PeerAbsentError`` when the daemon goes."""
        filters = msgspec.json.encode({"type": ["container", "image"], "event": _ACTIONS})
        async for line in self._http.lines(f"/events?filters={quote(filters)}"):
            try:
                event = msgspec.json.decode(line, type=_Event)
            except _UNREADABLE:
                continue
            yield _change(event)


def parse_container(body: bytes) -> Container | None:
    """A container from ``docker inspect``; None if it is not one."""
    try:
        seen = msgspec.json.decode(body, type=_Inspected)
    except _UNREADABLE:
        return None
    if not _CONTAINER.fullmatch(seen.id) or not _DIGEST.fullmatch(seen.image):
        return None
    return Container(
        id=seen.id,
        name=seen.name.removeprefix("/")[:_MAX_NAME],
        image=ImageRef(seen.image, image_name(seen.config.image)),
        state=(seen.state.status or "unknown")[:32],
        created=instant(seen.created),
        started=instant(seen.state.started_at),
        privileged=seen.host_config.privileged,
        host_network=seen.host_config.network_mode == "host",
    )


def _change(event: _Event) -> Change:
    said = event.actor.attributes
    number = said.get({"die": "exitCode", "kill": "signal"}.get(event.action, ""), "")
    return Change(
        event.type,
        event.action,
        event.actor.id,
        image=image_name(said.get("image", "")),
        name=said.get("name", "")[:_MAX_NAME],
        code=int(number) if re.fullmatch(r"[0-9]{1,3}", number, re.ASCII) else None,
    )


def _named(identity: str) -> str:
    """Only a whole id ever becomes part of a request: a name could be anything."""
    if not _CONTAINER.fullmatch(identity):
        raise Invalid("A container is named by its 64 hexadecimal digits.", "respond.container-id")
    return identity


def image_name(given: str) -> str:
    """The name a person gave to ``docker run``, with the tag that Docker assumed; empty for a bare id."""
    if _DIGEST.fullmatch(given) or re.fullmatch(r"[0-9a-f]{12,64}", given):
        return ""
    if given and "@" not in given and ":" not in given.rpartition("/")[2]:
        given += ":latest"
    return given[:_MAX_NAME]


def _names(tags: list[str] | None, digests: list[str] | None) -> tuple[str, ...]:
    named = [tag for tag in tags or () if tag != "<none>:<none>"]
    named = named or [digest for digest in digests or () if not digest.startswith("<none>")]
    return tuple(name for name in named if len(name) <= _MAX_NAME)[:_MAX_NAMES]


def instant(text: str) -> datetime | None:
    """A moment as engines write it, RFC 3339; they say year 1 for never, and nanoseconds."""
    if not text or text.startswith(_NEVER):
        return None
    try:
        return msgspec.convert(re.sub(r"(\.\d{6})\d+", r"\1", text), datetime).astimezone(UTC)
    except (msgspec.ValidationError, ValueError, OverflowError):
        return None


def decoded(body: bytes, kind: type[T]) -> T:
    """What an engine answered; raises Unavailable where it is not what its API promises."""
    try:
        return msgspec.json.decode(body, type=kind)
    except _UNREADABLE as bad:
        raise Unavailable(
            f"Docker's answer is not what its API promises: {wrong(bad)}", "docker-answer-strange"
        ) from bad
