"""What engines on this machine hold: images of Docker and Podman, and containers of Docker."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from hullguard.inventory.compression import Readable
from hullguard.inventory.layer import IndexedLayer
from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import Blobs, LayerBlob, StreamBlobs
from hullguard.inventory.source.docker_archive import describe_docker
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.engine import DEFAULT_HOST, Engine
from hullguard.inventory.source.image import Described
from hullguard.inventory.source.opened import Request, StoredImage
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.source.unread_mounts import unread
from hullguard.model.errors import LimitReached
from hullguard.model.package import Unknown

PODMAN_SOCKET = "/run/podman/podman.sock"
_ONE_PLATFORM = Unknown(
    "platform", "a container is of one platform: the one that was asked for chose nothing and was not compared with it"
)


class DockerSource:
    """An image of the Docker engine on this machine."""

    kind = "docker"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        yield _image(Engine(request.docker_host or DEFAULT_HOST), request)


class PodmanSource:
    """An image of Podman, whose service answers as Docker's does (``systemctl enable --now podman.socket``)."""

    kind = "podman"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        yield _image(podman(), request)


class ContainerSource:
    """A container of the Docker engine as it stands now: its image and all that was changed in it since.

    What is mounted into it is not read, and that is told.
    """

    kind = "container"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        engine = Engine(request.docker_host or DEFAULT_HOST)
        container = engine.inspect_container(request.name)

        def describe(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
            del blobs, limits
            return Described(
                container.image,
                ImageConfig(os="linux", config=container.config),
                b"",
                [LayerBlob(container.id, None, None)],
                unknowns=(*unread(container.mounted), *([_ONE_PLATFORM] if platform else ())),
            )

        yield StoredImage(_Exported(engine, container.id), describe, (container.name.lstrip("/"),))


class _Exported:
    """A container's whole file system, which the engine gives as one archive."""

    stopped: LimitReached | None = None

    def __init__(self, engine: Engine, container: str) -> None:
        self._engine = engine
        self._container = container

    def document(self, name: str) -> None:
        del name

    def earlier(self, name: str) -> None:
        del name

    def layer(self, blob: LayerBlob, reader: LayerReader) -> IndexedLayer:
        with self._engine.export(self._container) as body:
            return reader.merged(body, f"container {blob.name[:12]}")

    def found(self) -> list[IndexedLayer]:
        return []


def podman() -> Engine:
    """Podman's service; nobody was asked yet whether it is there."""
    return Engine(podman_host(), "Podman service")


def podman_host() -> str:
    """As Podman's own command is told, else the socket of this user, else root's."""
    if told := os.environ.get("CONTAINER_HOST"):
        return told
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    own = Path(runtime) / "podman" / "podman.sock" if runtime else None
    return f"unix://{own}" if own is not None and own.exists() else f"unix://{PODMAN_SOCKET}"


def _image(engine: Engine, request: Request) -> StoredImage:
    inspected = engine.inspect(request.name)

    @contextlib.contextmanager
    def opened() -> Iterator[Readable]:
        with engine.archive(inspected.id) as body:
            yield body

    blobs = StreamBlobs(opened, f"the archive of {request.name}", request.limits)
    # Podman gives the id without its algorithm.
    identity = inspected.id if ":" in inspected.id else f"sha256:{inspected.id}"
    return StoredImage(blobs, describe_docker, tuple(sorted(inspected.repo_tags or ())), identity)
