"""Who hears what the scratch containers do: the agent that runs here, or a sensor and an engine for the time."""

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import msgspec

from hullguard.agent import status
from hullguard.agent.selftest.marks import Heard, announce
from hullguard.agent.sensor.interface import Sensor
from hullguard.agent.state import StateDir
from hullguard.detect import Engine
from hullguard.model.event import Event, Gap
from hullguard.model.incident import Observation

_SOON = 0.02
_POLL_MS = 50
_MOST_BYTES = 8 << 20


class Witness(Protocol):
    """Hears of containers that it was told of before they began."""

    def expect(self, container: str) -> None:
        """A scratch container is about to start."""
        ...

    def heard(self) -> list[Heard]:
        """Everything so far, in the order in which it was heard."""
        ...

    def broken(self) -> str:
        """Why nothing more will be heard; empty while all is well."""
        ...

    def lost(self) -> int:
        """How many events of this machine nobody will ever see, so far."""
        ...


class OwnSensor(threading.Thread):
    """Polls a sensor and judges, as the agent does, until it is told to end."""

    def __init__(self, sensor: Sensor, engine: Engine) -> None:
        super().__init__(name="listener", daemon=True)
        self._sensor, self._engine = sensor, engine
        self._ended = threading.Event()
        self._heard: list[Heard] = []
        self._why = ""
        self._lost = 0

    def run(self) -> None:
        try:
            while not self._ended.is_set():
                self._sensor.poll(self._take, _POLL_MS)
        except Exception as cause:  # noqa: BLE001 - the boundary of the thread: who waits for it is told
            self._why = f"{type(cause).__name__}: {cause}"

    def expect(self, container: str) -> None:
        """It hears of every container."""

    def heard(self) -> list[Heard]:
        return list(self._heard)

    def broken(self) -> str:
        return self._why

    def lost(self) -> int:
        return self._lost

    def end(self) -> None:
        """No event is taken once this returns."""
        self._ended.set()
        self.join(30)

    def _take(self, event: Event | Gap) -> None:
        if isinstance(event, Gap):
            self._lost += event.count
            return
        self._heard += [_told(one) for one in self._engine.judge(event)]


def _told(one: Observation) -> Heard:
    text = one.details.get("output") or str(one.details)
    return Heard(one.container.id, one.rule, one.at, datetime.now(UTC), one.id, text)


@contextlib.contextmanager
def listening(sensor: Sensor, engine: Engine) -> Iterator[OwnSensor]:
    """With the engine's policies in force, and every hook attached that they need."""
    sensor.apply(engine.plan())
    witness = OwnSensor(sensor, engine)
    witness.start()
    try:
        while not sensor.settled() and not witness.broken():
            time.sleep(_SOON)
        yield witness
    finally:
        witness.end()


@contextlib.contextmanager
def own_sensor(docker_host: str, engine: Engine) -> Iterator[OwnSensor]:
    """One for the time, of which nothing is left; raises Unavailable with the reason where there can be none."""
    from hullguard.agent.sensor.bpf_sensor import BpfSensor

    directory = Path(tempfile.mkdtemp(prefix="hullguard-selftest-"))
    try:
        sensor = BpfSensor.open(directory, docker_host)
        try:
            with listening(sensor, engine) as witness:
                yield witness
        finally:
            sensor.close(unpin=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class RunningAgent:
    """The agent of a state directory, which writes down what it heard of those that it was told of."""

    def __init__(self, state: StateDir) -> None:
        self._state = state
        self._containers: list[str] = []

    def expect(self, container: str) -> None:
        self._containers.append(container)
        announce(self._state, self._containers)

    def heard(self) -> list[Heard]:
        try:
            with self._state.selftest_heard.open("rb") as file:
                lines = file.read(_MOST_BYTES).split(b"\n")
        except FileNotFoundError:
            return []
        # The last piece is empty, or a line of which not all is there yet.
        return [msgspec.json.decode(line, type=Heard) for line in lines[:-1]]

    def broken(self) -> str:
        return "" if status.running(self._state) else f"the agent of {self._state.root} has stopped"

    def lost(self) -> int:
        said = status.read(self._state)
        return sum(said.heartbeat.sensor.lost.values()) if said else 0

    def waiting(self) -> int | None:
        """Records that the platform has not acknowledged, by the agent's own last word; None where it has no line."""
        said = status.read(self._state)
        return said.heartbeat.spool_records if said is not None and said.line.state == "connected" else None


@contextlib.contextmanager
def running_agent(state: StateDir) -> Iterator[RunningAgent]:
    """It goes on knowing the containers for a while after this: what waits in the kernel may be about them."""
    _emptied(state)
    try:
        yield RunningAgent(state)
    finally:
        with contextlib.suppress(FileNotFoundError):
            state.selftest_heard.unlink()


def _emptied(state: StateDir) -> None:
    descriptor = os.open(state.selftest_heard, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    os.close(descriptor)
