"""The JSON documents of Docker archives and OCI layouts, as far as they matter (image-spec 1.1)."""

from typing import Any

import msgspec
from msgspec import Struct, field

from hullguard.inventory.source.engine_json import decode, folded, shaped
from hullguard.model.decoding import converted
from hullguard.model.errors import Invalid
from hullguard.model.image import Platform


class _Version(Struct, frozen=True, rename="camel"):
    schema_version: int = 2


def refuse_schema_1(manifest: bytes, whose: str) -> None:
    """Raises Invalid for the form of manifests that was before images had configurations."""
    if decode(manifest, _Version, f"the manifest of {whose}").schema_version == 1:
        sentence = f"{whose} has a manifest of schema 1, which ended in 2019; push the image again"
        raise Invalid(sentence, "image.schema-1")


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
    shell: list[str] | None = None
    on_build: list[str] | None = None


class ImageConfig(Struct, frozen=True):
    """What an image is: for which platform, of which layers, made how, and run how."""

    architecture: str = ""
    os: str = ""
    variant: str | None = None
    rootfs: RootFs = RootFs()
    history: list[History] | None = None
    config: Any = None
    """What ``container`` reads; of any form here, for an odd one says nothing against the layers."""

    @property
    def container(self) -> tuple[ContainerConfig, tuple[str, ...]]:
        """How a container is run, as far as it is well formed; and what is not, each as a sentence."""
        if self.config is None:
            return ContainerConfig(), ()
        if not isinstance(self.config, dict):
            return ContainerConfig(), ("the container's configuration is no object",)
        given, kept, odd = dict[str, Any](), dict[str, Any](), list[str]()
        for key, value in self.config.items():
            if given.setdefault(folded(key), value) != value:
                odd.append(f"{key[:100]}: it has several values, of which the last was judged")
            given[folded(key)] = value
        for each in msgspec.structs.fields(ContainerConfig):
            kept[each.name], lost = _converted(given.get(folded(each.encode_name)), each.type)
            odd += [f"{each.encode_name}: {lost}"] if lost else []
        return ContainerConfig(**kept), tuple(odd)

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
    data: str | None = None
    """The content itself in base64, in place of a document of its own or beside it."""


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
    os: str = ""
    architecture: str = ""
    variant: str | None = None
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    root_fs: InspectedRootFs = field(default=InspectedRootFs(), name="RootFS")


class DockerListed(Struct, frozen=True, rename="pascal"):
    """An image among all that the engine has."""

    repo_tags: list[str] | None = None


class ContainerMount(Struct, frozen=True, rename="pascal"):
    """A volume, or a file or directory of the host."""

    destination: str = ""


class HostConfig(Struct, frozen=True, rename="pascal"):
    """How a container was asked for."""

    tmpfs: dict[str, Any] | None = None
    """File systems in memory, by where they are mounted."""


class DockerContainer(Struct, frozen=True, rename="pascal"):
    """What the engine says of a container."""

    id: str
    image: str = ""
    name: str = ""
    config: Any = None
    """As an image's configuration has it."""
    mounts: list[ContainerMount] | None = None
    host_config: HostConfig = HostConfig()

    @property
    def mounted(self) -> list[str]:
        """The paths at which something is mounted, but for what the engine mounts into every container."""
        return [*(mount.destination for mount in self.mounts or ()), *(self.host_config.tmpfs or ())]


def _converted(value: Any, kind: Any) -> tuple[Any, str]:
    """The value as its field wants it, and what was left out of it; engines take one word for a list of it."""
    if isinstance(value, str) and kind == (list[str] | None):
        value = [value]
    try:
        return converted(shaped(value, kind), kind), ""
    except (msgspec.ValidationError, ValueError) as cause:
        why = str(cause)
    well: Any = None
    if isinstance(value, list):
        well = [each for each in value if isinstance(each, str)]
    elif isinstance(value, dict):
        well = {key: each for key, each in value.items() if isinstance(each, str)}
    try:
        kept = converted(well, kind)
    except msgspec.ValidationError:
        kept = None
    return (None, why) if kept is None else (kept, f"{len(value) - len(well)} of its {len(value)} entries are no text")
