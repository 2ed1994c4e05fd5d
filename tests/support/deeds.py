"""Deeds that the sensor should see, done in a container by a program of our own."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.docker import docker
from tests.support.sensor import Watch

from hullguard.detect.detectors.interface import Wants
from hullguard.detect.plan import KernelPlan, SlotPlan
from hullguard.model.event import Event, EventKind

SOURCE = Path(__file__).with_name("deeds.c")
IMAGE = "hullguard-test/deeds"


def build(directory: Path) -> bytes:
    """The program; skips where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler for the program of deeds: install gcc")
    made = directory / "deed"
    subprocess.run([compiler, "-static", "-O1", "-pthread", "-o", made, SOURCE], check=True)
    return made.read_bytes()


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
