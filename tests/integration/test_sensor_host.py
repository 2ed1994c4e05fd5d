"""The host itself: silent, unless a rule asks for it."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.deeds import every, wanting
from tests.support.sensor import open_sensor, state_directory

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Access, Wants
from hullguard.model.event import Event, EventKind, Gap

pytestmark = pytest.mark.bpf

OPEN = frozenset({EventKind.FILE_OPEN})


@pytest.fixture
def sensor() -> Iterator[BpfSensor]:
    with state_directory() as directory:
        opened = open_sensor(directory, None)
        try:
            yield opened
        finally:
            opened.close(unpin=True)


def opens(sensor: BpfSensor, path: Path) -> list[Event]:
    """What is told of one file by the time that nothing more comes."""
    found: list[Event] = []

    def take(event: Event | Gap) -> None:
        if isinstance(event, Event) and event.path == str(path):
            found.append(event)

    for _ in range(5):
        sensor.poll(take, 100)
    return found


def test_what_the_host_does_is_told_where_a_rule_asks(sensor: BpfSensor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    wants = Wants(OPEN, paths=(str(secret),), access=frozenset({Access.READ}), host=True)
    sensor.apply(wanting(wants, host=True))
    subprocess.run(["cat", secret], check=True, stdout=subprocess.DEVNULL)

    (event,) = opens(sensor, secret)
    assert (event.container.id, event.image) == ("host", None)
    assert event.process.args == ("cat", str(secret))
    assert event.lineage[-2].pid == os.getpid()
    assert not any(process.outside for process in event.lineage)
    assert (event.raw_path, event.file.inode) == (str(secret), secret.stat().st_ino)


def test_the_agents_own_deeds_are_not_told(sensor: BpfSensor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    sensor.apply(wanting(Wants(OPEN, paths=(str(secret),), host=True), host=True))
    secret.read_text()

    assert opens(sensor, secret) == []


def test_without_such_a_rule_nothing_is_told(sensor: BpfSensor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    sensor.apply(every(EventKind.FILE_OPEN, paths=(str(secret),)))
    subprocess.run(["cat", secret], check=True, stdout=subprocess.DEVNULL)

    assert opens(sensor, secret) == []
