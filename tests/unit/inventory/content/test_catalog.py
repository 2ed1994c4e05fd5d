"""The catalog of inspectors is complete."""

import importlib
import pkgutil

from hullguard.inventory import content
from hullguard.inventory.content.catalog import INSPECTORS, inspectors_of
from hullguard.inventory.content.inspector import Inspector


def test_every_inspector_is_in_the_catalog() -> None:
    for module in pkgutil.walk_packages(content.__path__, f"{content.__name__}."):
        importlib.import_module(module.name)
    written = {kind for kind in Inspector.__subclasses__() if kind.__module__.startswith(content.__name__)}

    assert written == {type(inspector) for inspector in inspectors_of(INSPECTORS)}


def test_every_inspector_has_the_name_of_the_catalog() -> None:
    for name in INSPECTORS:
        assert {inspector.name for inspector in inspectors_of({name})} == {name}
