"""Whether containers of an image were seen to run or load what belongs to one of its packages."""

import enum
from datetime import datetime, timedelta

from msgspec import Struct

SETTLED = timedelta(hours=1)
"""Containers are watched for so long before it says anything that a package was not seen.

Servers load what they need in their first minutes; what is done once an hour is met once.
"""


class Use(enum.StrEnum):
    """What is known of one package."""

    LOADED = "loaded"
    """A process ran a program of it, had a library of it mapped, or its archive open."""
    NOT_SEEN = "not-seen"
    """It has programs, libraries or archives, and in all that was watched no process was seen with one of them."""
    UNKNOWN = "unknown"


class Unseen(enum.StrEnum):
    """Why it is not known."""

    UNWATCHED = "unwatched"
    """No agent tells what containers of the image load."""
    BRIEF = "brief"
    """They have been watched for less than an hour."""
    PARTLY = "partly"
    """Some of its containers, processes or files were not looked at."""
    INTERPRETED = "interpreted"
    """Nothing of the package is run or mapped by itself: an interpreter reads it, or nobody lists its files."""


class PackageUse(Struct, frozen=True):
    """Of one package."""

    use: Use = Use.UNKNOWN
    file: str | None = None
    """LOADED: one of its files that a process had."""
    last: datetime | None = None
    """LOADED: when that was last seen, give or take half a day."""
    since: datetime | None = None
    """Since when containers of the image are watched without a gap."""
    containers: int = 0
    """So many were looked at, at least."""
    why: Unseen | None = Unseen.UNWATCHED
    """UNKNOWN: why."""


class ImageUse(Struct, frozen=True, omit_defaults=True):
    """Of all packages of an image, by their purl."""

    unsettled: Unseen | None = Unseen.UNWATCHED
    """Why nothing follows from a package's absence; None where it does follow."""
    loaded: dict[str, str] = {}
    """One file of each package that a process had."""
    visible: frozenset[str] = frozenset()
    """Packages with a file that a process would be seen with."""
    since: datetime | None = None
    containers: int = 0
    last: dict[str, datetime] = {}
    """When each of those files was last seen."""

    def of(self, purl: str) -> PackageUse:
        """What is known of one package."""
        if file := self.loaded.get(purl):
            return PackageUse(Use.LOADED, file, self.last.get(file), self.since, self.containers, None)
        why = self.unsettled or (None if purl in self.visible else Unseen.INTERPRETED)
        use = Use.NOT_SEEN if why is None else Use.UNKNOWN
        return PackageUse(use, None, None, self.since, self.containers, why)
