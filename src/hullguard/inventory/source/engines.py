"""What engines on this machine hold: images of Docker and Podman, and containers of Docker."""

import contextlib
import os
from collections.abc import Iterator

from hullguard.inventory import base_directories
from hullguard.inventory.compression import Readable
from hullguard.inventory.layer import IndexedLayer
from hullguard.inventory.limits import Limits
from hullguard.inventory.source import podman_service
from hullguard.inventory.source.blobs import Blobs, LayerBlob, StreamBlobs
from hullguard.inventory.source.docker_archive import describe_docker
from hullguard.inventory.source.documents import DockerInspect, ImageConfig
from hullguard.inventory.source.engine import DEFAULT_HOST, REFUSED, Engine
from hullguard.inventory.source.image import Described
from hullguard.inventory.source.oci import INDEX, describe_oci
from hullguard.inventory.source.opened import Request, StoredImage
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.source.unread_mounts import unread
from hullguard.inventory.stored_images import MANIFEST
from hullguard.model.errors import HullguardError, LimitReached, Unavailable
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
    """An image of Podman, whose service answers as Docker's does; where none answers one is started for the scan."""

    kind = "podman"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        with contextlib.ExitStack() as stack:
            engine = podman()
            told = bool(os.environ.get("CONTAINER_HOST"))
            if not told and not podman_service.answers(engine.host) and (command := podman_service.program()):
                engine = Engine(stack.enter_context(podman_service.service(command)), engine.name)
            yield _image(engine, request, has_own_form=True)


class ContainerSource:
    """A container of the Docker engine as it stands now: its image and all that was changed in it since.

    What is mounted into it is not read, and that is told.
    """

    kind = "container"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        engine = Engine(request.docker_host or DEFAULT_HOST)
        container = engine.inspect_container(request.name)
        # Of a container it says the system alone. An image may be gone from under its containers.
        image = DockerInspect(container.image)
        with contextlib.suppress(HullguardError):
            image = engine.inspect(container.image)

        def describe(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
            del blobs, limits
            return Described(
                container.image,
                ImageConfig(image.architecture, image.os or "linux", image.variant, config=container.config),
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
    runtime = base_directories.told("XDG_RUNTIME_DIR")
    own = runtime / "podman" / "podman.sock" if runtime else None
    return f"unix://{own}" if own is not None and own.exists() else f"unix://{PODMAN_SOCKET}"


def _image(engine: Engine, request: Request, *, has_own_form: bool = False) -> StoredImage:
    """``has_own_form``: whether the engine also gives OCI layouts, where Docker's form has no room for an image."""
    inspected = engine.inspect(request.name)

    @contextlib.contextmanager
    def opened() -> Iterator[Readable]:
        with contextlib.ExitStack() as stack:
            try:
                body = stack.enter_context(engine.archive(inspected.id))
            except Unavailable as no:
                if not has_own_form or no.code != REFUSED:
                    raise
                # Docker's images have no layers in zstd, so Podman does not make one of those that do.
                body = stack.enter_context(engine.oci_archive(inspected.id))
            yield body

    blobs = StreamBlobs(opened, f"the archive of {request.name}", request.limits)
    # Podman gives the id without its algorithm.
    identity = inspected.id if ":" in inspected.id else f"sha256:{inspected.id}"
    return StoredImage(blobs, _in_either_form, tuple(sorted(inspected.repo_tags or ())), identity)


def _in_either_form(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
    """What an engine gave, which new engines write as a Docker archive and an OCI layout at once."""
    if blobs.document(MANIFEST) is not None or blobs.document(INDEX) is None:
        return describe_docker(blobs, platform, limits)
    described = describe_oci(blobs, platform, limits)
    described.digest = None  # of a manifest that was made for this archive: no registry knows it
    return described
