"""An image, as its manifest and configuration describe it."""

from datetime import date

from msgspec import Struct


class Platform(Struct, frozen=True):
    """What an image was built for, for example ``linux/amd64``."""

    os: str
    architecture: str
    variant: str | None = None

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Layer(Struct, frozen=True):
    """One layer. ``diff_id`` is computed from the uncompressed bytes, never copied from what an archive claims."""

    diff_id: str
    digest: str | None = None
    size: int = 0
    """Uncompressed, in bytes."""
    created_by: str | None = None
    base: bool = False


class Target(Struct, frozen=True):
    """What was scanned. ``kind`` is the prefix of the command line: ``docker-archive``, ``dir``, …"""

    ref: str
    kind: str
    image_id: str | None = None
    digest: str | None = None
    platform: str | None = None
    tags: tuple[str, ...] = ()


class OperatingSystem(Struct, frozen=True):
    """From os-release. ``end_of_life`` is the last day of security support, if known."""

    id: str
    version_id: str | None = None
    name: str | None = None
    end_of_life: date | None = None
