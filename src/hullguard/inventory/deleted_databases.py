"""Package databases that a later layer deleted: the files of what they named may well be in the image still."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from hullguard.inventory.analyzers.analyzer import Context, Findings
from hullguard.inventory.analyzers.catalog import DISTRIBUTION
from hullguard.inventory.changes import Written
from hullguard.inventory.defects import analyzed
from hullguard.inventory.distributions import keeps_packages
from hullguard.inventory.layer import LayerIndex
from hullguard.inventory.limits import Limits
from hullguard.inventory.squash import squash
from hullguard.inventory.wanted import Wanted
from hullguard.model.package import OS_TYPES, Package, Unknown

_MOST = 4
"""Layers with a package database at which the image is looked at again, from above."""


class Stack(Struct):
    """The layers of an image, the lowest first, and what they were read and are squashed with."""

    layers: Sequence[LayerIndex]
    wanted: Wanted
    limits: Limits


def look(stack: Stack, found: Findings, context: Context) -> None:
    """Of an image without OS packages, adds those of the last database that a layer had; says why there are none."""
    if any(package.type in OS_TYPES and not package.by_bill for package in found.packages):
        return
    if packages := next(filter(None, _before(stack, context)), None):
        named = {(package.type, package.name, package.version) for package in packages}
        others = (one for one in found.packages if not one.by_bill or (one.type, one.name, one.version) not in named)
        found.packages = [*others, *packages]
        why = (
            "a later layer deleted or emptied the package database that named them; they were judged as if each were "
            "still there, and which others there are is not known"
        )
        found.unknowns.append(Unknown(f"{len(packages)} OS packages", why, incomplete=True))
    elif found.os is not None:
        why = f"this is {found.os.name or found.os.id}, but no package database that can be read was found in it"
        found.unknowns.append(Unknown("OS packages", why, incomplete=keeps_packages(found.os.id)))


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
        findings = [analyzed(analyzer, tree, older) for analyzer in analyzers]
        yield [one for each in findings for one in each.packages if one.type in OS_TYPES][: context.room]
