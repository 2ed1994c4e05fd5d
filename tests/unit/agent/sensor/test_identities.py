from collections.abc import Iterable
from pathlib import Path

import pytest

from hullguard.agent.sensor import identities
from hullguard.agent.sensor.containers import Identity
from hullguard.agent.sensor.identities import Identities
from hullguard.agent.sensor.specs import Description
from hullguard.agent.sensor.storage_list import Stored
from hullguard.model.event import ContainerDetails, ContainerRef, ImageRef, Pod

ID = "ab" * 32
BARE = ContainerRef(ID)


class World:
    """What the engines' files and Docker say, and how often each was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.found: Description | None = None
        self.docker: Identity = Identity(BARE)
        self.listed: Stored | None = None
        self.asked: list[str] = []
        self.now = 0.0
        self.ended_steps: set[str] = set()
        monkeypatch.setattr(identities, "ended_step", self.ended_steps.__contains__)
        monkeypatch.setattr(identities, "DockerIdentities", lambda _: self)
        monkeypatch.setattr(identities, "stored", lambda bundle, identifier: self.listed)
        monkeypatch.setattr(identities.time, "monotonic", lambda: self.now)
        self.known = Identities(None, self.describe)

    def describe(self, identifier: str, ancestors: Iterable[int]) -> Description | None:
        self.asked.append(f"file {','.join(map(str, ancestors))}".strip())
        return self.found

    def identify(self, name: str) -> Identity:
        self.asked.append("docker")
        return self.docker


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_docker_names_what_the_specification_describes(world: World):
    world.found = Description(ContainerDetails(engine="docker", privileged=True))
    labels = {"io.kubernetes.pod.name": "web-0", "team": "blue"}
    world.docker = Identity(ContainerRef(ID, "web"), ImageRef("sha256:1", "nginx:1"), ContainerDetails(labels=labels))
    found = world.known.identify(ID, (7, 8))

    assert (found.container, found.image) == (ContainerRef(ID, "web"), ImageRef("sha256:1", "nginx:1"))
    assert found.details == ContainerDetails(engine="docker", privileged=True, labels=labels, pod=Pod("web-0", ""))
    assert world.asked == ["file 7,8", "docker"]
    assert world.known.identify(ID) == found
    assert len(world.asked) == 2


@pytest.mark.parametrize("name", [f"crio-{ID}.scope", f"libpod-{ID}", f"cri-containerd-{ID}.scope"])
def test_of_others_containers_docker_is_not_asked(world: World, name: str):
    assert world.known.identify(name) == Identity(BARE)
    assert world.asked == ["file"]


def test_podmans_list_names_container_and_image(world: World):
    world.found = Description(ContainerDetails(engine="podman"))
    world.listed = Stored("web", ImageRef("sha256:1", "nginx:1"))
    found = world.known.identify(ID)

    assert (found.container, found.image) == (ContainerRef(ID, "web"), ImageRef("sha256:1", "nginx:1"))


def test_a_pods_container_has_the_name_of_its_specification(world: World):
    world.found = Description(ContainerDetails(engine="cri-o"), name="web", image="x")
    world.listed = Stored("k8s_web_web-0_shop_u_0", ImageRef("sha256:1", "nginx:1"))

    assert world.known.identify(ID).container.name == "web"


def test_containerds_image_is_known_by_its_name(world: World):
    world.found = Description(ContainerDetails(engine="containerd"), image="registry.example/web", bundle=Path("/x"))

    assert world.known.identify(ID).image == ImageRef("", "registry.example/web:latest")


def test_what_is_not_found_is_looked_for_again_later(world: World):
    world.known.identify(f"crio-{ID}.scope")
    world.now = 4.0
    world.known.identify(f"crio-{ID}.scope")
    assert world.asked == ["file"]
    world.now = 6.0
    world.found = Description(ContainerDetails(engine="cri-o"), image="x:1")

    assert world.known.identify(f"crio-{ID}.scope").details == ContainerDetails(engine="cri-o")


def test_what_is_started_anew_is_read_again(world: World):
    world.found = Description(ContainerDetails(engine="containerd"), image="x:1")
    world.known.identify(ID)
    world.found = Description(ContainerDetails(engine="containerd", privileged=True), image="x:1")
    world.known.forget(f"docker-{ID}.scope")

    assert world.known.identify(ID).details == ContainerDetails(engine="containerd", privileged=True)


def test_a_step_of_a_build_that_ended_before_it_was_looked_at_is_known(world: World):
    world.ended_steps.add(ID)
    found = world.known.identify(ID)

    assert found.details == ContainerDetails(engine="docker", builds_image=True)
    world.ended_steps.clear()
    assert world.known.identify(f"docker-{ID}.scope") == found


def test_of_others_containers_dockers_files_prove_nothing(world: World):
    world.ended_steps.add(ID)

    assert world.known.identify(f"libpod-{ID}.scope").details is None


def test_a_container_that_ended_and_was_no_step_stays_unknown(world: World):
    assert world.known.identify(ID).details is None
