"""Docker archives (``docker save``), of old engines and new: ``manifest.json`` names configuration and layers."""

import hashlib
from collections.abc import Iterator

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import Blobs
from hullguard.inventory.source.documents import DockerImage, ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.image import Described, describe
from hullguard.inventory.source.oci import INDEX, configurations
from hullguard.inventory.source.platforms import fits
from hullguard.model.errors import HullguardError, Invalid, NotFound
from hullguard.model.package import Unknown

MANIFEST = "manifest.json"


def describe_docker(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
    """The image of a Docker archive; of several the first that fits, and the others are named as unread."""
    content = blobs.document(MANIFEST)
    if content is None:
        raise Invalid("the archive has no manifest.json, so it is no Docker archive", "image.no-manifest")
    images = decode(content, list[DockerImage], MANIFEST)
    fitting, named = [], set[str]()
    for image in images:
        config = blobs.document(image.config)
        if config is None:
            raise NotFound(f"{MANIFEST} names the configuration {image.config}, but it is not there", "image.no-config")
        named.add(f"sha256:{hashlib.sha256(config).hexdigest()}")
        if platform is None or fits(decode(config, ImageConfig, image.config).platform, platform):
            fitting.append((image, config))
    if not fitting:
        raise NotFound(f"the archive holds no image for {platform}" if images else "the archive holds no image")
    image, config = fitting[0]
    described = describe(config, [(name, None) for name in image.layers or []], limits.layers)
    described.tags = tuple(sorted(image.repo_tags or ()))
    if len(images) > 1:
        names = ", ".join(tag for other in images if other is not image for tag in other.repo_tags or [other.config])
        described.unknowns = (Unknown(names, "the archive holds several images; this one was not read"),)
    described.unknowns += tuple(_others(blobs, named))
    return described


def _others(blobs: Blobs, named: set[str]) -> Iterator[Unknown]:
    """New engines write an OCI layout into the same archive, and some read that instead."""
    if blobs.document(INDEX) is None:
        return
    try:
        same = configurations(blobs) <= named
    except HullguardError:
        same = False
    if not same:
        yield Unknown(INDEX, f"the archive is an OCI layout, too, of other images than {MANIFEST} names: not read")
