"""An image put together from its documents: which layers, in which order, made by which instruction."""

import hashlib

from msgspec import Struct

from hullguard.inventory.content.secrets.redaction import redacted_text
from hullguard.inventory.source.blobs import LayerBlob
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.model.errors import Invalid
from hullguard.model.image import Layer, Platform
from hullguard.model.package import Unknown

# What the builders write for CMD and ENTRYPOINT: the classic one, BuildKit, kaniko and buildah.
_COMMAND_MARKS = ("CMD ", "ENTRYPOINT ")


class Described(Struct):
    """An image as its manifest and its configuration describe it; nothing of it is trusted before layers are read."""

    image_id: str
    config: ImageConfig
    document: bytes
    """The configuration as it was read."""
    layers: list[LayerBlob]
    tags: tuple[str, ...] = ()
    digest: str | None = None
    unknowns: tuple[Unknown, ...] = ()

    @property
    def platform(self) -> Platform:
        return self.config.platform


def describe(config: bytes, names: list[tuple[str, str | None]], max_layers: int) -> Described:
    """Joins a configuration with the layers that a manifest names (name and stored digest)."""
    parsed = decode(config, ImageConfig, "the image's configuration")
    diff_ids = parsed.rootfs.diff_ids or []
    if len(diff_ids) != len(names):
        sentence = f"the configuration knows {len(diff_ids)} layers, the manifest {len(names)}"
        raise Invalid(f"the image contradicts itself: {sentence}", "image.layer-count")
    if len(names) > max_layers:
        raise Invalid(f"the image has {len(names)} layers; at most {max_layers} are read", "image.too-many-layers")
    layers = [LayerBlob(name, digest, claimed) for (name, digest), claimed in zip(names, diff_ids, strict=True)]
    return Described(f"sha256:{hashlib.sha256(config).hexdigest()}", parsed, config, layers)


def layer_facts(config: ImageConfig, read: list[tuple[str, str | None, int]]) -> tuple[Layer, ...]:
    """The layers as the report shows them, from (diff id, digest, size) and the configuration's history.

    Instructions are shown without the credentials in them.
    """
    total = len(config.rootfs.diff_ids or [])
    made_by: list[str | None] = [None] * total
    if history_fits(config):
        made_by = [redacted_text(one.created_by or "") or None for one in config.history or [] if not one.empty_layer]
    base = base_layers(config) if any(made_by) else 0
    return tuple(
        Layer(diff_id, digest, size, made_by[number] if number < total else None, number < base)
        for number, (diff_id, digest, size) in enumerate(read)
    )


def history_fits(config: ImageConfig) -> bool:
    """Whether the history has an instruction for each layer; one that does not would name the wrong instruction."""
    return _steps(config) == len(config.rootfs.diff_ids or [])


def history_doubts(config: ImageConfig) -> list[Unknown]:
    """What has to be said of a history that does not fit; an image without one claims nothing."""
    steps, layers = _steps(config), len(config.rootfs.diff_ids or [])
    if steps in {0, layers}:
        return []
    why = f"the history tells of {steps} layers and the image has {layers}; which instruction made which is not known"
    return [Unknown("instructions of the layers", why)]


def _steps(config: ImageConfig) -> int:
    return sum(not entry.empty_layer for entry in config.history or [])


def base_layers(config: ImageConfig) -> int:
    """How many layers probably belong to the base image.

    A finished image ends with CMD or ENTRYPOINT; so the last of them that has further layers above it
    ends the image that this one was built from.
    """
    history = config.history or []
    layers = sum(not entry.empty_layer for entry in history)
    above = 0
    for entry in reversed(history):
        if not entry.empty_layer:
            above += 1
        elif above and _ends_an_image(entry.created_by or ""):
            return layers - above
    return 0


def _ends_an_image(created_by: str) -> bool:
    return created_by.removeprefix("/bin/sh -c #(nop)").lstrip().startswith(_COMMAND_MARKS)
