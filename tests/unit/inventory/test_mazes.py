"""Links that are not a loop, and yet lead nowhere in any reasonable time."""

from pathlib import Path

from tests.support.images import Image, file, layer, symlink

from hullguard.inventory import Limits, read
from hullguard.inventory.paths import MAX_PARTS, resolve

DEEP = "a/" * 700


def test_a_maze_of_links_is_left_early() -> None:
    links = {f"{DEEP}{number}": f"/{DEEP}{number + 1}" for number in range(30)} | {"start": f"/{DEEP}0"}

    assert resolve("start/file", links) is None
    assert resolve("start/file", {"start": f"/{DEEP}0"}) == f"{DEEP}0/file"


def test_a_path_may_be_as_deep_as_the_bound() -> None:
    deep = "/".join("a" * MAX_PARTS)

    assert resolve(deep, {}) == deep
    assert resolve(deep + "/a", {}) is None


def test_in_a_layer_a_maze_is_walked_once(tmp_path: Path) -> None:
    maze = [symlink("b/there", "x"), *(symlink(f"m{n}", "b/../" * 700 + f"m{n + 1}") for n in range(38))]
    used = [symlink(f"m0/{number}", "x") for number in range(500)]
    path = Image([layer(file("etc/os-release", "ID=own\n"), *maze, *used)]).docker_archive(tmp_path / "image.tar")

    assert read(str(path), limits=Limits(steps=20 * 38 * 1401)).complete


def test_one_that_changes_all_the_time_ends_at_the_limit(tmp_path: Path) -> None:
    maze = [symlink("b/there", "x"), *(symlink(f"m{n}", "b/../" * 700 + f"m{n + 1}") for n in range(38))]
    used = [entry for number in range(500) for entry in (symlink(f"m0/{number}", "x"), symlink("y", "x"))]
    path = Image([layer(file("etc/os-release", "ID=own\n"), *maze, *used)]).docker_archive(tmp_path / "image.tar")

    found = read(str(path), limits=Limits(steps=20 * 38 * 1401))

    assert not found.complete
    assert "links lead over more than" in found.unknowns[-1].why


def test_names_that_count_are_bounded(tmp_path: Path) -> None:
    links = [symlink(f"d/{number}", "x") for number in range(50)]
    path = Image([layer(file("etc/os-release", "ID=own\n"), *links)]).docker_archive(tmp_path / "image.tar")

    assert read(str(path), limits=Limits(places=53)).complete
    assert not read(str(path), limits=Limits(places=52)).complete
