"""What containers use of their image is seen in a real one, and what is not the image's is left out."""

from collections.abc import Iterator

import pytest
from tests.support.docker import IMAGE, docker, inspect, said

from hullguard.agent.used import UsedFiles

pytestmark = pytest.mark.docker

BUSY = "/bin/busybox"
OWN = f"""{BUSY} cp {BUSY} /tmp/sleep; /tmp/sleep 600 &
until {BUSY} grep -q /tmp/sleep /proc/$!/maps; do {BUSY} sleep 0.1; done"""
"""A program that the image does not have runs once this is over."""


@pytest.fixture
def running(docker_host: str) -> Iterator[str]:
    container = said(docker_host, "run", "-d", IMAGE, BUSY, "sleep", "600")
    docker(docker_host, "exec", container, BUSY, "sh", "-c", OWN)
    yield container
    docker(docker_host, "rm", "-f", container)


def test_a_containers_program_is_in_use_and_not_what_it_brought(docker_host: str, running: str):
    image = inspect(docker_host, running)["Image"]
    assert isinstance(image, str)
    files = UsedFiles()
    files.running({running: image})
    files.look()
    (used,) = files.due()
    assert (used.image_id, used.files, used.containers, used.whole) == (image, (BUSY,), 1, True)
