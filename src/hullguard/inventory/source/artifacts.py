"""What lies where images do and is none: charts, signatures, attestations, programs for other machines.

An image's manifest and theirs have one form (image-spec 1.1, "Guidelines for Artifact Usage"): the types of their
configuration and layers tell them apart. Signatures and attestations have an image's configuration, but no layer.
"""

from hullguard.inventory.source.documents import OciDocument
from hullguard.model.errors import Invalid

_CONFIGS = frozenset(
    {
        "",
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
        "application/octet-stream",
    }
)
_NO_LAYERS = ("+json", "/json", "+wasm", "/wasm")
"""Ends of the types of what no engine could unpack."""
_SHOWN = 200


def refusal(what: str, manifest: OciDocument) -> Invalid | None:
    """Why what a manifest names is no container image; None where it may be one. ``what`` is what it is called."""
    if manifest.config is not None and manifest.config.media_type not in _CONFIGS:
        kind = manifest.config.media_type[:_SHOWN]
        return Invalid(f"{what} is no container image, its configuration is {kind}", "image.not-an-image")
    kinds = [layer.media_type for layer in manifest.layers or []]
    if kinds and all(kind.endswith(_NO_LAYERS) for kind in kinds):
        return Invalid(f"{what} is no container image, its layers are {kinds[0][:_SHOWN]}", "image.not-an-image")
    return None
