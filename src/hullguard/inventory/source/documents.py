"""The JSON documents of Docker archives and OCI layouts, as far as they matter (image-spec 1.1)."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from hullguard.model.errors import Invalid
from hullguard.model.image import Platform

T = TypeVar("T")


class History(Struct, frozen=True):
    created_by: str | None = None
    empty_layer: bool | None = None


class RootFs(Struct, frozen=True):
    diff_ids: list[str] | None = None


class HealthCheck(Struct, frozen=True, rename="pascal"):
    test: list[str] | None = None


class ContainerConfig(Struct, frozen=True, rename="pascal"):
    """How a container of the image is run."""

    user: str | None = None
    env: list[str] | None = None
    cmd: list[str] | None = None
    entrypoint: list[str] | None = None
    healthcheck: HealthCheck | None = None
    exposed_ports: dict[str, Any] | None = None
    volumes: dict[str, Any] | None = None
    labels: dict[str, str] | None = None
    working_dir: str | None = None
    on_build: list[str] | None = None


class ImageConfig(Struct, frozen=True):
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    rootfs: RootFs = RootFs()
    history: list[History] | None = None
    config: Any = None
    """What ``container`` reads; of any form here, for an odd one says nothing against the layers."""

    @property
    def container(self) -> ContainerConfig:
        """How a container is run, without the fields that are not of their type."""
        given = self.config if isinstance(self.config, dict) else {}
        return ContainerConfig(
            **{
                field.name: value
                for field in msgspec.structs.fields(ContainerConfig)
                if (value := _converted(given.get(field.encode_name), field.type)) is not None
            }
        )

    @property
    def platform(self) -> Platform:
        return Platform(self.os, self.architecture, self.variant or None)


class DockerImage(Struct, frozen=True, rename="pascal"):
    """One entry of ``manifest.json``."""

    config: str
    layers: list[str] | None = None
    repo_tags: list[str] | None = None


class OciPlatform(Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str | None = None


class Descriptor(Struct, frozen=True, rename="camel"):
    digest: str
    media_type: str = ""
    size: int = 0
    platform: OciPlatform | None = None
    annotations: dict[str, str] | None = None


class OciDocument(Struct, frozen=True, rename="camel"):
    """An index has ``manifests``, a manifest has ``config`` and ``layers``."""

    media_type: str = ""
    manifests: list[Descriptor] | None = None
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None


class InspectedRootFs(Struct, frozen=True, rename="pascal"):
    layers: list[str] | None = None


class DockerInspect(Struct, frozen=True, rename="pascal"):
    """What the engine says of an image."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    root_fs: InspectedRootFs = field(default=InspectedRootFs(), name="RootFS")


def _converted(value: Any, kind: Any) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return None


class DockerContainer(Struct, frozen=True, rename="pascal"):
    """What the engine says of a container."""

    id: str
    image: str = ""
    name: str = ""
    config: Any = None
    """As an image's configuration has it."""


def decode(content: bytes, kind: type[T], what: str) -> T:
    """A document of the given kind; raises Invalid with the JSON path where it is not."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as cause:
        raise Invalid(f"{what} is not what it should be: {cause}", "image.bad-document") from cause
