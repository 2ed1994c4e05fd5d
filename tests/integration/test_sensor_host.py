"""The host itself: silent, unless a rule asks for it."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.deeds import every, wanting
from tests.support.sensor import PATIENCE, open_sensor, state_directory

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Access, ExecTrait, Wants
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


def told(sensor: BpfSensor, holds: Callable[[Event], object], count: int = 0) -> list[Event]:
    """The events for which it holds, once there are so many and nothing more comes."""
    found: list[Event] = []

    def take(event: Event | Gap) -> None:
        if isinstance(event, Event) and holds(event):
            found.append(event)

    deadline = time.monotonic() + PATIENCE
    while len(found) < count and time.monotonic() < deadline:
        sensor.poll(take, 100)
    for _ in range(5):
        sensor.poll(take, 100)
    return found


def opens(sensor: BpfSensor, path: Path, count: int = 0) -> list[Event]:
    """What is told of one file."""
    return told(sensor, lambda event: event.path == str(path), count)


def test_what_the_host_does_is_told_where_a_rule_asks(sensor: BpfSensor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    wants = Wants(OPEN, paths=(str(secret),), access=frozenset({Access.READ}), host=True)
    sensor.apply(wanting(wants, host=True))
    subprocess.run(["cat", secret], check=True, stdout=subprocess.DEVNULL)

    (event,) = opens(sensor, secret, 1)
    assert (event.container.id, event.image) == ("host", None)
    assert event.process.args == ("cat", str(secret))
    assert event.lineage[-2].pid == os.getpid()
    assert not any(process.outside for process in event.lineage)
    assert (event.raw_path, event.file.inode) == (str(secret), secret.stat().st_ino)


def test_programs_that_no_rule_names_are_not_told(sensor: BpfSensor, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    wants = Wants(OPEN, paths=(str(secret),), programs=frozenset({"head", "renamed"}), host=True)
    sensor.apply(wanting(wants, host=True))
    rename = "open('/proc/self/comm', 'w').write('renamed'); open(sys.argv[1])"
    # What a program is called when it opens the file counts, not what it was called when it started.
    for words in (["cat"], ["head"], [sys.executable, "-c", f"import sys; {rename}"]):
        subprocess.run([*words, secret], check=True, stdout=subprocess.DEVNULL)

    assert [event.process.comm for event in opens(sensor, secret, 2)] == ["head", "renamed"]

    # Other rules put other programs in force, and take the first ones out.
    sensor.apply(wanting(Wants(OPEN, paths=(str(secret),), programs=frozenset({"cat"}), host=True), host=True))
    for word in ("cat", "head"):
        subprocess.run([word, secret], check=True, stdout=subprocess.DEVNULL)

    assert [event.process.comm for event in opens(sensor, secret, 1)] == ["cat"]


def test_starts_of_programs_that_no_rule_names_are_not_judged(sensor: BpfSensor):
    sensor.apply(wanting(Wants(frozenset({EventKind.EXEC}), programs=frozenset({"head"}), host=True), host=True))
    null = subprocess.DEVNULL
    for word in ("cat", "head"):  # without a terminal or a socket, which would be reasons of their own
        subprocess.run([word, "/dev/null"], check=True, stdin=null, stdout=null, stderr=null, start_new_session=True)

    ours = told(sensor, lambda event: any(process.pid == os.getpid() for process in event.lineage), 1)
    assert [(event.process.comm, event.process.args) for event in ours] == [("head", ("head", "/dev/null"))]


EXEC = frozenset({EventKind.EXEC})
TEXT = "stratum+tcp://"
LONG = "x" * 4000


@pytest.mark.parametrize(
    ("wants", "wanted", "unwanted"),
    [
        (
            Wants(EXEC, texts=frozenset({TEXT, "two words"}), host=True),
            [*({"args": ["-a", "x" * n + TEXT]} for n in range(9)), {"args": ["two", "words"]}, {"args": [LONG, TEXT]}],
            [{"args": ["stratum", "+tcp://"]}, {"args": ["x" * 500, "stratum+tcp:/"]}, {"args": []}, {"args": [LONG]}],
        ),
        (
            Wants(EXEC, variables=frozenset({"LD_AUDITED"}), host=True),
            [{"env": {"LD_AUDITED": "1"}}, {"env": {"A": LONG[:3000], "LD_AUDITED": ""}}],
            [{"env": {}}, {"env": {"LD_AUDITE": "LD_AUDITED"}}, {"args": ["LD_AUDITED=1"]}],
        ),
        (
            Wants(EXEC, executables=("*/.true", "*/deep/*"), host=True),
            [{"program": ".true"}, {"program": "deep/true"}],
            [{"program": "true"}, {"program": "deeper/true"}],
        ),
        (
            Wants(EXEC, execs=frozenset({ExecTrait.HIDDEN}), host=True),
            [{"program": ".true"}, {"program": ".d/true"}],
            [{"program": "true"}, {"program": "tr.ue"}],
        ),
        (Wants(EXEC, directories=("/dev", "/dev/*"), host=True), [{"cwd": "/dev"}], [{"cwd": "/"}, {"cwd": "/etc"}]),
        (Wants(EXEC, parents=("nobody", "pytes*", "python*"), host=True), [{}], []),
        (Wants(EXEC, parents=("nobody", "pytho"), host=True), [], [{}]),
        (
            Wants(EXEC, execs=frozenset({ExecTrait.SETUID}), programs=frozenset({"su", "true"}), host=True),
            [{"program": "su", "user": 65534}],
            [{"program": "su"}, {"program": "true", "user": 65534}],
        ),
    ],
)
def test_the_kernel_asks_for_programs_that_start_by_what_they_are(
    sensor: BpfSensor, wants: Wants, wanted: list[dict], unwanted: list[dict]
):
    true = shutil.which("true")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        place = Path(directory)
        place.chmod(0o755)
        for name in {each.get("program", "true") for each in (*wanted, *unwanted)}:
            (place / name).parent.mkdir(exist_ok=True)
            shutil.copy(true, place / name)
            if name == "su":
                (place / name).chmod(0o4755)
        sensor.apply(wanting(wants, host=True))
        # The numbers tell them apart: programs that this machine's others start meanwhile have none.
        given = [*wanted, *unwanted]
        for number, each in enumerate(given):
            arguments = [f"#{number}#", *each.get("args", [])]
            subprocess.run(
                [place / each.get("program", "true"), *arguments],
                check=True,
                env=each.get("env", {}),
                cwd=each.get("cwd"),
                user=each.get("user"),
            )
        mine = told(sensor, lambda event: (event.process.exe or "").startswith(directory), len(wanted))

    assert {event.process.args[1] for event in mine} == {f"#{number}#" for number in range(len(wanted))}


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
