"""What a tag offers for the platforms that are wanted, without a look into any layer."""

from collections.abc import Sequence
from typing import Any, Final

from hullguard.inventory.source.artifacts import refusal
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.platforms import fits
from hullguard.inventory.source.registry.image import Chosen, RegistryBlobs, chosen
from hullguard.model.errors import HullguardError, Invalid, NotFound
from hullguard.model.registry import ImageState, ListedImage

_NO_PLATFORM: Final = "image.no-platform"
UNSUPPORTED: Final = frozenset({"image.schema-1", "image.not-an-image", "image.no-config", "image.none", _NO_PLATFORM})
"""Why something is no image to read; another attempt would come to the same."""


def offers(blobs: RegistryBlobs, digest: str, platforms: Sequence[str]) -> list[ListedImage]:
    """One image for each wanted platform that there is; else why there is none, under the first of them.

    ``digest`` is what the tag of ``blobs`` names. Raises what says nothing of it: Unavailable, Denied.
    """
    found: list[ListedImage] = []
    trouble: HullguardError | None = None
    for platform in platforms:
        try:
            offered = chosen(blobs, digest, platform)
            if found and offered.digest == digest:
                break  # no list: one manifest is for one platform
            image_id = _image(blobs, offered, platform)
        except (Invalid, NotFound) as refused:
            if trouble is None or refused.code != _NO_PLATFORM:
                trouble = refused
        else:
            found.append(_listed(blobs, digest, platform, digest=offered.digest, image_id=image_id))
    if found or trouble is None:
        return found
    known = trouble.code in UNSUPPORTED
    # What is only damaged today is looked at again the next time, since nothing is noted of what its tag names.
    return [
        _listed(
            blobs,
            digest if known else "",
            platforms[0],
            digest=digest,
            state=ImageState.UNSUPPORTED if known else ImageState.FAILED,
            code=trouble.code,
            why=str(trouble),
        )
    ]


def _image(blobs: RegistryBlobs, offered: Chosen, platform: str) -> str:
    """The image's id: the digest of its configuration."""
    config = offered.manifest.config
    if config is None:
        raise Invalid(f"{blobs.reference} is no image: its manifest names no configuration", "image.no-config")
    if (refused := refusal(str(blobs.reference), offered.manifest)) is not None:
        raise refused
    of = decode(blobs.document(config.digest) or b"", ImageConfig, "the image's configuration").platform
    if not fits(of, platform):
        raise NotFound(f"{blobs.reference} is for {of}, not for {platform}", _NO_PLATFORM)
    return config.digest


def _listed(blobs: RegistryBlobs, tag_digest: str, platform: str, **fields: Any) -> ListedImage:
    reference = blobs.reference
    return ListedImage(
        repository=reference.repository, tag=reference.wanted, tag_digest=tag_digest, platform=platform, **fields
    )
