"""What the platform keeps of registries, as tests need it."""

from typing import Any

from hullguard.model.ids import derived_id
from hullguard.model.registry import ListedImage, RegistryListing, RegistrySpec, RegistryState, Trouble
from hullguard.storage.stores import Awaited, RegistryWork

HOST = "registry.test:5000"
DIGEST = "sha256:" + "d" * 64
IMAGE_ID = "sha256:" + "e" * 64


def registry_spec(name: str = "ours", **fields: Any) -> RegistrySpec:
    """A registry with everything in it."""
    return RegistrySpec(name, **{"address": HOST, "repositories": ["*"], **fields})


def listed(tag: str = "1", repository: str = "app", **fields: Any) -> ListedImage:
    """One tag as a listing finds it."""
    digest = fields.setdefault("digest", DIGEST)
    whole = {"tag_digest": digest, "platform": "linux/amd64", "image_id": IMAGE_ID, **fields}
    return ListedImage(repository=repository, tag=tag, **whole)


def registry_listing(
    *images: ListedImage,
    unchanged: tuple[tuple[str, str], ...] = (),
    unlisted: tuple[str, ...] = (),
    trouble: Trouble | None = None,
) -> RegistryListing:
    """A whole listing; of one image where none is given, nothing is unchanged and nothing failed."""
    found = images or (() if unchanged or unlisted else (listed(),))
    return RegistryListing(repositories=1, images=found, unchanged=unchanged, unlisted=unlisted, trouble=trouble)


def registry_work(registry: str, **fields: Any) -> RegistryWork:
    """What a worker holds of a registry."""
    whole = {
        "version": 1,
        "spec": registry_spec(),
        "password": None,
        "state": RegistryState.WAITING,
        "to_list": True,
        "again": False,
        **fields,
    }
    return RegistryWork(id=registry, **whole)


def awaited(registry: str, tag: str = "1") -> Awaited:
    """The image of ``listed`` while it is read."""
    one = derived_id(registry, "app", tag, "linux/amd64")
    return Awaited(one, "app", tag, "linux/amd64", DIGEST, IMAGE_ID, again=False)
