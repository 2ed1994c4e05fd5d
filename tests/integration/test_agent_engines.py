"""An agent on a machine with podman and containerd, real ones: the platform shows what they have, and what is wrong."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.agents import NO_DOCKER, LiveAgent, child_environment, come_true, live_agent
from tests.support.docker import IMAGE, docker, docker_host, said
from tests.support.fleet import SCOPE, Hostmgr, hostmgr
from tests.support.images import Entry, Image, apk_installed, file, layer, node_package
from tests.support.other_engines import Containerd, Podman, containerd, podman
from tests.support.workers import files as make_files

from hullguard.advisories.importer import import_files
from hullguard.agent import run as run_module
from hullguard.agent.runtime import engines as engines_module
from hullguard.inventory.source import containerd_socket
from hullguard.model.command import CommandKind, CommandState
from hullguard.model.node import PlacedContainer
from hullguard.model.view import ImageSummary
from hullguard.storage import PageRequest
from hullguard.storage.stores import (
    Commands,
    ContainerFilter,
    Containers,
    ImageFilter,
    Images,
    Nodes,
    VulnerabilityFilter,
)
from hullguard.worker.run import work

__all__ = ["child_environment", "containerd", "docker_host", "hostmgr", "live_agent", "podman"]

ALPINE = file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n")
BUSYBOX = Path("/bin/busybox")


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine's own engines have is no test's, and nobody waits a minute."""
    settings = tmp_path / "no-storage.conf"
    settings.write_text(f'[storage]\ngraphroot = "{tmp_path}/none"\nrunroot = "{tmp_path}/none"\n')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(settings))
    monkeypatch.setattr(containerd_socket, "SOCKETS", (str(tmp_path / "no-containerd.sock"),))
    monkeypatch.setattr(engines_module, "REFRESH_SECONDS", 0.3)


def lodash(*tags: str) -> Image:
    return Image(
        [layer(ALPINE, apk_installed(("musl", "1.2.4-r1", "musl"))), layer(node_package("lodash", "4.17.4"))], tags=tags
    )


async def listed(hostmgr: Hostmgr) -> dict[str, ImageSummary]:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return {each.id: each for each in (await Images(tx).page(ImageFilter(), PageRequest())).items}


async def running(hostmgr: Hostmgr) -> dict[str, PlacedContainer]:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return {each.id: each for each in (await Containers(tx).page(ContainerFilter(), PageRequest())).items}


async def reasons(hostmgr: Hostmgr, node: str) -> dict[str, str]:
    async with hostmgr.storage.reading(SCOPE) as tx:
        return {each.code: each.message for each in (await Nodes(tx).get(node)).reasons}


async def read_images(hostmgr: Hostmgr, *ids: str) -> None:
    async def there() -> bool:
        found = await listed(hostmgr)
        return all(each in found and found[each].scanned is not None for each in ids)

    await come_true(there, 120)


async def test_images_of_podman_and_containerd_are_shown_with_their_findings(
    live_agent: LiveAgent,
    hostmgr: Hostmgr,
    podman: Podman,
    containerd: Containerd,
    child_environment: dict[str, str],
    tmp_path: Path,
):
    both, alone = lodash("shop/web:1"), Image([layer(node_package("lodash", "4.17.20"))], tags=("shop/api:2",))
    archive, other = both.docker_archive(tmp_path / "both.tar"), alone.docker_archive(tmp_path / "alone.tar")
    podman.load(archive)
    containerd.load(archive, "k8s.io")
    containerd.load(other, "default")
    containerd.load(lodash("docker.io/library/dockers-own:1").docker_archive(tmp_path / "moby.tar"), "moby")
    live_agent.start(docker_only=False)
    await read_images(hostmgr, both.image_id, alone.image_id)

    found = await listed(hostmgr)
    assert found.keys() == {both.image_id, alone.image_id}, "one row for one image, and none of Docker's own namespace"
    assert found[alone.image_id].names == ("docker.io/shop/api:2",)
    assert "docker.io/shop/web:1" in found[both.image_id].names
    assert any(name.endswith("shop/web:1") and "localhost" in name for name in found[both.image_id].names)
    assert (found[both.image_id].packages, found[both.image_id].complete) == (2, True)
    async with hostmgr.storage.reading(SCOPE) as tx:
        facts = (await Nodes(tx).get(live_agent.node)).facts
    assert [each.split()[0] for each in (facts.container_runtime or "").split(", ")] == ["podman", "containerd"]

    database = tmp_path / "advisories.db"
    fixed = {"events": [{"introduced": "0"}, {"fixed": "4.17.12"}], "type": "SEMVER"}
    affected = {"package": {"ecosystem": "npm", "name": "lodash"}, "ranges": [fixed]}
    record = {"id": "GHSA-1", "modified": "2026-01-01T00:00:00Z", "aliases": ["CVE-2019-10744"], "affected": [affected]}
    (tmp_path / "npm.jsonl").write_text(json.dumps(record) + "\n")
    import_files([tmp_path / "npm.jsonl"], database)
    stop = asyncio.Event()
    task = asyncio.create_task(work(hostmgr.storage, hostmgr.cache, make_files(tmp_path, database), stop))

    async def matched() -> bool:
        return all(each.matched is not None for each in (await listed(hostmgr)).values())

    await come_true(matched, 120)
    stop.set()
    await task
    async with hostmgr.storage.reading(SCOPE) as tx:
        wrong = await Images(tx).vulnerabilities(both.image_id, VulnerabilityFilter(), PageRequest())
        right = await Images(tx).vulnerabilities(alone.image_id, VulnerabilityFilter(), PageRequest())
    assert ([each.id for each in wrong.items], right.total) == (["CVE-2019-10744"], 0)


