"""Docker archives (``docker save``), of old engines and new: ``manifest.json`` names configuration and layers."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import Blobs
from hullguard.inventory.source.documents import DockerImage, ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.inventory.source.image import Described, describe
from hullguard.inventory.source.oci import INDEX, OTHERS, absent, configurations, describe_oci
from hullguard.inventory.source.platforms import fits, own_platform, preference
from hullguard.inventory.stored_images import MANIFEST
from hullguard.model.errors import HullguardError, Invalid, NotFound
from hullguard.model.image import Platform
from hullguard.model.package import Unknown

_ANOTHER = "another image"


class _Stored(NamedTuple):
    """An image of a Docker archive."""

    image: DockerImage
    config: bytes

    @property
    def platform(self) -> Platform:
        return decode(self.config, ImageConfig, self.image.config).platform

    @property
    def names(self) -> list[str]:
        """What it can be called by."""
        return [*(self.image.repo_tags or ()), self.image.config]

    @property
    def identity(self) -> str:
        return f"sha256:{hashlib.sha256(self.config).hexdigest()}"


def describe_docker(blobs: Blobs, platform: str | None, limits: Limits, image: str | None = None) -> Described:
    """The image of a Docker archive, or the one called ``image``.

    Of several without a name the first that fits is read, and the others are told: nobody knows what is in them.
    """
    stored = _images(blobs)
    named = [each for each in stored if image is None or image in each.names]
    if image is not None and not named:
        raise absent("the archive", image, [each.names[0] for each in stored if each.names])
    fitting = [each for each in named if platform is None or fits(each.platform, platform)]
    if not fitting:
        raise NotFound(f"the archive holds no image for {platform}" if stored else "the archive holds no image")
    chosen, config = fitting[0] if platform is None else min(fitting, key=lambda it: preference(it.platform, platform))
    described = describe(config, [(name, None) for name in chosen.layers or []], limits.layers)
    described.tags = tuple(sorted(chosen.repo_tags or ()))
    if image is None and len(stored) > 1:
        names = ", ".join(name for other in stored if other.image is not chosen for name in other.names)
        described.unknowns = (Unknown(names, OTHERS, incomplete=True),)
    doubts = [*_earlier(blobs, [MANIFEST, chosen.config]), *_other_layout(blobs, stored, platform)]
    described.unknowns += tuple(doubts)
    return described


def describe_oci_archive(blobs: Blobs, platform: str | None, limits: Limits, image: str | None = None) -> Described:
    """The image of an OCI layout in an archive, which may be a Docker archive as well."""
    described = describe_oci(blobs, platform, limits, image)
    doubts = list(_other_archive(blobs, platform))
    described.unknowns += tuple(doubts)
    return described


def _images(blobs: Blobs) -> list[_Stored]:
    content = blobs.document(MANIFEST)
    if content is None:
        raise Invalid("the archive has no manifest.json, so it is no Docker archive", "image.no-manifest")
    found = []
    for image in decode(content, list[DockerImage], MANIFEST):
        config = blobs.document(image.config)
        if config is None:
            raise NotFound(f"{MANIFEST} names the configuration {image.config}, but it is not there", "image.no-config")
        found.append(_Stored(image, config))
    return found


def _earlier(blobs: Blobs, names: Iterable[str]) -> Iterator[Unknown]:
    """Docker unpacks an archive, so that the last member of a name counts; Podman takes the first that it meets."""
    for name in names:
        if blobs.earlier(name) not in (None, blobs.document(name)):
            why = f"the archive holds {name} more than once; the last was read, as by Docker; others read the first"
            yield Unknown(_ANOTHER, why, incomplete=True)


def _other_layout(blobs: Blobs, stored: Iterable[_Stored], platform: str | None) -> Iterator[Unknown]:
    """New engines write an OCI layout into the same archive, and some read that instead."""
    if blobs.document(INDEX) is None:
        return
    try:
        same = configurations(blobs, platform or own_platform()) <= {each.identity for each in stored}
    except HullguardError:
        same = False
    if not same:
        why = f"the archive is an OCI layout, too, of other images than {MANIFEST} names: not read"
        yield Unknown(_ANOTHER, why, incomplete=True)


def _other_archive(blobs: Blobs, platform: str | None) -> Iterator[Unknown]:
    if blobs.document(MANIFEST) is None:
        return
    try:
        stored = _images(blobs)
        fitting = [each for each in stored if fits(each.platform, platform or own_platform())] or stored
        same = {each.identity for each in fitting} <= configurations(blobs)
    except HullguardError:
        same = False
    if not same:
        why = f"the archive is a Docker archive, too, of other images than {INDEX} names: not read"
        yield Unknown(_ANOTHER, why, incomplete=True)
