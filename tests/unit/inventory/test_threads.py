"""Layers read by several threads: the same answer every time, also where a limit or an error ends it."""

import threading
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, dpkg_entry, dpkg_status, file, layer, node_package

from hullguard.inventory import Limits, read
from hullguard.inventory.limits import Budget
from hullguard.model.errors import Invalid, LimitReached

BASE = layer(file("etc/os-release", DEBIAN_12), dpkg_status(dpkg_entry("bash", "5.2")))
MANY = [BASE, *(layer(node_package(f"p{n:02}", "1.0.0"), file(f"f{n}", bytes(60_000))) for n in range(12))]
HALF = sum(map(len, MANY)) // 2


def test_packages_are_named_for_their_layers_in_order(tmp_path: Path) -> None:
    found = read(str(Image(MANY).docker_archive(tmp_path / "image.tar")))
    by_layer = {one.diff_id: number for number, one in enumerate(found.layers)}

    assert [by_layer[package.layer or ""] for package in found.packages if package.name != "bash"] == [*range(1, 13)]


@pytest.mark.parametrize("how", ["none", "gzip"])
@pytest.mark.parametrize("limits", [Limits(total_bytes=HALF), Limits(entries=14)], ids=["bytes", "entries"])
def test_a_limit_ends_every_read_in_the_same_place(tmp_path: Path, limits: Limits, how: str) -> None:
    path = Image(MANY, compression=how).oci_dir(tmp_path / "image")
    first = read(str(path), limits=limits)

    assert not first.complete
    assert 2 < len(first.packages) < 12
    assert all(read(str(path), limits=limits) == first for _ in range(8))


def test_of_several_errors_the_lowest_layers_is_told(tmp_path: Path) -> None:
    broken = Image([*MANY[:3], b"no tar" * 200, *MANY[3:], b"no tar either" * 200])
    path = broken.docker_archive(tmp_path / "image.tar")

    for _ in range(5):
        with pytest.raises(Invalid, match=r"layer 3/layer\.tar is no tar archive"):
            read(str(path))


def test_an_error_behind_a_limit_is_not_met(tmp_path: Path) -> None:
    path = Image([*MANY, b"no tar" * 200]).docker_archive(tmp_path / "image.tar")
    found = read(str(path), limits=Limits(total_bytes=HALF))

    assert not found.complete


def test_a_budget_loses_no_entry_between_threads() -> None:
    budget = Budget(Limits(entries=40_000))

    def spend() -> None:
        for _ in range(10_000):
            budget.spend_entry()

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with pytest.raises(LimitReached):
        budget.spend_entry()