async def test_an_engine_that_goes_keeps_its_images_and_is_told(
    live_agent: LiveAgent, hostmgr: Hostmgr, containerd: Containerd, child_environment: dict[str, str], tmp_path: Path
):
    image = lodash("shop/web:1")
    containerd.load(image.docker_archive(tmp_path / "image.tar"), "k8s.io")
    live_agent.start(docker_only=False)
    await read_images(hostmgr, image.image_id)
    containerd.stop()

    async def told() -> bool:
        return "runtime.engine-unreachable" in await reasons(hostmgr, live_agent.node)

    await come_true(told)
    assert "containerd cannot be asked" in (await reasons(hostmgr, live_agent.node))["runtime.engine-unreachable"]
    assert image.image_id in await listed(hostmgr)
    await live_agent.stop()
    live_agent.start()
    await live_agent.connected()
    await come_true(told)
    assert image.image_id in await listed(hostmgr), "nor does it vanish when the agent starts anew"

    containerd.start()

    async def well() -> bool:
        return not await told()

    await come_true(well)
    containerd.said(
        "-n", "k8s.io", "images", "remove", "--sync", *containerd.said("-n", "k8s.io", "images", "list", "-q").split()
    )

    async def gone() -> bool:
        return image.image_id not in await listed(hostmgr)

    await come_true(gone)


