"""What is at stake in an incident: known vulnerabilities of its image in what ran, and in what that had loaded."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

import msgspec
from msgspec import Struct

from hullguard.model.event import Process
from hullguard.model.incident import AtStake, Loaded, NotKnown, Story
from hullguard.model.package import OS_TYPES, PackageType
from hullguard.model.report import ReportedPackage, ScanReport, Vulnerability

MOST_AT_STAKE: Final = 20
_OF_STEPS: Final = frozenset({"technique", "processes"})
"""Codes of what the steps leave unknown; the others are about what is at stake."""
_OS_PURLS: Final = tuple(f"pkg:{kind.value}/" for kind in OS_TYPES)
_PYPI, _NPM = (f"pkg:{kind.value}/" for kind in (PackageType.PYPI, PackageType.NPM))

_Owned = list[tuple[ReportedPackage, str]]


class KnownImage(Struct, frozen=True, dict=True):
    """What is known of an image: its report, and which OS packages have which programs and libraries.

    One is asked of many incidents, so what is looked up in it is made once.
    """

    report: ScanReport
    loadable: Mapping[str, tuple[str, ...]] = {}
    """As in ``Inventory``; empty where an older agent read the image."""
    unread: int = 0
    """As in ``ImageSummary``."""

    @cached_property
    def owners(self) -> "_Owners":
        return _Owners(self)

    @cached_property
    def vulnerabilities(self) -> dict[str, list[Vulnerability]]:
        """By the purl of their package."""
        found: dict[str, list[Vulnerability]] = {}
        for each in self.report.vulnerabilities:
            found.setdefault(each.package, []).append(each)
        return found


def weighed(told: Story, known: KnownImage | None) -> Story:
    """The story with what is at stake by what is known of its image."""
    found, left_out, unknowns = at_stake([each.process for each in told.processes], told.loaded, known)
    kept = tuple(each for each in told.unknowns if each.code in _OF_STEPS)
    return msgspec.structs.replace(told, at_stake=found, at_stake_left_out=left_out, unknowns=(*kept, *unknowns))


def weighed_as(told: Story, before: Story) -> Story:
    """The story with what was at stake in the one before, in which the same ran."""
    kept = tuple(each for each in before.unknowns if each.code not in _OF_STEPS)
    return msgspec.structs.replace(
        told,
        at_stake=before.at_stake,
        at_stake_left_out=before.at_stake_left_out,
        unknowns=(*told.unknowns, *kept),
    )


def at_stake(
    processes: Iterable[Process], loaded: Loaded, known: KnownImage | None
) -> tuple[tuple[AtStake, ...], int, tuple[NotKnown, ...]]:
    """Vulnerabilities of the image in what ran and was loaded, the gravest first; how many more; what is not known.

    Programs that the image did not bring are no package's.
    """
    programs = sorted(
        {each.exe for each in processes if each.exe and not (each.exe_new or each.exe_memfd or each.outside)}
    )
    libraries = sorted(set(loaded.files).difference(each.exe for each in processes))
    if not programs and not libraries:
        return (), 0, ()
    if known is None:
        return (), 0, (NotKnown("image-unread"),)
    found: dict[tuple[str, str, str], AtStake] = {}
    """Once for all packages of one source."""
    unowned: dict[bool, list[str]] = {False: [], True: []}
    for library, paths in ((False, programs), (True, libraries)):
        for path in paths:
            owned = known.owners.of(path, library=library)
            unowned[library] += [] if owned else [path]
            for package, by in owned:
                for each in known.vulnerabilities.get(package.purl, ()):
                    one = each.id, package.source_name or package.name, each.installed
                    found.setdefault(one, _at_stake(each, package, path, by, library=library))
    ordered = sorted(found.values(), key=_gravest_first)
    unknowns = [] if loaded.whole else [NotKnown("libraries")]
    unknowns += [
        NotKnown(code, {"count": len(paths), "example": paths[0][:200]})
        for code, paths in (("programs", unowned[False]), ("library-owners", unowned[True]))
        if paths
    ]
    unknowns += _doubts(known)
    return tuple(ordered[:MOST_AT_STAKE]), len(ordered[MOST_AT_STAKE:]), tuple(unknowns)


def _doubts(known: KnownImage) -> Iterator[NotKnown]:
    """Why more of the image may be vulnerable than is known."""
    if known.report.advisories.built is None:
        yield NotKnown("image-unmatched")
    if not known.report.complete:
        yield NotKnown("image-incomplete")
    if known.report.unjudged:
        yield NotKnown("image-unjudged", {"count": known.report.unjudged})
    if known.unread:
        yield NotKnown("image-part-unread", {"count": known.unread})


def _gravest_first(each: AtStake) -> tuple[int, bool, bool, str]:
    return -each.severity.rank, not each.exploited, each.library, each.vulnerability


def _at_stake(found: Vulnerability, package: ReportedPackage, path: str, by: str, *, library: bool) -> AtStake:
    return AtStake(
        found.id[:128],
        found.severity,
        package.name[:255],
        found.installed[:255],
        found.fixed,
        found.kev,
        path[:512],
        by,
        library,
    )


class _Owners:
    """The packages whose file a path is."""

    def __init__(self, known: KnownImage) -> None:
        self._listed: dict[str, list[str]] = {}
        for name, paths in known.loadable.items():
            for path in paths:
                self._listed.setdefault(path, []).append(name)
        self._at: dict[str, list[ReportedPackage]] = {}
        self._named: dict[str, list[ReportedPackage]] = {}
        self._below: dict[str, list[ReportedPackage]] = {}
        for package in known.report.packages:
            for location in package.locations:
                self._at.setdefault(location.lstrip("/"), []).append(package)
            if package.purl.startswith(_OS_PURLS):
                for name in {package.name, package.source_name or package.name}:
                    self._named.setdefault(name, []).append(package)
            for directory in _directories(package):
                self._below.setdefault(directory, []).append(package)

    def of(self, path: str, *, library: bool) -> _Owned:
        """Those that are this very file, else that list it, else in whose directory it is, else a program's by name."""
        inside = path.lstrip("/")
        if exact := self._at.get(inside):
            return [(each, "location") for each in exact]
        names = self._listed.get(inside, ())
        if listed := [each for name in names for each in self._named.get(name, ()) if each.name == name]:
            return [(each, "file") for each in listed]
        for parent in PurePosixPath(inside).parents:
            if around := self._below.get(str(parent)):
                return [(each, "directory") for each in around]
        # Whoever lists files lists this one, too, if it is his: a name is a guess where there are no lists.
        if library or self._listed:
            return []
        return [(each, "name") for each in self._named.get(PurePosixPath(path).name, ())]


def _directories(package: ReportedPackage) -> Iterator[str]:
    """Where a language's package has its own files, by where its metadata lies."""
    for location in package.locations:
        place = PurePosixPath(location.lstrip("/"))
        if package.purl.startswith(_NPM) and place.name == "package.json":
            yield str(place.parent)
        elif package.purl.startswith(_PYPI) and place.parent.suffix.lower() == ".dist-info":
            # Wheels name their directory after the project with underscores; what they bundle lies in NAME.libs.
            for name in {package.name, package.name.replace("-", "_")}:
                yield str(place.parent.parent / name)
                yield str(place.parent.parent / f"{name}.libs")
