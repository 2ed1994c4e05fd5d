"""A name without a prefix is looked for where images may be, and an error says where that was."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from tests.support.engine import engine_of
from tests.support.images import Image, layer, node_package
from tests.support.registry import fake_registry

from hullguard.inventory import LayerCache, Limits, read, recognise
from hullguard.inventory.source import containerd_socket, engines, named, podman_service, podman_storage
from hullguard.model.errors import Invalid, NotFound, Unavailable
from hullguard.model.package import Unknown

IMAGE = Image([layer(node_package("a", "1.0.0"))], compression="gzip")
OTHER = Image([layer(node_package("b", "2.0.0"))])


class Start(Protocol):
    """Starts an engine, at the socket ``NAME.sock``, that has one image or none."""

    def __call__(self, called: str, image: Image | None, /, name: str = "app:1") -> str: ...


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Start]:
    with contextlib.ExitStack() as stack:

        def start(called: str, image: Image | None, /, name: str = "app:1") -> str:
            answers = dict[str, bytes]()
            if image is not None:
                inspected = {"Id": image.image_id, "RepoTags": [name], "RootFS": {"Layers": []}}
                archive = image.docker_archive(tmp_path / f"{called}.tar").read_bytes()
                answers = {
                    f"/images/{name}/json": json.dumps(inspected).encode(),
                    f"/images/{image.image_id}/get": archive,
                }
            return stack.enter_context(engine_of(tmp_path / f"{called}.sock", answers))

        yield start


@pytest.fixture(autouse=True)
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine of this machine takes part, nor what Podman keeps on it."""
    for module in (named, engines):
        monkeypatch.setattr(module, "DEFAULT_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(engines, "PODMAN_SOCKET", str(tmp_path / "podman.sock"))
    monkeypatch.setattr(containerd_socket, "SOCKETS", (str(tmp_path / "containerd.sock"), str(tmp_path / "k3s.sock")))
    for variable in ("CONTAINER_HOST", "CONTAINERD_ADDRESS", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "storage.conf").write_text(f'[storage]\ngraphroot = "{tmp_path}/storage"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))


def test_a_registry_is_asked_when_there_is_no_engine() -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)

        found = read(f"{registry.host}/app:1")

    assert [package.name for package in found.packages] == ["a"]
    assert found.target.kind == "registry"


@pytest.mark.parametrize("name", ["docker", "podman", "containerd"])
def test_the_registry_comes_after_an_engine_that_does_not_answer_which_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.sock").touch()
    with fake_registry() as registry:
        registry.put(IMAGE)

        found = read(asked := f"{registry.host}/app:1")

    assert (found.target.kind, found.complete) == ("registry", True)
    (said,) = (unknown.why for unknown in found.unknowns if unknown.what == asked)
    assert said.startswith("whether another engine has an image of this name is not known: ")
    assert name in said.lower()


@pytest.mark.parametrize(
    ("variable", "address"),
    [
        ("docker_host", "unix:///nowhere/docker.sock"),
        ("docker_host", "ssh://elsewhere"),
        ("CONTAINER_HOST", "unix:///nowhere/podman.sock"),
        ("CONTAINER_HOST", "ssh://elsewhere"),
        ("CONTAINERD_ADDRESS", "/nowhere/containerd.sock"),
    ],
)
def test_an_engine_that_was_named_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, variable: str, address: str
) -> None:
    if variable.isupper():
        monkeypatch.setenv(variable, address)
    with fake_registry() as registry:
        registry.put(IMAGE)

        with pytest.raises(
            (Unavailable, Invalid), match="; no other place was asked, for this one was named; registry:"
        ):
            read(f"{registry.host}/app:1", docker_host=None if variable.isupper() else address)


def test_one_that_was_named_and_has_no_such_image_is_no_reason_to_stop(engine: Start) -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)

        found = read(f"{registry.host}/app:1", docker_host=engine("named", None))

    assert (found.target.kind, found.complete) == ("registry", True)


def test_another_image_of_podman_is_told(engine: Start, tmp_path: Path) -> None:
    host, cache = engine("docker", IMAGE), LayerCache(tmp_path / "cache")
    engine("podman", OTHER)
    for _ in range(2):  # the second time it is known without the engine's archive
        found = read("app:1", docker_host=host, cache=cache)

        assert ([package.name for package in found.packages], found.target.kind) == (["a"], "docker")
        why = (
            f"the Podman service at unix://{tmp_path}/podman.sock has another image of this name, which was not read; "
            "podman: before the name asks Podman alone"
        )
        assert Unknown("app:1", why, incomplete=True) in found.unknowns
        assert not found.complete
    assert [package.name for package in read("podman:app:1").packages] == ["b"]


