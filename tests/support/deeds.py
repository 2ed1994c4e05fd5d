"""Deeds that the sensor should see, done in a container by a program of our own."""

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.docker import docker, import_image
from tests.support.sensor import Watch, open_sensor, state_directory

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Wants
from hullguard.detect.plan import KernelPlan, SlotPlan
from hullguard.model.event import Event, EventKind

SOURCE = Path(__file__).with_name("deeds.c")
IMAGE = "hullguard-test/deeds"
POWERS = (
    *(word for right in ("SYS_ADMIN", "SYS_PTRACE") for word in ("--cap-add", right)),
    *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
)
"""For a container whose deeds only succeed with more rights than a container has."""


def build(directory: Path) -> bytes:
    """The program; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the program of deeds: install gcc")
    made = directory / "deed"
    subprocess.run([compiler, "-static", "-O1", "-pthread", "-o", made, SOURCE], check=True)
    return made.read_bytes()


def import_deeds(docker_host: str, directory: Path) -> str:
    """An image with the program in it, at ``/bin/deed``; gives its name."""
    import_image(docker_host, IMAGE, {"bin/deed": build(directory)})
    return IMAGE


@contextlib.contextmanager
def running_sensor(docker_host: str) -> Iterator[BpfSensor]:
    """A sensor of one test module's own."""
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        try:
            yield sensor
        finally:
            sensor.close(unpin=True)


def wanting(*wants: Wants, host: bool = False) -> KernelPlan:
    """A plan that has the same wants for every container, whatever its image."""
    slot = SlotPlan(wants=wants)
    return KernelPlan((), (slot, slot), host=slot if host else None)


def every(*kinds: EventKind, paths: tuple[str, ...] = ()) -> KernelPlan:
    """All events of these kinds."""
    return wanting(Wants(frozenset(kinds), paths=paths))


class Stage:
    """A container in which deeds are done, and what the sensor says of them."""

    def __init__(self, watch: Watch, container: str) -> None:
        self.watch, self.container = watch, container

    def do(self, *words: str, user: str = "0") -> int:
        """Runs ``deed`` with these words; gives its exit code."""
        return docker(
            self.watch.address, "exec", "-u", user, self.container, "/bin/deed", *words, check=False
        ).returncode

    def sees(self, kind: EventKind, count: int = 1, *, where: Callable[[Event], bool] | None = None) -> list[Event]:
        """The events of a kind, once there are so many."""

        def told(events: list[Event]) -> list[Event]:
            return [event for event in events if event.kind is kind and (where is None or where(event))]

        return told(self.watch.events(self.container, lambda events: len(told(events)) >= count))


@contextlib.contextmanager
def staged(sensor: BpfSensor, docker_host: str, *options: str) -> Iterator[Stage]:
    """A container with the program, whose beginning is already seen."""
    watch = Watch(sensor, docker_host)
    container = watch.run("/bin/sh", "-c", "chmod 755 /bin/deed; exec /bin/sleep 1000", options=options, image=IMAGE)
    watch.events(container, bool)
    try:
        yield Stage(watch, container)
    finally:
        docker(docker_host, "rm", "-f", container)
