"""What is inside an image, before anyone asks what is wrong with it."""

from typing import Final

from msgspec import Struct

from hullguard.model.content import Malware, Misconfiguration, Secret
from hullguard.model.image import Layer, OperatingSystem, Target
from hullguard.model.package import Package, Unknown

READER: Final = 2
"""The generation of the readers of this release.

It grows whenever the same image could come out otherwise than before: an analyzer or an inspector has another version,
or what is made of what they kept changed. Inventories say by which generation they were made, so that those of an
older one are made again after an upgrade. ``tests/meta/test_reader_generation.py`` has the versions that belong to it.
0 is what said no number: a reader from before they were counted.
"""


class Inventory(Struct, frozen=True, omit_defaults=True):
    """The whole content that matching needs; what an agent sends instead of an image."""

    target: Target
    os: OperatingSystem | None = None
    layers: tuple[Layer, ...] = ()
    packages: tuple[Package, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    complete: bool = True
    secrets: tuple[Secret, ...] = ()
    malware: tuple[Malware, ...] = ()
    config: tuple[Misconfiguration, ...] = ()
    loadable: dict[str, tuple[str, ...]] = {}
    """By the name of an OS package the paths, without their first slash and in order, of its programs and shared
    libraries: what a process that runs may be, or have loaded. Paths beyond a bound are left out."""
    reader: int = 0
    """The generation of the reader that made it (``READER``); 0 where nobody said."""

    @property
    def is_unread(self) -> bool:
        """Whether nothing of the image could be read."""
        return not self.complete and not self.layers and not self.packages


def unread(image_id: str, why: str) -> Inventory:
    """What is told of an image that nobody could read: its packages are not known, rather than none."""
    doubt = Unknown("the image", f"it could not be read: {why}", incomplete=True)
    return Inventory(Target(f"docker:{image_id}", "docker", image_id=image_id), unknowns=(doubt,), complete=False)
