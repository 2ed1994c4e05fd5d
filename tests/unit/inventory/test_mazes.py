"""Links that are not a loop, and yet lead nowhere in any reasonable time."""

from hullguard.inventory.paths import MAX_PARTS, resolve


def test_a_maze_of_links_is_left_early() -> None:
    deep = "a/" * 700
    links = {f"{deep}{number}": f"/{deep}{number + 1}" for number in range(30)} | {"start": f"/{deep}0"}

    assert resolve("start/file", links) is None
    assert resolve("start/file", {"start": f"/{deep}0"}) == f"{deep}0/file"


def test_a_path_may_be_as_deep_as_the_bound() -> None:
    deep = "/".join("a" * MAX_PARTS)

    assert resolve(deep, {}) == deep
    assert resolve(deep + "/a", {}) is None
