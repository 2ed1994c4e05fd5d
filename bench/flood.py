"""How many events a second the sensor hands over before it must count one as lost, how late, and what loading costs."""

import math
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

from tests.support.sensor import state_directory

from hullguard.agent.sensor import filters
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import Engine, KernelPlan
from hullguard.model.event import Event, Gap

SECONDS = 3
RATES = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)
CALM = 100
"""Events a second when there is no hurry; their latency is that of a single event."""


class Reader:
    """Takes what the sensor says and judges it by the default policy, as the agent does before it writes it down."""

    def __init__(self, sensor: BpfSensor, engine: Engine) -> None:
        self._sensor, self._engine = sensor, engine
        self.late: list[float] = []
        self.cpu = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        while not self._ended.is_set():
            self._sensor.poll(self._take, 100)
            self.cpu = time.thread_time()

    def _take(self, event: Event | Gap) -> None:
        if isinstance(event, Event) and event.path == "/etc/shadow" and event.process.args[:1] == ("/bin/loops",):
            self._engine.judge(event)
            self.late.append(time.time() - event.at.timestamp())


class Handed(NamedTuple):
    """What came of it."""

    without_loss: float
    """Events a second."""
    decided_ms: float
    """Median from the kernel's event to the decision, without any hurry."""


def report(address: str, command: list[str], everything: Callable[[], KernelPlan]) -> Handed:
    """Prints the figures. ``command`` runs ``loops`` in the container."""
    limit, filters.MOST_PER_SECOND = filters.MOST_PER_SECOND, 0  # this is about the ring and its reader
    try:
        with state_directory() as directory:
            began = time.monotonic()
            sensor = BpfSensor.open(directory, address)
            engine = Engine("node", "boot")
            opened = time.monotonic()
            sensor.apply(engine.plan())
            sensor.settle()
            ready = time.monotonic()
            print(f"loaded in {opened - began:.1f} s, the default policy's hooks in {ready - opened:.1f} s more")
            try:
                handed = _ramp(sensor, engine, command)
                began = time.monotonic()
                sensor.apply(everything())
                sensor.settle()
                print(f"the hooks of every kind of event: {time.monotonic() - began:.1f} s more, once")
                print(f"resident memory of this process {_resident_mib():.0f} MiB")
            finally:
                sensor.close(unpin=True)
    finally:
        filters.MOST_PER_SECOND = limit
    return handed


def _ramp(sensor: BpfSensor, engine: Engine, command: list[str]) -> Handed:
    print(f"{'opens/s':>10}{'handed over':>14}{'lost':>10}{'median':>11}{'p99':>11}{'cpu':>8}")
    best, decided = 0.0, math.nan
    for rate in (CALM, *RATES):
        before = sum(sensor.health().lost.values())
        with Reader(sensor, engine) as reader:
            asked = [*command, "paced", str(rate), str(SECONDS)]
            done = int(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
            deadline = time.monotonic() + 30
            lost = 0
            while len(reader.late) + lost < done and time.monotonic() < deadline:
                time.sleep(0.05)
                lost = sum(sensor.health().lost.values()) - before
        late = sorted(reader.late) or [math.nan]
        cpu = reader.cpu / SECONDS
        if rate == CALM:
            decided = statistics.median(late) * 1e3
        print(
            f"{done / SECONDS:10.0f}{len(reader.late):14}{lost:10}{statistics.median(late) * 1e3:8.1f} ms"
            f"{late[len(late) * 99 // 100] * 1e3:8.1f} ms{cpu:8.0%}"
        )
        if done > len(reader.late) + lost:
            print(f"           {done - len(reader.late) - lost} are neither handed over nor counted")
        if lost:
            break
        best = done / SECONDS
    print(f"no loss up to {best:.0f} events a second")
    return Handed(best, decided)


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / (1 << 20)
