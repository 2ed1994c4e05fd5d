"""A program that is not as its image has it: how it came to be so is told apart on the real kernel."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import docker, import_image
from tests.support.sensor import Watch, open_sensor, state_directory

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

DROP = "container.drop-and-execute"
OWN = "/usr/bin/true"
INSTALL = "exec -a sh /sbin/apk -c 'cp /bin/busybox /usr/bin/.new; mv /usr/bin/.new /usr/bin/id'"
"""As package managers do: beside its place, then by a rename."""
MAIN = f"chmod 755 /sbin/apk; while :; do [ -e /tmp/go ] && rm /tmp/go && ({INSTALL}); sleep 0.1; done"


@pytest.fixture(scope="module")
def watch(docker_host: str) -> Iterator[Watch]:
    busybox = next(path for path in map(Path, ("/bin/busybox", "/usr/bin/busybox")) if path.exists()).read_bytes()
    files = {"usr/bin/true": busybox, "sbin/apk": busybox, "root/.ssh/marker": b"x"}
    import_image(docker_host, "hullguard-test/drift", files)
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        try:
            yield Watch(sensor, docker_host)
        finally:
            sensor.close(unpin=True)


@pytest.fixture
def victim(watch: Watch) -> Iterator[str]:
    container = watch.run("/bin/sh", "-c", MAIN, image="hullguard-test/drift")
    watch.events(container, bool)
    yield container
    docker(watch.address, "rm", "-f", container)


@pytest.mark.parametrize(
    "deed",
    [
        pytest.param(f"chmod 755 {OWN}; {OWN}", id="copied up only"),
        pytest.param(f"chmod 755 {OWN}; touch {OWN}; sleep 1.2; {OWN}", id="copied up and touched"),
        pytest.param(
            f"cp {OWN} /tmp/true; mv /tmp/true {OWN}; chmod 755 {OWN}; sleep 1.2; {OWN}", id="the same content again"
        ),
        pytest.param(f"({INSTALL}); /usr/bin/id", id="installed by an operator"),
    ],
)
def test_what_is_no_attack_is_not_told(watch: Watch, victim: str, deed: str):
    # Of what has ended, only an older change can be told to be none that was put back.
    watch.shell(victim, f"{deed}")

    assert watch.quiet(victim) == []


@pytest.mark.parametrize(
    ("deed", "origin"),
    [
        pytest.param(f"chmod 755 {OWN}; echo >> {OWN}; {OWN}", "modified", id="modified"),
        pytest.param("cp /bin/busybox /usr/bin/id; /usr/bin/id", "new", id="new"),
        pytest.param("cp /bin/busybox /usr/bin/.new; mv /usr/bin/.new /usr/bin/id; /usr/bin/id", "new", id="moved"),
        pytest.param(f"({INSTALL}); sleep 1.2; echo >> /usr/bin/id; /usr/bin/id", "new", id="changed when installed"),
    ],
)
def test_what_is_not_the_images_is_told_with_its_origin(watch: Watch, victim: str, deed: str, origin: str):
    watch.shell(victim, deed)

    (found,) = watch.observations(victim)
    assert (found.rule, found.details["origin"]) == (DROP, origin)


def test_what_the_service_itself_had_installed_is_told_and_by_what(watch: Watch, victim: str):
    watch.shell(victim, "echo > /tmp/go; while [ ! -e /usr/bin/id ]; do sleep 0.1; done; /usr/bin/id")

    (found,) = watch.observations(victim)
    assert (found.rule, found.details["origin"], found.details["installer"]) == (DROP, "installed", "/sbin/apk")


def test_what_took_the_place_of_the_images_file_is_not_its_own(watch: Watch, victim: str):
    watch.shell(victim, "cp /bin/busybox /usr/bin/id; /usr/bin/id")
    assert watch.observations(victim)

    assert watch.drifts.own(victim, "/bin/busybox")
    assert not watch.drifts.own(victim, "/usr/bin/id")
    assert watch.drifts.own("another", "/usr/bin/id")
