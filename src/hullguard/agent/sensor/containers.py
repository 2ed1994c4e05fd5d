"""Who a container is: its id from the kernel's cgroup name; its name, image and labels from the Docker engine."""

import http.client
import json
import re
import socket
import time
import urllib.parse
from collections import OrderedDict

import msgspec
from msgspec import Struct, field

from hullguard.model.errors import Unavailable
from hullguard.model.event import ContainerDetails, ContainerRef, ImageRef
from hullguard.net.answers import watch

_ID = re.compile(r"[0-9a-f]{64}")
_DEFAULT_SOCKET = "/var/run/docker.sock"
_TIMEOUT = 0.5
_PAUSE = 5.0
_UNTOLD = (Unavailable, OSError, http.client.HTTPException, msgspec.MsgspecError, RecursionError, UnicodeDecodeError)
_LARGEST_ANSWER = 1 << 20
_MOST = 2048
_MOST_LABELS = 128


class Identity(Struct, frozen=True):
    """A container as events name it."""

    container: ContainerRef
    image: ImageRef | None = None
    details: ContainerDetails | None = None


HOST = Identity(ContainerRef("host", "host"))
"""What is in no container."""


def container_id(cgroup_name: str) -> str:
    """The id in a cgroup's name.

    The systemd and the cgroupfs driver write it differently (``docker-ID.scope``, ``ID``); it is always the last run of
    64 hexadecimal digits. ``names_container`` in ``bpf/task.h`` reads the same names.
    """
    found = _ID.findall(cgroup_name)
    return found[-1] if found else cgroup_name


def full_name(image: str) -> str:
    """The name with the tag that it means, so that ``nginx:*`` covers what was started as ``nginx``."""
    if not image or image.startswith("sha256:") or "@" in image or ":" in image.rpartition("/")[2]:
        return image
    return f"{image}:latest"


class _Listed(Struct):
    """What the engine's list says of a container."""

    id: str = field(name="Id")
    names: list[str] | None = field(name="Names", default=None)
    image: str = field(name="Image", default="")
    image_id: str = field(name="ImageID", default="")
    labels: dict[str, str] | None = field(name="Labels", default=None)


class DockerIdentities:
    """Asks the engine once per container and never waits long: better an incident without a name than a late one."""

    def __init__(self, docker_host: str | None) -> None:
        self._path = _socket_path(docker_host)
        self._known: OrderedDict[str, Identity] = OrderedDict()
        self._retry: dict[str, float] = {}
        self._down_until = 0.0
        self.reachable = self._path is not None

    def identify(self, cgroup_name: str) -> Identity:
        """The container's identity; without name and image while the engine does not tell."""
        identifier = container_id(cgroup_name)
        known = self._known.get(identifier)
        if known is not None:
            return known
        now = time.monotonic()
        if self._path is None or now < self._down_until or now < self._retry.get(identifier, 0.0):
            return Identity(ContainerRef(identifier))
        identity = self._ask(identifier)
        if identity is None:
            self._retry[identifier] = now + _PAUSE
            if len(self._retry) > _MOST:
                self._retry.clear()
            return Identity(ContainerRef(identifier))
        self._known[identifier] = identity
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return identity

    def _ask(self, identifier: str) -> Identity | None:
        # The list, not `inspect`: the engine answers that one only after the container's start is complete, and the
        # events of the start are the ones that ask.
        filters = urllib.parse.quote(json.dumps({"id": [identifier]}))
        try:
            answer = self._get(f"/containers/json?all=1&filters={filters}")
        except _UNTOLD:
            self._down_until = time.monotonic() + _PAUSE
            self.reachable = False
            return None
        self.reachable = True
        return _identity(identifier, answer)

    def _get(self, path: str) -> list[_Listed]:
        connection = _UnixConnection(str(self._path))
        watch(connection, "the Docker engine", _TIMEOUT)
        try:
            connection.request("GET", path, headers={"Host": "docker"})
            response = connection.getresponse()
            body = response.read(_LARGEST_ANSWER)
            if response.status != 200:
                raise OSError(f"the engine answered {response.status}")
            return msgspec.json.decode(body, type=list[_Listed])
        finally:
            connection.close()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _identity(identifier: str, answer: list[_Listed]) -> Identity | None:
    for found in answer:
        if found.id == identifier:
            name = found.names[0].removeprefix("/") if found.names else ""
            image = ImageRef(found.image_id[:256], full_name(found.image)[:512]) if found.image_id else None
            labels = {key[:256]: value[:512] for key, value in list((found.labels or {}).items())[:_MOST_LABELS]}
            details = ContainerDetails(engine="docker", labels=labels)
            return Identity(ContainerRef(identifier, name[:256]), image, details)
    return None


def _socket_path(docker_host: str | None) -> str | None:
    """Only a local engine has this machine's containers, so only unix sockets make sense."""
    if docker_host is None:
        return _DEFAULT_SOCKET
    return docker_host.removeprefix("unix://") if docker_host.startswith("unix://") else None
