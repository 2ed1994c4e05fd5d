"""``registry:``, the source."""

import contextlib
from collections.abc import Iterator

from hullguard.inventory.source.opened import Request, StoredImage
from hullguard.inventory.source.registry.client import Client
from hullguard.inventory.source.registry.image import describe_registry, opened_image
from hullguard.inventory.source.registry.reference import parse_reference


class RegistrySource:
    """An image in a registry, read without an engine."""

    kind = "registry"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        reference = parse_reference(request.name)
        with opened_image(reference, Client(reference, request.registry), request.limits) as blobs:
            blobs.manifest(reference.wanted)  # so that an image that is not there is known at once
            yield StoredImage(blobs, describe_registry)
