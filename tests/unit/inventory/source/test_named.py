"""A name without a prefix is looked for where images may be, and an error says where that was."""

from pathlib import Path

import pytest
from tests.support.images import Image, layer, node_package
from tests.support.registry import fake_registry

from hullguard.inventory import Limits, read, recognise
from hullguard.inventory.source import named
from hullguard.model.errors import Invalid, NotFound, Unavailable

IMAGE = Image([layer(node_package("a", "1.0.0"))], compression="gzip")


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine of this machine takes part."""
    monkeypatch.setattr(named, "DEFAULT_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/podman.sock")
    monkeypatch.setenv("CONTAINERD_ADDRESS", str(tmp_path / "containerd.sock"))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_registry_is_asked_when_there_is_no_engine() -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)

        found = read(f"{registry.host}/app:1")

    assert [package.name for package in found.packages] == ["a"]
    assert found.target.kind == "registry"


def test_the_registry_comes_after_an_engine_that_does_not_answer(tmp_path: Path) -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)

        found = read(f"{registry.host}/app:1", docker_host=f"unix://{tmp_path}/docker.sock")

    assert found.target.kind == "registry"


def test_every_place_that_was_tried_is_named(tmp_path: Path) -> None:
    for name in ("podman.sock", "containerd.sock"):
        (tmp_path / name).touch()
    with fake_registry() as registry:
        with pytest.raises(Unavailable) as caught:
            read(f"{registry.host}/app:1", docker_host=f"unix://{tmp_path}/docker.sock")

        sentence = str(caught.value)
    for words in ("there is no file", "no Docker engine", "no Podman service", "containerd", "the registry"):
        assert words in sentence


def test_what_is_nowhere_is_not_found() -> None:
    with fake_registry() as registry, pytest.raises(NotFound, match=r"there is no file .* has no image"):
        read(f"{registry.host}/app:1")


def test_a_name_that_is_none() -> None:
    with pytest.raises(Invalid, match=r"there is no file 'No Image'; .* no name of an image"):
        read("No Image")


def test_a_limit_is_no_reason_to_look_elsewhere() -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)

        assert not read(f"{registry.host}/app:1", limits=Limits(entries=0)).complete


def test_recognising_asks_nobody() -> None:
    assert recognise("registry.invalid/app") is None