def test_the_same_image_of_podman_is_not(engine: Start) -> None:
    host = engine("docker", IMAGE)
    engine("podman", IMAGE)

    assert read("app:1", docker_host=host).unknowns == read("docker:app:1", docker_host=host).unknowns


@pytest.mark.parametrize("told", [True, False])
def test_a_podman_that_does_not_answer_is_told_where_docker_has_the_image(
    engine: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    host = engine("docker", IMAGE)
    (tmp_path / "podman.sock").touch()
    if told:
        monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/podman.sock")

    found = read("app:1", docker_host=host)

    assert found.complete is not told
    (said,) = (unknown.why for unknown in found.unknowns if unknown.what == "app:1")
    assert "is not known: no Podman service answers" in said


def in_storage(tmp_path: Path, image: Image, *names: str, settings: str = "overlay") -> None:
    """As Podman notes its images."""
    (tmp_path / "storage" / f"{settings}-images").mkdir(parents=True)
    listed = [{"id": "f" * 64, "names": ["other:1"]}, {"id": image.image_id[7:], "names": names}, {"id": "e" * 64}]
    (tmp_path / "storage" / f"{settings}-images" / "images.json").write_text(json.dumps(listed))


@pytest.mark.parametrize("driver", ["overlay", "vfs"])
@pytest.mark.parametrize("short", ["app:1", "localhost/app:1", "docker.io/library/app:1"])
def test_another_image_in_podmans_storage_is_told(engine: Start, tmp_path: Path, short: str, driver: str) -> None:
    in_storage(tmp_path, OTHER, *{short, "localhost/app:1"} - {"app:1"}, settings=driver)
    host = engine("docker", IMAGE, name=short)

    found = read(short, docker_host=host)

    why = (
        f"Podman's storage at {tmp_path}/storage has another image of this name, which was not read; "
        "podman: before the name asks Podman alone"
    )
    assert Unknown(short, why, incomplete=True) in found.unknowns
    assert Unknown(short, why) in read(short, docker_host=host, platform="linux/amd64").unknowns


def test_the_same_image_and_another_name_there_are_not(engine: Start, tmp_path: Path) -> None:
    in_storage(tmp_path, IMAGE, "localhost/app:1")
    host = engine("docker", IMAGE)

    assert read("app:1", docker_host=host).unknowns == read("docker:app:1", docker_host=host).unknowns
    assert read("app:1", docker_host=host).complete


def test_what_podman_built_is_looked_for_in_no_registry(tmp_path: Path) -> None:
    in_storage(tmp_path, OTHER, "localhost/app:1")

    for name in ("app:1", "localhost/app:1"):
        with pytest.raises(Unavailable) as caught:
            read(name)
        assert f"Podman's storage at {tmp_path}/storage has 'localhost/app:1', but no service" in str(caught.value)
        assert "the registry" not in str(caught.value)


def test_an_image_of_podmans_is_known_by_its_id_too(tmp_path: Path) -> None:
    in_storage(tmp_path, OTHER, "localhost/app:1")

    assert [podman_storage.kept(OTHER.image_id[7:][:length]) is not None for length in (64, 12, 11)] == [
        True,
        True,
        False,
    ]
    assert podman_storage.kept("app:2") is None


def test_what_a_registry_has_is_compared_with_podmans_storage(tmp_path: Path) -> None:
    with fake_registry() as registry:
        registry.put(IMAGE)
        in_storage(tmp_path, OTHER, f"{registry.host}/app:1")

        found = read(f"{registry.host}/app:1")

        assert (found.target.kind, found.complete) == ("registry", False)
        with pytest.raises(NotFound, match="has no image"):
            read(f"{registry.host}/app:2")


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"[1]", b'[{"names": [1]}]', b"[" * 500_000])
def test_a_list_of_podmans_that_cannot_be_read_is_none(engine: Start, tmp_path: Path, content: bytes) -> None:
    in_storage(tmp_path, OTHER, "localhost/app:1")
    (tmp_path / "storage" / "overlay-images" / "images.json").write_bytes(content)

    assert read("app:1", docker_host=engine("docker", IMAGE)).complete


def test_every_place_that_was_tried_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman_service, "program", lambda: None)  # where it is installed it is started
    for name in ("docker.sock", "podman.sock", "containerd.sock"):
        (tmp_path / name).touch()
    with fake_registry() as registry:
        with pytest.raises(Unavailable) as caught:
            read(f"{registry.host}/app:1")

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
