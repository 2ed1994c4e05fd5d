"""What an engine beside Docker has on this machine, and what an engine is to the agent."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from msgspec import Struct

from hullguard.agent.runtime.docker import LocalImage
from hullguard.model.node import Container

MOST_IMAGES = 4096
"""Of one engine; further ones are not listed, and counted."""


class Place(Struct, frozen=True):
    """Where an image can be read: what ``hullguard.inventory.read`` is asked for, and under which variables."""

    target: str
    variables: dict[str, str] = {}


class Stock(Struct, frozen=True):
    """Of one engine, at one moment."""

    version: str
    """For example ``podman 4.3.1``."""
    images: dict[str, tuple[str, ...]] = {}
    """Names, by the image's id: the digest of its configuration."""
    places: dict[str, Place] = {}
    containers: tuple[Container, ...] = ()
    """Those that run."""
    left_out: int = 0
    """Images that are not among them: too many, or of no known form."""
    whole: bool = True
    """Not all was looked through yet: what was known before still counts."""


class Engine(Protocol):
    """An engine whose stock is looked at now and then."""

    name: str

    def here(self) -> bool:
        """Whether it is on this machine, as far as its files tell; it may wait for a disk."""
        ...

    async def stock(self) -> Stock:
        """What it has; raises Unavailable where it does not tell."""
        ...


class Known(NamedTuple):
    """An image under all the names that the engines of this machine have for it."""

    image: LocalImage
    places: tuple[Place, ...]


def merged(docker: Iterable[LocalImage], others: Iterable[Stock]) -> dict[str, Known]:
    """Every image once, by its id: Docker's first."""
    found = {image.id: Known(image, (Place(f"docker:{image.id}"),)) for image in docker}
    for stock in others:
        for image, names in stock.images.items():
            place = stock.places.get(image)
            places = () if place is None else (place,)
            known = found.get(image)
            before = known.image.names if known else ()
            every = tuple(dict.fromkeys((*before, *names)))[:MOST_NAMES]
            found[image] = Known(LocalImage(image, every), (known.places if known else ()) + places)
    return found


MOST_NAMES = 64
"""Of one image, as ``wire.messages.LocalImage`` takes them."""
