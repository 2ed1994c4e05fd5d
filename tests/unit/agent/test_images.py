"""Reading images in a process of its own."""

import asyncio
import sys
from pathlib import Path

import pytest
from tests.support.agents import NO_DOCKER, child_environment
from tests.support.docker import IMAGE, docker_host, import_image, inspect

from hullguard.agent import images as images_module
from hullguard.agent.channel import ChannelLostError
from hullguard.agent.images import Images
from hullguard.agent.images_job import Job
from hullguard.agent.images_worker import work
from hullguard.agent.runtime.stock import Place
from hullguard.agent.state import StateDir
from hullguard.model.errors import HullguardError, LimitReached, Unavailable
from hullguard.wire.inventory import Assembly, unpack
from hullguard.wire.messages import AgentMessage, InventoryPart

__all__ = ["child_environment", "docker_host"]

ANY = "sha256:" + "a" * 64


class Line:
    def __init__(self) -> None:
        self.sent: list[AgentMessage] = []

    async def send(self, message: AgentMessage) -> None:
        self.sent.append(message)


def reader(directory: Path, host: str, line: Line) -> Images:
    state = StateDir(directory)
    state.prepare()
    return Images(state, host, line.send, lambda image: (Place(f"docker:{image}"),))


async def test_an_image_becomes_slices_that_make_its_inventory(tmp_path, docker_host, child_environment):
    line = Line()
    image = str(inspect(docker_host, IMAGE)["Id"])
    await reader(tmp_path, docker_host, line).report(image)
    assembly, whole = Assembly(), None
    for part in line.sent:
        assert isinstance(part, InventoryPart)
        whole = assembly.add(part)
    assert whole is not None
    inventory = unpack(whole)
    assert inventory.target.image_id == image
    assert len(inventory.layers) == 1
    assert not (tmp_path / "work" / "inventory").exists()
    assert list((tmp_path / "work" / "layers").iterdir()), "the layer is not read again for another image"


async def test_a_secret_in_an_image_is_reported_without_being_shown(tmp_path, docker_host, child_environment):
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    import_image(docker_host, "hullguard-test-secret:1", {"srv/app/.env": f"A=1\nTOKEN={secret}\n".encode()})
    line = Line()
    await reader(tmp_path, docker_host, line).report(str(inspect(docker_host, "hullguard-test-secret:1")["Id"]))
    inventory = unpack(b"".join(part.data for part in line.sent))
    (found,) = inventory.secrets
    assert (found.path, found.line, found.layer) == ("srv/app/.env", 2, inventory.layers[0].diff_id)
    assert secret[4:] not in str(inventory)


async def test_a_daemon_that_is_not_there(tmp_path, child_environment):
    line = Line()
    with pytest.raises(Unavailable, match="no Docker engine answers"):
        await reader(tmp_path, NO_DOCKER, line).report(ANY)
    told = unpack(b"".join(part.data for part in line.sent))
    assert (told.target.image_id, told.packages, told.complete, told.is_unread) == (ANY, (), False, True)
    assert [each.what for each in told.unknowns] == ["the image"]
    assert told.unknowns[0].why.startswith("it could not be read: no Docker engine answers")


async def test_of_an_image_that_the_engine_has_no_more_nothing_is_told(tmp_path, docker_host, child_environment):
    line = Line()
    with pytest.raises(HullguardError, match="has no image"):
        await reader(tmp_path, docker_host, line).report(ANY)
    assert line.sent == []


def test_the_worker_answers_what_it_cannot_do(tmp_path):
    answer = work(Job(ANY, f"docker:{ANY}", NO_DOCKER, str(tmp_path / "layers"), str(tmp_path / "out")))
    assert (answer.parts, answer.code) == (0, "docker.unreachable")
    assert not (tmp_path / "out").exists()


async def test_a_worker_that_dies_takes_nobody_with_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(Unavailable, match="broke off"):
        await reader(tmp_path, NO_DOCKER, Line()).report(ANY)


async def test_a_worker_that_never_ends_is_ended(tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(images_module, "READ_SECONDS", 0.2)
    with pytest.raises(LimitReached, match="took over"):
        await reader(tmp_path, NO_DOCKER, Line()).report(ANY)


async def test_what_the_platform_does_not_take_is_not_read_again_at_once(tmp_path, monkeypatch):
    images = reader(tmp_path, NO_DOCKER, Line())
    tried: list[str] = []

    async def report(image: str) -> None:
        tried.append(image)

    monkeypatch.setattr(images, "report", report)
    images.refused("odd")
    task = asyncio.create_task(images.run())
    images.request(("odd", "other"))
    await asyncio.sleep(0.02)
    task.cancel()
    assert tried == ["other"]


async def test_an_image_that_failed_is_tried_again_unasked(tmp_path, monkeypatch):
    monkeypatch.setattr(images_module, "_RETRY_SECONDS", -0.99)
    images = reader(tmp_path, NO_DOCKER, Line())
    tried = asyncio.Queue[str]()

    async def report(image: str) -> None:
        tried.put_nowait(image)
        raise Unavailable("gone", "docker.no-image") if image == "gone" else Unavailable("unreadable")

    monkeypatch.setattr(images, "report", report)
    task = asyncio.create_task(images.run())
    images.request(("gone", "broken"))
    async with asyncio.timeout(30):
        assert [await tried.get() for _ in range(4)] == ["gone", "broken", "broken", "broken"]
    task.cancel()


async def test_each_time_that_an_image_fails_it_is_left_in_peace_for_longer(tmp_path, monkeypatch):
    images, told = reader(tmp_path, NO_DOCKER, Line()), list[float]()
    monkeypatch.setattr(images_module, "_RETRY_SECONDS", 100.0)
    monkeypatch.setattr(images_module, "_LONGEST_RETRY_SECONDS", 700.0)
    clock = 1000.0
    monkeypatch.setattr(images_module.time, "monotonic", lambda: clock)
    for _ in range(5):
        images.refused("odd")
        left = images._failed["odd"].until - clock
        told.append(left)
        images.request(("odd",))
        assert images._asked.empty()
        clock += left + 1
        images.request(("odd",))
        assert images._asked.get_nowait() == "odd"
        images._waiting.clear()
    assert told == [100, 200, 400, 700, 700]


async def test_an_image_that_fails_is_left_in_peace_and_a_lost_line_is_not_its_fault(tmp_path, monkeypatch):
    images = reader(tmp_path, NO_DOCKER, Line())
    tried: list[str] = []

    async def report(image: str) -> None:
        tried.append(image)
        raise ChannelLostError("gone") if image == "lost" else Unavailable("unreadable")

    monkeypatch.setattr(images, "report", report)
    task = asyncio.create_task(images.run())
    for _ in range(2):
        images.request(("lost", "broken", "broken"))
        await asyncio.sleep(0.02)
    task.cancel()
    assert tried == ["lost", "broken", "lost"]
