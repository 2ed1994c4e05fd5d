"""Which packages of an image its containers use, from the files that processes were seen with."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from hullguard.model.package import OS_TYPES, PackageType
from hullguard.model.report import ReportedPackage
from hullguard.model.use import ImageUse, Unseen
from hullguard.storage.story_stakes import KnownImage

_OS_PURLS: Final = tuple(f"pkg:{kind.value}/" for kind in OS_TYPES)
_OF_PROGRAMS: Final = tuple(
    f"pkg:{kind.value}/" for kind in (PackageType.GOLANG, PackageType.CARGO, PackageType.GENERIC)
)
_MAVEN: Final = f"pkg:{PackageType.MAVEN.value}/"
_ARCHIVES: Final = frozenset({".jar", ".war", ".ear"})
_LISTS: Final = frozenset({".mod", ".sum", ".lock", ".toml", ".json", ".xml", ".txt", ".cdx", ".spdx"})
_EVERY_MACHINE: Final = frozenset({"all", "noarch", "any"})
"""Packages for every machine have scripts for programs: who runs one is seen with its interpreter."""
_READ_BY = re.compile(r"(?:^|/)(?:python|perl|ruby|php|lua|tcl|node|guile|erlang|site_perl|R/)[^/]*/")
"""Beside such libraries lie modules that an interpreter reads, and nobody sees that it does."""


def use_of(known: KnownImage, files: Iterable[str], unsettled: Unseen | None) -> ImageUse:
    """What follows from the files (absolute paths, as containers name them) for the image's packages.

    ``unsettled``: why nothing follows from a package's absence.
    """
    loaded: dict[str, str] = {}
    for file in sorted(files):
        for package, _ in known.owners.of(file, library=True):
            loaded.setdefault(package.purl, file)
    visible = frozenset(each.purl for each in known.report.packages if _visible(each, known))
    return ImageUse(unsettled, loaded, visible)


def _visible(package: ReportedPackage, known: KnownImage) -> bool:
    """Whether a process that uses it would be seen with one of its files."""
    if package.purl.startswith(_OS_PURLS):
        files = known.loadable.get(package.name, ())
        own = package.arch is not None and package.arch not in _EVERY_MACHINE
        return own and bool(files) and not any(map(_READ_BY.search, files))
    return any(_seen_itself(package.purl, place) for place in _places(package))


def _seen_itself(purl: str, place: PurePosixPath) -> bool:
    """Whether the package lies in a program, which runs, or in an archive of its own, which is open."""
    suffix = place.suffix.lower()
    if purl.startswith(_MAVEN):
        return suffix in _ARCHIVES
    return purl.startswith(_OF_PROGRAMS) and suffix not in _LISTS


def _places(package: ReportedPackage) -> Iterator[PurePosixPath]:
    """Where it lies; what is inside an archive that is inside another is not told apart from outside."""
    return (PurePosixPath(each) for each in package.locations if "!/" not in each)
