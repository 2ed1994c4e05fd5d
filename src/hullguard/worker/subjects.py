"""What advisories may speak of when they speak of an inventory, as numbers that storage can index."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

from hullguard.advisories.changes import Change
from hullguard.advisories.products import releases
from hullguard.advisories.subjects import subjects
from hullguard.model.inventory import Inventory

_WHOLE = ""
"""Stands for every package of an ecosystem."""


def inventory_subjects(inventory: Inventory) -> frozenset[int]:
    """The packages of an inventory under the names that advisories use, and their ecosystems."""
    named = {(package.ecosystem, about.name) for package in inventory.packages for about in subjects(package)}
    return frozenset(_number(*pair) for pair in named | {(ecosystem, _WHOLE) for ecosystem, _ in named})


def changed_subjects(changes: Iterable[Change]) -> frozenset[int]:
    """Those of which something else is said now; advisories speak of parts of a release, inventories of the whole."""
    return frozenset(
        _number(ecosystem, change.name)
        for change in changes
        if change.ecosystem
        for ecosystem in releases(change.ecosystem)
    )


@lru_cache(maxsize=1 << 16)
def _number(ecosystem: str, name: str) -> int:
    content = f"{ecosystem}\0{name}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big", signed=True)