async def test_a_node_without_docker_is_sound_and_does_what_it_is_told(
    live_agent: LiveAgent,
    hostmgr: Hostmgr,
    containerd: Containerd,
    child_environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(run_module, "DEFAULT_HOST", NO_DOCKER)  # nobody said where Docker would be
    image = lodash("shop/web:1")
    containerd.load(image.docker_archive(tmp_path / "image.tar"), "k8s.io")
    live_agent.start(docker_only=False)
    await read_images(hostmgr, image.image_id)
    done = {}
    for kind in (CommandKind.SCAN_NOW, CommandKind.DETECT_NOW):
        async with hostmgr.storage.transaction(SCOPE) as tx:
            deadline = tx.now + timedelta(seconds=300)
            command = await Commands(tx).create(live_agent.node, kind, {}, "user:admin", deadline)
        await hostmgr.cache.publish(f"node:{live_agent.node}", b"commands")

        async def finished(identity: str = command.id) -> bool:
            async with hostmgr.storage.reading(SCOPE) as tx:
                done[kind] = await Commands(tx).get(identity)  # noqa: B023 - awaited in this round
            return done[kind].state.final  # noqa: B023 - the same

        await come_true(finished)
    assert {command.state for command in done.values()} == {CommandState.DONE}
    assert done[CommandKind.SCAN_NOW].result == {"images": 1, "failed": 0}
    assert done[CommandKind.DETECT_NOW].result["containers"] == 0
    assert "runtime.unreachable" not in await reasons(hostmgr, live_agent.node)


@pytest.mark.docker
async def test_docker_and_another_engine_are_one_list_and_docker_too_keeps_its_images_while_it_is_away(
    live_agent: LiveAgent,
    hostmgr: Hostmgr,
    docker_host: str,
    containerd: Containerd,
    child_environment: dict[str, str],
    tmp_path: Path,
):
    mine = said(docker_host, "image", "inspect", "-f", "{{.Id}}", IMAGE)
    docker(docker_host, "tag", IMAGE, "hullguard-eng/both:1")
    try:
        docker(docker_host, "save", "-o", str(tmp_path / "image.tar"), "hullguard-eng/both:1")
        containerd.load(tmp_path / "image.tar", "default")
        containerd.load(lodash("shop/web:1").docker_archive(tmp_path / "other.tar"), "default")
        containerd.said("-n", "default", "images", "tag", "docker.io/hullguard-eng/both:1", "example.test/both:2")
        live_agent.start(docker_host=docker_host, docker_only=False)

        async def one_list() -> bool:
            found = await listed(hostmgr)
            names = found[mine].names if mine in found else ()
            return {"hullguard-eng/both:1", "example.test/both:2"} <= set(names) and lodash().image_id in found

        await come_true(one_list)
        async with hostmgr.storage.reading(SCOPE) as tx:
            facts = (await Nodes(tx).get(live_agent.node)).facts
        engines = [each.split()[0] for each in (facts.container_runtime or "").split(", ")]
        assert (engines[0], "containerd" in engines) == ("docker", True)
        await live_agent.stop()
        live_agent.start(docker_host=NO_DOCKER)
        await live_agent.until(lambda status: status.line.state == "connected" and "containerd" in status.runtime)
        containerd.said("-n", "default", "images", "remove", "--sync", "docker.io/shop/web:1")

        async def gone() -> bool:
            return lodash().image_id not in await listed(hostmgr)

        await come_true(gone)
        assert "hullguard-eng/both:1" in (await listed(hostmgr))[mine].names
        assert "runtime.unreachable" in await reasons(hostmgr, live_agent.node)
    finally:
        docker(docker_host, "rmi", "hullguard-eng/both:1", check=False)


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """An archive of an image with a program that sleeps."""
    if not BUSYBOX.exists():
        pytest.skip("busybox-static is not installed")
    made = Image([layer(Entry("bin/sleep", BUSYBOX.read_bytes(), mode=0o755))], tags=("shop/sh:1",))
    return made.docker_archive(tmp_path / "shell.tar")


async def test_containers_of_podman_are_shown_while_they_run(
    live_agent: LiveAgent, hostmgr: Hostmgr, podman: Podman, child_environment: dict[str, str], shell: Path
):
    podman.load(shell)
    container = podman.started("web", "shop/sh:1", "/bin/sleep", "600")
    live_agent.start(docker_only=False)

    async def shown() -> bool:
        return container in await running(hostmgr)

    await come_true(shown)
    found = (await running(hostmgr))[container]
    assert (found.name, found.engine, found.state, found.privileged) == ("web", "podman", "running", False)
    assert found.image.id in await listed(hostmgr)
    assert found.image.name.endswith("shop/sh:1")
    assert found.actions == (), "only Docker's are paused and stopped"
    podman.said("stop", "-t", "0", "web")

    async def gone() -> bool:
        return container not in await running(hostmgr)

    await come_true(gone)


async def test_containers_of_containerd_are_shown_while_they_run(
    live_agent: LiveAgent, hostmgr: Hostmgr, containerd: Containerd, child_environment: dict[str, str], shell: Path
):
    containerd.said("-n", "k8s.io", "images", "import", "--snapshotter", "native", str(shell))
    name, identity = "docker.io/shop/sh:1", "f" * 64
    label = ("--label", "io.kubernetes.container.name=web", "--snapshotter", "native", "--net-host")
    containerd.said("-n", "k8s.io", "run", "-d", "--null-io", *label, name, identity, "/bin/sleep", "600")
    try:
        live_agent.start(docker_only=False)

        async def shown() -> bool:
            return identity in await running(hostmgr)

        await come_true(shown)
        found = (await running(hostmgr))[identity]
        assert (found.name, found.engine, found.state) == ("web", "containerd", "running")
        assert (found.host_network, found.privileged, found.actions) == (True, False, ())
        assert (found.image.name, found.image.id in await listed(hostmgr)) == (name, True)
    finally:
        containerd.said("-n", "k8s.io", "task", "kill", "-s", "SIGKILL", identity)

    async def gone() -> bool:
        return identity not in await running(hostmgr)

    await come_true(gone)
    containerd.said("-n", "k8s.io", "task", "rm", "-f", identity)
    containerd.said("-n", "k8s.io", "containers", "rm", identity)
