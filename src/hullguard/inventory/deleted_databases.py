"""Package databases that a later layer deleted: the files of what they named may well be in the image still."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.analyzers.analyzer import Context, Findings
from hullguard.inventory.analyzers.catalog import DISTRIBUTION
from hullguard.inventory.changes import Written
from hullguard.inventory.defects import analyzed
from hullguard.inventory.distributions import kept_by
from hullguard.inventory.layer import LayerIndex
from hullguard.inventory.limits import Limits
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted
from hullguard.model.package import OS_TYPES, Package, PackageType, Unknown

_MOST = 4
"""Layers with a package database at which the image is looked at again, from above."""


_DEB, _RPM, _OPKG = PackageType.DEB, PackageType.RPM, PackageType.OPKG
_PLACES = (
    ("var/lib/dpkg/status.d/", _DEB, "status.d"),
    ("var/lib/dpkg/status", _DEB, "status"),
    ("var/lib/chisel/", _DEB, "chisel"),
    *((f"{place}lib/apk/db/installed", PackageType.APK, "") for place in ("", "usr/")),
    *(
        (f"{place}/", _RPM, "")
        for place in ("var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm", "var/lib/rpmmanifest")
    ),
    ("var/lib/pacman/local/", PackageType.ALPM, ""),
    *((f"{place}lib/opkg/status", _OPKG, "") for place in ("", "usr/", "var/", "opt/")),
    ("var/db/pkg/", PackageType.EBUILD, ""),
    ("var/db/xbps/pkgdb", PackageType.XBPS, ""),
    *((f"{place}/packages/", PackageType.SLACKWARE, "") for place in ("var/lib/pkgtools", "var/log")),
)
"""Where databases lie, what packages are in them, and which of a manager's databases it is."""
_PREFIXES = tuple(prefix for prefix, *_ in _PLACES)
_DELETED = (
    "a later layer deleted or emptied the package database that named them; they were judged as if each were still "
    "there, and which others there are is not known"
)
_UNREAD = (
    "a later layer wrote another package database, which could not be read; they were judged as the one before it "
    "names them: others may be there now, and in other versions"
)


class Stack(Struct):
    """The layers of an image, the lowest first, and what they were read and are squashed with."""

    layers: Sequence[LayerIndex]
    wanted: Wanted
    limits: Limits


def look(stack: Stack, found: Findings, context: Context) -> None:
    """Adds the packages of databases that a later layer took away, and says so, or why there are no OS packages.

    Those of the distribution's manager count, whatever others have packages there; of a system that nobody knows, all.
    """
    manager = kept_by(found.os.id) if found.os is not None else None
    kinds = OS_TYPES if manager is None else frozenset({manager})
    present = [one for one in found.packages if one.type in kinds and not one.by_bill]
    there = {_database(one) for one in present}
    if not there or any(place in kinds and (place, key) not in there for place, key in _brought(stack)):
        _add_lost(stack, found, context, kinds)
    if found.os is not None and not any(one.type in kinds and not one.by_bill for one in found.packages):
        why = f"this is {found.os.name or found.os.id}, but no package database that can be read was found in it"
        found.unknowns.append(Unknown("OS packages", why, incomplete=manager is not None))


def _add_lost(stack: Stack, found: Findings, context: Context, kinds: frozenset[PackageType]) -> None:
    present = [one for one in found.packages if one.type in kinds and not one.by_bill]
    settled, names = {_database(one) for one in present}, {(one.type, one.name) for one in present}
    lost: list[Package] = []
    for packages in _before(stack, context):
        # What was converted is named by another database.
        lost += (
            one
            for one in packages
            if one.type in kinds and _database(one) not in settled and (one.type, one.name) not in names
        )
        settled |= {_database(one) for one in packages}
    if not lost:
        return
    named = {(one.type, one.name, one.version) for one in lost}
    others = (one for one in found.packages if not one.by_bill or (one.type, one.name, one.version) not in named)
    found.packages = [*others, *lost]
    unread = {unknown.what for unknown in found.unknowns if unknown.incomplete}
    for why, packages in (
        (_DELETED, [one for one in lost if unread.isdisjoint(one.locations)]),
        (_UNREAD, [one for one in lost if not unread.isdisjoint(one.locations)]),
    ):
        if packages:
            found.unknowns.append(Unknown(f"{len(packages)} OS packages", why, incomplete=True))


def _database(package: Package) -> tuple[PackageType, str]:
    """Which of a manager's databases named it; of most managers there is one, wherever it lies."""
    found = (_of(location) for location in package.locations)
    return next((each for each in found if each is not None), (package.type, ""))


def _brought(stack: Stack) -> set[tuple[PackageType, str]]:
    """The databases of which a layer below the last brought a part."""
    found = set[tuple[PackageType, str] | None]()
    for layer in stack.layers[:-1]:
        written = (change.logical or change.path for change in layer.changes if isinstance(change, Written))
        found.update(_of(name) for name in written if name.startswith(_PREFIXES))
    return {each for each in found if each is not None}


def _of(path: str) -> tuple[PackageType, str] | None:
    return next(((kind, key) for prefix, kind, key in _PLACES if path.startswith(prefix)), None)


def _before(stack: Stack, context: Context) -> Iterator[list[Package]]:
    """The OS packages as of each of the last layers that brought a part of a package database."""
    analyzers = [analyzer for analyzer in DISTRIBUTION if analyzer in stack.wanted.analyzers]
    managers = analyzers[1:]

    def has_database(layer: LayerIndex) -> bool:
        names = (change.logical or change.path for change in layer.changes if isinstance(change, Written))
        return any(stack.wanted.analyzer(name) in managers for name in names)

    below = [number for number, layer in enumerate(stack.layers[:-1], 1) if has_database(layer)]
    for number in below[: -_MOST - 1 : -1]:
        tree = squash(stack.layers[:number], stack.wanted, stack.limits)
        older = Context(layers=context.layers, room=context.room, licenses=context.licenses, reals=tree.reals)
        for analyzer in analyzers:
            older.packages += analyzed(analyzer, tree, older).packages
        yield [one for one in older.packages if one.type in OS_TYPES][: context.room]
