"""The file system of names: where paths lead, and what is left when something goes."""

import pytest

from hullguard.inventory.limits import Limits
from hullguard.inventory.tree import MAX_LINKS, Names, Node
from hullguard.model.errors import LimitReached


def put(names: Names, path: str, link: str | None = None, layer: int = 0) -> Node:
    parent = names.follow(path.rpartition("/")[0])
    assert parent is not None
    node = names.put(names.make(parent, layer), path, layer)
    node.link = link
    return node


def leads(names: Names, path: str) -> str | None:
    spot = names.follow(path)
    return spot.path() if spot is not None else None


@pytest.mark.parametrize(
    ("path", "real"),
    [
        ("lib/apk/db", "usr/lib/apk/db"),
        ("etc/os-release", "usr/lib/os-release"),
        ("abs/x", "opt/x"),
        ("up/x", "x"),
        ("chain/x", "usr/lib/x"),
        ("plain/x", "plain/x"),
        ("nowhere/../lib/x", "usr/lib/x"),
    ],
)
def test_links_are_followed_within_the_image(path: str, real: str) -> None:
    names = Names(Limits())
    for place, target in (
        ("lib", "usr/lib"),
        ("etc/os-release", "../usr/lib/os-release"),
        ("abs", "/opt"),
        ("up", "../../../.."),
        ("chain", "./lib"),
    ):
        put(names, place, target)

    assert leads(names, path) == real


def test_a_loop_leads_nowhere() -> None:
    names = Names(Limits())
    put(names, "a", "b")
    put(names, "b", "a")
    put(names, "c", "c/d")

    assert [leads(names, path) for path in ("a", "b/x", "c")] == [None, None, None]


def test_as_many_links_are_followed_as_linux_does() -> None:
    names = Names(Limits())
    for number in range(60):
        put(names, f"l{number}", f"l{number + 1}")

    # Twice, since the second time the answer is remembered; the far end first, and then the other way round.
    for numbers in (range(60), range(59, -1, -1)):
        assert [number for number in numbers if leads(names, f"l{number}") is None] == [
            number for number in numbers if number < 60 - MAX_LINKS
        ]


def test_a_link_leads_elsewhere_when_what_it_leads_over_changes() -> None:
    names = Names(Limits())
    put(names, "a", "b/c")
    put(names, "x/there", "y")
    middle = put(names, "b", "x")

    assert leads(names, "a") == "x/c"
    names.remove(middle)
    assert leads(names, "a") == "b/c"
    put(names, "b", "z")
    assert leads(names, "a") == "z/c"


def test_what_lies_below_goes_too() -> None:
    names = Names(Limits())
    for path in ("a/b/c", "a/b/d", "a/e"):
        put(names, path, "x")
    spot = names.follow("a/b")
    assert spot is not None

    names.remove(spot.node)

    assert sorted(path for path, _ in names.leaves()) == ["a/e"]
    assert {node.path() for node in names.known.values()} == {"a", "a/e"}


def test_only_what_is_of_lower_layers_is_hidden() -> None:
    names = Names(Limits())
    put(names, "a/old/x", "y", layer=0)
    put(names, "a/both/x", "y", layer=0)
    put(names, "a/both/new", "y", layer=1)

    names.hide(names.root, 1)

    assert sorted(node.path() for node in names.known.values()) == ["a", "a/both", "a/both/new"]


def test_the_number_of_names_is_bounded() -> None:
    names = Names(Limits(places=3))
    put(names, "a/b/c", "x")

    with pytest.raises(LimitReached, match="more than 3 names"):
        put(names, "d", "x")


def test_a_limit_raises_until_the_tree_is_settled_and_is_noted_then() -> None:
    names = Names(Limits(steps=5))
    put(names, "a", "b/c/d/e/f/g")

    with pytest.raises(LimitReached, match="more than 5 names"):
        names.follow("a")
    names.settle()
    assert names.follow("a") is None
    assert names.stopped is not None
