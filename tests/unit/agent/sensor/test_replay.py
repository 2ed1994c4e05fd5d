import struct
from pathlib import Path

import pytest
from tests.support.events import CONTAINER, raw_event, raw_process

from hullguard.agent.sensor import abi
from hullguard.agent.sensor.containers import Identity
from hullguard.agent.sensor.replay import Recording, ReplaySensor
from hullguard.detect import Engine, default_policies, plan
from hullguard.model.errors import Invalid
from hullguard.model.event import ContainerRef, Event, EventKind, ImageRef
from hullguard.model.node import SensorState

RECORDED = Path(__file__).parents[3] / "data" / "sensor" / "attack.bin"


def events(sensor: ReplaySensor) -> list[Event]:
    found: list[Event] = []
    sensor.poll(found.append, 0)
    return found


def recording(path: Path, *records: bytes) -> Path:
    writing = Recording(path, boot_ns=1_700_000_000_000_000_000)
    for record in records:
        writing(record)
    writing.close()
    return path


def test_a_recorded_attack_is_seen_again():
    """Recorded on a real kernel: a tty shell, shadow read directly, by a symbolic and by a hard link, a dropped binary."""
    engine = Engine("n1", "boot")
    found = [(o.rule, o.details) for event in events(ReplaySensor(RECORDED)) for o in engine.judge(event)]

    assert [rule for rule, _ in found] == [
        "container.terminal-shell",
        "file.read-sensitive",
        "file.read-sensitive",
        "file.read-sensitive",
        "container.drop-and-execute",
    ]
    assert found[0][1]["command"] == "/bin/sh -c true"
    assert [details["path"] for _, details in found[1:4]] == ["/etc/shadow", "/etc/shadow", "/tmp/h"]
    assert found[3][1]["known_as"] == "/etc/shadow"
    assert found[4][1]["path"] == "/tmp/bb"


def test_a_recorded_lineage_begins_with_the_runtime():
    dropped = next(event for event in events(ReplaySensor(RECORDED)) if event.new_file)

    assert [process.comm for process in dropped.lineage[1:]] == ["sh", "bb"]
    assert [process.outside for process in dropped.lineage] == [True, False, False]
    assert dropped.lineage[1].args[:2] == ("/bin/sh", "-c")
    assert dropped.lineage[2].ppid == dropped.lineage[1].pid
    assert dropped.lineage[1].ppid == dropped.lineage[0].pid


def test_a_recording_gives_each_event_once(tmp_path):
    path = recording(tmp_path / "r", raw_event(sequence=1), raw_process(abi.EXIT, pid=200), raw_event(sequence=2))
    sensor = ReplaySensor(path)

    assert [event.sequence for event in events(sensor)] == [1, 2]
    assert events(sensor) == []


def test_an_event_whose_handler_failed_comes_again(tmp_path):
    sensor = ReplaySensor(recording(tmp_path / "r", raw_event(sequence=1), raw_event(sequence=2)))
    seen = []

    def fail_once(event: Event) -> None:
        seen.append(event.sequence)
        if seen == [1, 2]:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        sensor.poll(fail_once, 0)
    sensor.poll(fail_once, 0)

    assert seen == [1, 2, 2]


def test_times_count_from_the_recorded_machines_start(tmp_path):
    (event,) = events(ReplaySensor(recording(tmp_path / "r", raw_event())))

    assert event.at.timestamp() == 1_700_000_006
    assert event.process.started.timestamp() == 1_700_000_005


def test_a_caller_can_say_who_the_container_was(tmp_path):
    who = Identity(ContainerRef(CONTAINER, "web"), ImageRef("sha256:1", "nginx:1"))
    (event,) = events(ReplaySensor(recording(tmp_path / "r", raw_event()), lambda _: who))

    assert (event.container, event.image) == (who.container, who.image)
    assert event.kind is EventKind.EXEC


def test_flags_become_facts(tmp_path):
    flags = abi.NEW | abi.KILLED | abi.READS | abi.WRITES
    (event,) = events(ReplaySensor(recording(tmp_path / "r", raw_event(flags=flags))))

    assert (event.new_file, event.stopped, event.reads, event.writes) == (True, True, True, True)


def test_it_is_a_sensor_like_the_other(tmp_path):
    sensor = ReplaySensor(recording(tmp_path / "r"))
    sensor.apply(plan(default_policies()))

    assert sensor.health().state is SensorState.ACTIVE
    assert sensor.hooks()[0].backend == "replay"
    sensor.close(unpin=True)


HEAD = struct.pack("<8sHQ", b"HGSENSOR", abi.ABI, 0)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x" * 100,
        b"HGSENSOR",
        struct.pack("<8sHQ", b"HGSENSOR", abi.ABI + 1, 0),
        HEAD + b"\1",
        HEAD + struct.pack("<I", 10) + b"short",
        HEAD + struct.pack("<I", 1 << 30),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, content):
    (tmp_path / "r").write_bytes(content)

    with pytest.raises(Invalid) as caught:
        ReplaySensor(tmp_path / "r")
    assert caught.value.code == "sensor.recording"
