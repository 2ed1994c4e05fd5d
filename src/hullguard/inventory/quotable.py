"""The one door through which words of an image go into a report: without the credentials in them.

What tells a package (its name, its version) stays as it is: it is looked up by that.
"""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from hullguard.inventory.content.secrets.redaction import redacted_text
from hullguard.model.content import Malware, Misconfiguration, Secret
from hullguard.model.image import OperatingSystem, Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, Unknown

_Hit = TypeVar("_Hit", Secret, Malware, Misconfiguration)


def quotable(inventory: Inventory) -> Inventory:
    """The inventory as it may be kept and passed on."""
    return replace(
        inventory,
        target=_target(inventory.target),
        os=inventory.os and _system(inventory.os),
        packages=tuple(map(_package, inventory.packages)),
        unknowns=_unknowns(inventory.unknowns),
        secrets=tuple(map(_hit, inventory.secrets)),
        malware=tuple(map(_hit, inventory.malware)),
        config=tuple(map(_hit, inventory.config)),
        loadable=_paths(inventory.loadable),
    )


def _target(target: Target) -> Target:
    """What was asked for is the user's own; the rest is the image's."""
    platform = target.platform and redacted_text(target.platform)
    return replace(target, platform=platform, tags=tuple(map(redacted_text, target.tags)))


def _system(os: OperatingSystem) -> OperatingSystem:
    release, name = (text and redacted_text(text) for text in (os.version_id, os.name))
    return replace(os, id=redacted_text(os.id), version_id=release, name=name)


def _package(package: Package) -> Package:
    """A licence is free text, and a place may be named after anything."""
    locations = tuple(map(redacted_text, package.locations))
    licenses = tuple(map(redacted_text, package.licenses))
    if (locations, licenses) == (package.locations, package.licenses):
        return package
    return replace(package, locations=locations, licenses=licenses)


def _paths(loadable: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """One that holds a credential is left out: masked, no process would be found at it."""
    return {name: tuple(path for path in each if redacted_text(path) == path) for name, each in loadable.items()}


def _unknowns(said: Iterable[Unknown]) -> tuple[Unknown, ...]:
    masked = {replace(one, what=redacted_text(one.what), why=redacted_text(one.why)) for one in said}
    return tuple(sorted(masked, key=lambda unknown: (unknown.what, unknown.why)))


def _hit(hit: _Hit) -> _Hit:
    """A credential may be part of a file's own name."""
    if not hit.path or (path := redacted_text(hit.path)) == hit.path:
        return hit
    return replace(hit, path=path)
