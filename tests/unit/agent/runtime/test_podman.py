"""Podman's lists as they lie in its storage, whole and damaged."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hullguard.agent.runtime import podman as podman_module
from hullguard.agent.runtime.podman import Podman
from hullguard.model.errors import Unavailable

APP, STEP, LIST, ODD = ("1" * 64, "2" * 64, "3" * 64, "4" * 64)
WEB, OLD = "a" * 64, "b" * 64


def image(identity: str, *names: str, manifest_list: bool = False) -> dict[str, object]:
    data = ["manifest", "instance-data"] if manifest_list else ["manifest", f"sha256:{identity}"]
    return {"id": identity, "names": list(names) or None, "big-data-names": data, "digest": "sha256:" + "9" * 64}


def container(identity: str, of: str, name: str) -> dict[str, object]:
    metadata = json.dumps({"image-name": "localhost/app:1", "image-id": of, "name": name, "created-at": 1795930240})
    created = "2026-11-29T05:30:40.028624688Z"
    return {"id": identity, "names": [name], "image": of, "layer": "5" * 64, "metadata": metadata, "created": created}


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    settings = tmp_path / "storage.conf"
    settings.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{tmp_path}/g"\nrunroot = "{tmp_path}/r"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(settings))
    program = tmp_path / "bin" / "podman"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho podman version 4.3.1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    for kind in ("images", "containers"):
        (tmp_path / "g" / f"overlay-{kind}").mkdir(parents=True)
    return tmp_path


def write(storage: Path, images: object, containers: object = ()) -> None:
    (storage / "g/overlay-images/images.json").write_text(json.dumps(images))
    (storage / "g/overlay-containers/containers.json").write_text(json.dumps(containers))


def started(storage: Path, identity: str, pid: int) -> None:
    pidfile = storage / "r" / "overlay-containers" / identity / "userdata" / "pidfile"
    pidfile.parent.mkdir(parents=True)
    pidfile.write_text(str(pid))


async def test_named_images_and_those_of_containers_are_listed_and_neither_steps_of_builds_nor_lists(storage) -> None:
    used = "6" * 64
    write(
        storage,
        [image(APP, "localhost/app:1", "x" * 600), image(STEP), image(LIST, "many:1", manifest_list=True), image(used)],
        [container(WEB, used, "web")],
    )
    found = await Podman().stock()
    assert found.images == {f"sha256:{APP}": ("localhost/app:1",), f"sha256:{used}": ()}
    assert (found.version, found.left_out, found.whole, found.containers) == ("podman 4.3.1", 0, True, ())
    assert found.places[f"sha256:{APP}"].target == f"podman:{APP}"


async def test_only_what_runs_is_listed_of_containers(storage, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(podman_module.specs, "PROC", tmp_path / "proc")
    for pid, identity in ((7, WEB), (8, "f" * 64)):
        (tmp_path / "proc" / str(pid)).mkdir(parents=True)
        (tmp_path / "proc" / str(pid) / "cgroup").write_text(f"0::/machine.slice/libpod-{identity}.scope\n")
    write(
        storage,
        [image(APP, "app:1")],
        [container(WEB, APP, "web"), container(OLD, APP, "old"), container("../x", APP, "odd")],
    )
    started(storage, WEB, 7)
    started(storage, OLD, 8)  # another container's by now
    bundle = storage / "g" / "overlay-containers" / WEB / "userdata"
    bundle.mkdir(parents=True)
    privileged = {"io.podman.annotations.privileged": "TRUE", "io.container.manager": "libpod"}
    (bundle / "config.json").write_text(
        json.dumps({"annotations": privileged, "linux": {"namespaces": [{"type": "network"}]}})
    )
    (found,) = (await Podman().stock()).containers
    assert (found.id, found.name, found.engine, found.state) == (WEB, "web", "podman", "running")
    assert (found.image.id, found.image.name) == (f"sha256:{APP}", "localhost/app:1")
    assert (found.privileged, found.host_network) == (True, False)
    assert (found.created.year, found.started is not None) == (2026, True)


@pytest.mark.parametrize("content", ["{", "[[]]", "[" * 100_000, '[{"id": 7}]', "\udcff", "x" * 100])
async def test_a_list_that_cannot_be_read_is_not_an_empty_one(storage, content) -> None:
    write(storage, [])
    (storage / "g/overlay-images/images.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(Unavailable, match=r"images\.json cannot be read"):
        await Podman().stock()


async def test_a_list_of_boundless_size_is_refused(storage, monkeypatch) -> None:
    monkeypatch.setattr(podman_module, "_LARGEST", 1000)
    write(storage, [image(f"{number:064x}", "a:1") for number in range(20)])
    with pytest.raises(Unavailable, match="more than 1000 bytes"):
        await Podman().stock()


async def test_images_beyond_the_bound_are_counted(storage, monkeypatch) -> None:
    monkeypatch.setattr(podman_module, "MOST_IMAGES", 3)
    write(storage, [image(f"{number:064x}", "a:1") for number in range(5)])
    found = await Podman().stock()
    assert (len(found.images), found.left_out) == (3, 2)


async def test_a_storage_that_was_never_used_has_nothing(storage) -> None:
    assert (await Podman().stock()).images == {}


async def test_a_disk_that_hangs_takes_one_thread_and_no_more(storage) -> None:
    os.mkfifo(storage / "g/overlay-images/images.json")
    podman = Podman()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await podman.stock()
    before = threading.active_count()
    for _ in range(5):
        with pytest.raises(Unavailable, match="does not let itself be read"):
            await podman.stock()
    assert threading.active_count() <= before
    with (storage / "g/overlay-images/images.json").open("w") as end:
        end.write("[]")


def test_without_its_program_the_storage_may_be_another_ones(storage, monkeypatch) -> None:
    assert Podman().here()
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(podman_module, "_SOCKET", storage / "none.sock")
    assert not Podman().here()
