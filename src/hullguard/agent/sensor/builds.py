"""Whether a container is a step of an image's build, by what the Docker daemon keeps of it on disk.

Docker's own builder runs each RUN line in a container that it makes itself. No label says so, and a label would prove
nothing: an image can bring its own. What the daemon wrote down before it started the container does, and nothing within
a container can change it. Of the containers that it makes for its users only those look alike for which somebody with
the daemon's socket asked for all of it.

moby/moby, ``builder/dockerfile/internals.go``: ``hostConfigFromOptions`` and ``copyRunConfig``. What BuildKit, buildah
and kaniko do is not seen here: BuildKit's steps within the daemon and buildah's have no container id, and kaniko builds
within its own container, whose engine knows nothing of it.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from hullguard.agent.sensor.documents import UNREADABLE, decoded

CONTAINERS = Path("/var/lib/docker/containers")
"""Where the daemon keeps what it knows of its containers, unless it was told another place for all that it keeps."""
_LARGEST = 1 << 20
_BY_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_Kind = TypeVar("_Kind")


class _LogConfig(Struct, rename="pascal"):
    type: str = ""


class _RestartPolicy(Struct, rename="pascal"):
    name: str = ""


class _HostConfig(Struct, rename="pascal"):
    log_config: _LogConfig = msgspec.field(default_factory=_LogConfig)
    restart_policy: _RestartPolicy = msgspec.field(default_factory=_RestartPolicy)
    binds: list[str] | None = None
    mounts: list[msgspec.Raw] | None = None
    privileged: bool = False


class _Healthcheck(Struct, rename="pascal"):
    test: list[str] | None = None


class _Config(Struct, rename="pascal"):
    image: str = ""
    healthcheck: _Healthcheck | None = None


class _Container(Struct, rename="pascal"):
    id: str = msgspec.field(name="ID", default="")
    config: _Config = msgspec.field(default_factory=_Config)


def builds_image(identifier: str, mounted: Iterable[str]) -> bool | None:
    """Whether Docker's builder made the container; None where what the daemon keeps of it cannot be read.

    ``mounted`` are the sources of its mounts, by its specification: the daemon gives each container the ``hostname``,
    ``hosts`` and ``resolv.conf`` that lie beside what it knows of it.
    """
    directory = next((place for each in mounted if (place := Path(each).parent).name == identifier), None)
    if directory is None or directory.parent.name != "containers":
        return None
    return _kept_of_builder(identifier, directory)


def ended_step(identifier: str) -> bool:
    """Whether Docker's builder made a container that has no specification any more.

    A step that takes milliseconds can have ended before anybody looks at its events. Its runtime's files are gone by
    then; the daemon's own stay until the builder has stored the layer.
    """
    return bool(_kept_of_builder(identifier, CONTAINERS / identifier))


def _kept_of_builder(identifier: str, directory: Path) -> bool | None:
    try:
        host = _read(directory / "hostconfig.json", _HostConfig)
        container = _read(directory / "config.v2.json", _Container)
    except UNREADABLE:
        return None
    return container.id == identifier and _of_builder(host, container.config)


def _of_builder(host: _HostConfig, config: _Config) -> bool:
    """Without logs, restarts, health checks and directories of the host, from an image that has no name yet."""
    unwatched = config.healthcheck is not None and config.healthcheck.test == ["NONE"]
    plain = host.restart_policy.name in {"", "no"} and not host.binds and not host.mounts and not host.privileged
    return host.log_config.type == "none" and unwatched and plain and bool(_BY_DIGEST.fullmatch(config.image))


def _read(path: Path, kind: type[_Kind]) -> _Kind:
    with path.open("rb") as file:
        return decoded(file, kind, _LARGEST)
