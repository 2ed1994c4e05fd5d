"""What lists and the overview show of images: sums that storage keeps, not things of their own."""

from datetime import datetime
from typing import Self

from msgspec import Struct

from hullguard.model.advisory_update import RunState
from hullguard.model.content import LicenseUse, Malware, Misconfiguration, Secret
from hullguard.model.image import Layer, OperatingSystem
from hullguard.model.package import Unknown
from hullguard.model.report import Suppressed, Vulnerability
from hullguard.model.severity import Severity
from hullguard.model.use import PackageUse


class ImageSummary(Struct, frozen=True, kw_only=True):
    """One image by its id (the configuration's digest), wherever it lies."""

    id: str
    names: tuple[str, ...]
    platform: str | None
    os: OperatingSystem | None
    size: int
    packages: int
    vulnerabilities: dict[Severity, int]
    fixable: int
    complete: bool
    """False where something in it could not be read, and while nothing of it was."""
    unjudged: int
    """Packages for which no advisories are known: that nothing was found in them is no all-clear."""
    unread: int
    """Files or packages that were not read and may hold packages: that nothing was found is no all-clear for them."""
    scanned: datetime | None
    """When its inventory was taken; null while it is still to be taken."""
    matched: datetime | None
    """When the inventory was last matched against the advisories; null also while there are none to match with."""
    advisories_built: datetime | None
    nodes: int
    containers: int
    """Running containers of this image."""
    registries: int
    """How many registries list it."""
    submissions: int
    """How many submissions of the command line list it."""
    submitted: bool
    """Whether what is told of it is what somebody submitted: no node and no registry has read it."""
    kind: str | None
    """Null for an image; of something else that was submitted what it was read from: ``dir``, ``sbom``."""


class LayerShare(Struct, frozen=True):
    """What one layer brought in."""

    layer: Layer
    packages: int
    vulnerabilities: dict[Severity, int]


class ImageDetail(ImageSummary, frozen=True, kw_only=True):
    """An image with its stack of layers and what could not be decided."""

    layers: tuple[LayerShare, ...]
    unknowns: tuple[Unknown, ...]


class FoundVulnerability(Vulnerability, frozen=True, kw_only=True):
    """A vulnerability of an image that the platform watches."""

    first_found: datetime
    """Since when it is found without a gap."""
    new: bool
    """Whether it was found later than the image was first matched: by an advisory or a reader that came since."""
    use: PackageUse
    """Whether the package is run or loaded in containers; it counts in ``priority``."""

    @classmethod
    def of(cls, found: Vulnerability, first_found: datetime, since: datetime | None, use: PackageUse) -> Self:
        """``since`` is when the image was first matched; ``found`` has the priority that follows from ``use``."""
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        return cls(**fields, first_found=first_found, new=since is not None and first_found > since, use=use)


class ImageContent(Struct, frozen=True, kw_only=True):
    """What is wrong with an image beside its vulnerabilities, and what was found but does not count."""

    secrets: tuple[Secret, ...]
    malware: tuple[Malware, ...]
    config: tuple[Misconfiguration, ...]
    licenses: tuple[LicenseUse, ...]
    suppressed: tuple[Suppressed, ...]
    said_by: dict[str, str]
    """Of each ``source`` of what does not count, who said so: who made the exception, or a VEX document's author."""


class Doubts(Struct, frozen=True, kw_only=True):
    """Images in which more may be than was found; one may be so for several reasons."""

    images: int
    """Each once, whatever the reasons."""
    unscanned: int
    """Their inventory is still to be taken."""
    incomplete: int
    """Something in them could not be read."""
    unmatched: int
    """Their inventory waits to be matched against the advisories, or there are none to match with."""
    unjudged: int
    """Packages of theirs are such that no advisories are known for them."""
    unread: int
    """Files or packages of theirs were not read and may hold packages."""


class Overview(Struct, frozen=True, kw_only=True):
    """The first screen's figures, in the order in which a person asks."""

    nodes: dict[str, int]
    """Per ``NodeState`` and ``total``."""
    nodes_drifting: int
    quota_total: int
    quota_used: int
    incidents_open: dict[Severity, int]
    incidents_per_day: tuple[tuple[str, int], ...]
    """Seven days, oldest first: ISO date and count of those that nobody ignored."""
    images: int
    images_running: int
    images_at_risk: int
    """Running images with a critical or high vulnerability that has a fix, as far as is known: see the doubts."""
    doubts: Doubts
    """Of all images."""
    doubts_running: Doubts
    """Of running images: while there are any, no figure of vulnerabilities of theirs is an all-clear."""
    top_images: tuple[ImageSummary, ...]
    vulnerabilities: dict[Severity, int]
    """Of running images, each vulnerability counted once per image."""
    containers: int
    advisories_built: datetime | None
    advisories_sources: tuple[str, ...]
    advisories_trouble: str | None
    """Why nothing can be matched with them now; what was found before still stands."""
    advisories_update: RunState | None
    """How the last update of them ended; null before the first."""
    advisories_every_hours: int | None
    """How old they may become before the next update."""
    registries_troubled: int
    """Registries of which something could not be read when that was tried last."""
