"""The JSON documents of Docker archives and OCI layouts, as far as they matter (image-spec 1.1)."""

from typing import TypeVar

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


class ImageConfig(Struct, frozen=True):
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    rootfs: RootFs = RootFs()
    history: list[History] | None = None

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


def decode(content: bytes, kind: type[T], what: str) -> T:
    """A document of the given kind; raises Invalid with the JSON path where it is not."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as cause:
        raise Invalid(f"{what} is not what it should be: {cause}", "image.bad-document") from cause
