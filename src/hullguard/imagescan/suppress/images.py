"""Whether a statement about an image is about this one.

A digest says it for certain. A name says it only where somebody vouches for the name: an engine or a registry. What
an archive calls itself is the word of whoever made it.
"""

import contextlib
from collections.abc import Iterable, Iterator

from hullguard.imagescan.suppress.purl import Purl
from hullguard.inventory.source.registry.reference import Reference, parse_reference
from hullguard.model.errors import Invalid
from hullguard.model.image import Target

TYPES = frozenset({"oci", "docker"})
"""Types of package URLs that are images."""
_VOUCHED = frozenset({"docker", "podman", "containerd", "registry"})


def is_image(image: Purl, target: Target) -> bool:
    """Whether the URL means the target: by its digest, else by the whole name, as far as the URL gives it."""
    return _means(image, target, _references(target) if target.kind in _VOUCHED else ())


def is_claimed(image: Purl, target: Target) -> bool:
    """Whether the target would be meant if what it calls itself were true."""
    return not is_image(image, target) and _means(image, target, _parsed(target.tags))


def _means(image: Purl, target: Target, references: Iterable[Reference]) -> bool:
    if image.version and image.version.startswith(("sha256:", "sha512:")):
        return image.version in (target.digest, target.image_id)
    said = dict(image.qualifiers)
    if (arch := said.get("arch")) and target.platform and arch not in target.platform.split("/"):
        return False
    tag = image.version or said.get("tag")
    url = said.get("repository_url", "").removeprefix("https://").removeprefix("http://").rstrip("/")
    if not url and image.type == "oci":  # it gives no more than the last part of a name
        return any(_last(one) == image.name and tag in (None, one.tag) for one in references)
    meant = set(_repositories(image, url))
    return any((one.host, one.repository) in meant and tag in (None, one.tag) for one in references)


def _repositories(image: Purl, url: str) -> Iterator[tuple[str, str]]:
    """Registry and repository that a URL means.

    ``pkg:oci`` has both as an address, though some writers leave the last part to the name; ``pkg:docker`` has the
    registry there, and Docker Hub where there is none.
    """
    path = f"{image.namespace}/{image.name}" if image.namespace else image.name
    whole = f"{url}/{path}" if url else path
    for one in _parsed([whole] if image.type == "docker" else [url, whole]):
        if _last(one) == image.name:
            yield one.host, one.repository


def _last(reference: Reference) -> str:
    return reference.repository.rpartition("/")[2]


def _references(target: Target) -> Iterator[Reference]:
    # The kind stands before the name: `docker:app:1`, `registry:host/app:1`.
    return _parsed((*target.tags, target.ref.removeprefix(f"{target.kind}:")))


def _parsed(names: Iterable[str]) -> Iterator[Reference]:
    for name in names:
        with contextlib.suppress(Invalid):
            yield parse_reference(name)
