"""What a container has mounted: none of it is in what the engine exports, and what it hides is."""

import re
from collections.abc import Iterable, Iterator

from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.paths import normal
from hullguard.model.package import Unknown

_NAMED = 10
"""Mounts that one sentence names; the others are counted."""
_PATH = 200

_PLACES = (
    *(place for analyzer in ANALYZERS for place in (*analyzer.fixed, *analyzer.stores)),
    *("bin", "lib", "lib64", "sbin", "usr/bin", "usr/lib", "usr/lib64", "usr/sbin", "usr/local/bin", "usr/local/lib"),
)
"""Where systems keep lists of packages, and programs and libraries."""
_ORDINARY = frozenset({"var/log", "lib/modules", "usr/lib/modules"})
"""Mounted into many containers, and packages' place in few or none."""
_OF_A_LANGUAGE = re.compile(
    r"(?:.*/)?(?:node_modules|bower_components|site-packages|dist-packages|site-library|gems|conda-meta|vendor)(?:/.*)?",
    re.DOTALL,
)


def unread(destinations: Iterable[str]) -> Iterator[Unknown]:
    """What is to be said of the paths at which something is mounted, as the engine spells them."""
    paths = sorted({path for each in destinations if (path := normal(each.lstrip("/")))})
    of_packages = [path for path in paths if _may_hold_packages(path)]
    if of_packages:
        why = (
            "the engine does not give what is mounted there, where packages are kept: it was not read, and what it "
            "hides of the container's own files is listed as if it was seen"
        )
        yield Unknown(_words(of_packages), why, incomplete=True)
    if others := [path for path in paths if path not in of_packages]:
        yield Unknown(_words(others), "the engine does not give what is mounted there; it was not read")


def _may_hold_packages(path: str) -> bool:
    if path in _ORDINARY:
        return False
    return _OF_A_LANGUAGE.fullmatch(path) is not None or any(
        f"{path}/".startswith(f"{place}/") or place.startswith(f"{path}/") for place in _PLACES
    )


def _words(paths: list[str]) -> str:
    named = [f"/{path[:_PATH]}" for path in paths[:_NAMED]] + ["…"] * (len(paths) > _NAMED)
    return f"{len(paths)} mounts of the container: {', '.join(named)}"
