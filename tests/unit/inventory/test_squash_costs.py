"""Laying layers over one another costs what their names hold, whatever they do: each part of a name is looked at once."""

import io
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from tests.support.images import Entry, directory, file, hardlink, layer, node_package, opaque, symlink, whiteout

from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.layer import Indexer, LayerIndex
from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.squash import views
from hullguard.inventory.wanted import Wanted

WANTED = Wanted(ANALYZERS)
WANTED.logical("x")  # its patterns are compiled when the first name is asked for
Layers = list[list[Entry]]


def links(count: int, place: str = "l") -> list[Entry]:
    return [symlink(f"{place}/{number}", "x") for number in range(count)]


def deep(levels: int) -> str:
    return "/".join("d" * levels)


IMAGES: dict[str, Callable[[int], Layers]] = {
    "a whiteout in each of many layers": lambda n: [links(n), *([whiteout(f"q/{number}")] for number in range(n))],
    "a whiteout that hides one of many": lambda n: [links(n), *([whiteout(f"l/{number}")] for number in range(n))],
    "many whiteouts": lambda n: [links(n), [whiteout(f"l/{number}") for number in range(n)]],
    "an opaque directory in each of many layers": lambda n: [links(n), *([opaque("q")] for _ in range(n))],
    "an opaque root in each of many layers": lambda n: [links(n), *([*links(1), opaque("")] for _ in range(n))],
    "opaque again and again": lambda n: [[*links(n), *([opaque("l")] * n)]],
    "opaque at every level": lambda n: [[*links(n, deep(n)), *(opaque(deep(level)) for level in range(n))]],
    "opaque at every level, from below": lambda n: [
        [*links(n, deep(n)), *(opaque(deep(level)) for level in range(n, 0, -1))]
    ],
    "files through links": lambda n: [
        [*(symlink(f"l{number}", f"d{number}") for number in range(n)), *(file(f"l{k}/{k}") for k in range(n))]
    ],
    "files through one link": lambda n: [[symlink("l", "d"), *(file(f"l/{number}/x") for number in range(n))]],
    "links through links": lambda n: [
        [*(symlink(f"l{number}", f"l{number + 1}") for number in range(30)), *links(n, "l0")]
    ],
    "hard links": lambda n: [[file("x"), *(hardlink(f"h{number}", "x") for number in range(n))]],
    "a chain of hard links": lambda n: [[*(hardlink(f"h{number + 1}", f"h{number}") for number in range(n))]],
    "directories replaced again and again": lambda n: [
        [entry for number in range(n) for entry in (*links(1, "a/b"), file("a"), directory("a"))]
    ],
    "links in one deep directory": lambda n: [links(n, deep(n))],
    "files in deep directories": lambda n: [[node_package("a", "1", f"{k}/{deep(n)}") for k in range(20)]],
    "the same file in every layer": lambda n: [[node_package("lodash", "4.17.4")] for _ in range(n)],
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_a_larger_image_costs_no_more_for_each_name(image: Callable[[int], Layers]) -> None:
    small, large = image(100), image(400)

    assert calls(large) / parts(large) < 1.2 * calls(small) / parts(small)


def parts(layers: Layers) -> int:
    """How many parts all names have."""
    return sum(f"{entry.name}/{entry.link}".count("/") + 1 for entries in layers for entry in entries)


def index(entries: list[Entry]) -> LayerIndex:
    indexer = Indexer(WANTED, Budget(Limits()), "layer")
    indexer.run(io.BytesIO(layer(*entries)))
    return indexer.index


def calls(layers: Layers) -> int:
    """How many functions the package calls, Python's own among them: one step of any loop here calls at least one."""
    indexes, count = [index(entries) for entries in layers], 0

    def called(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        if event in ("call", "c_call") and frame.f_globals["__name__"].startswith("hullguard.inventory"):
            count += 1

    before = sys.getprofile()
    sys.setprofile(called)
    try:
        for tree in views(indexes, WANTED, Limits()):
            tree.missing()
    finally:
        sys.setprofile(before)
    return count
