"""What does not fit is counted, and the sensor admits it."""

import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.deeds import wanting
from tests.support.docker import IMAGE
from tests.support.events import policies, policy
from tests.support.network import main_pid
from tests.support.sensor import Watch, builds, open_sensor, state_directory

from hullguard.agent.sensor import abi, catalog, filters, loader
from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.agent.sensor.doctor import examine
from hullguard.detect import default_policies, plan
from hullguard.detect.detectors.interface import Access, Wants
from hullguard.model.errors import Unavailable
from hullguard.model.event import Event, EventKind, Gap
from hullguard.model.node import SensorState

pytestmark = pytest.mark.bpf

COUNT = 60


@pytest.mark.docker
def test_every_event_is_told_or_counted_as_lost(docker_host: str):
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host, {"ring_file": 4096})
        watch = Watch(sensor, docker_host)
        try:
            container = watch.run("/bin/sleep", "1000")
            watch.events(container, bool)
            before = sensor.health()
            # One process and no polling: nothing else may open a watched file meanwhile.
            watch.shell(container, f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); read line < /etc/shadow; done")
            lost = sensor.health().lost["file"] - before.lost["file"]
            told = len(watch.observations(container, COUNT - lost))
            after = sensor.health()
        finally:
            sensor.close(unpin=True)

    assert before.state is SensorState.ACTIVE
    assert lost > 0
    assert told + lost == COUNT
    assert after.state is SensorState.DEGRADED
    assert [reason.code for reason in after.reasons] == ["sensor.events-lost"]


@pytest.mark.docker
def test_what_is_lost_is_told_as_a_gap_of_its_container(docker_host: str):
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host, {"ring_file": 4096})
        watch = Watch(sensor, docker_host)
        try:
            container = watch.run("/bin/sleep", "1000")
            watch.events(container, bool)
            before = datetime.now(UTC)
            watch.shell(container, f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); read line < /etc/shadow; done")
            after = datetime.now(UTC)
            lost = sensor.health().lost["file"]
            watch.events(container, lambda _: bool(watch.gaps))
            (gap,) = watch.gaps
            name = watch.name_of(container)
        finally:
            sensor.close(unpin=True)

    assert (gap.what, gap.why, gap.count) == ("file", "full", lost)
    assert (gap.container.name, gap.image.name) == (name, f"{IMAGE}:latest")
    second = timedelta(seconds=1)
    assert before - second <= gap.since <= gap.until <= after + second


@pytest.mark.docker
def test_a_gap_whose_handler_failed_comes_again(docker_host: str):
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host, {"ring_file": 4096})
        watch = Watch(sensor, docker_host)
        told: list[Gap] = []

        def fail_once(event: Event | Gap) -> None:
            if isinstance(event, Gap):
                told.append(event)
                if len(told) == 1:
                    raise OSError("the disk is full")

        try:
            container = watch.run("/bin/sleep", "1000")
            watch.events(container, bool)
            watch.shell(container, f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); read line < /etc/shadow; done")
            failures = 0
            while len(told) < 2:
                try:
                    sensor.poll(fail_once, 100)
                except OSError:
                    failures += 1
        finally:
            sensor.close(unpin=True)

    assert failures == 1
    assert told[0] == told[1]


@pytest.mark.docker
def test_after_a_loss_of_execs_the_programs_are_read_anew(docker_host: str):
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host, {"ring_exec": 4096})
        watch = Watch(sensor, docker_host)
        try:
            # The shell becomes another program while nobody reads and the ring is full of other execs.
            script = "read go < /tmp/go; i=0; while [ $i -lt 30 ]; do i=$((i+1)); /bin/true; done; exec sh -c "
            # It is still there when somebody asks what it is.
            after = "read x < /tmp/go; cat /etc/shadow; read x < /tmp/go"
            container = watch.run("/bin/sh", "-c", f"mkfifo /tmp/go; {script}'{after}'")
            watch.events(container, bool)
            watch.gaps.clear()  # its beginning may have been too much already
            watch.shell(container, "echo > /tmp/go")
            command = Path(f"/proc/{main_pid(docker_host, container)}/cmdline")
            while after.encode() not in command.read_bytes().split(b"\0"):
                time.sleep(0.1)
            watch.events(container, lambda _: any(gap.what == "exec" for gap in watch.gaps))
            watch.shell(container, "echo > /tmp/go")
            found = watch.events(container, lambda seen: any(event.path == "/etc/shadow" for event in seen))
        finally:
            sensor.close(unpin=True)

    (opened,) = [event for event in found if event.path == "/etc/shadow"]
    assert after in opened.lineage[1].args


@pytest.mark.docker
def test_what_is_over_the_limit_is_counted_and_told(monkeypatch, docker_host: str):
    monkeypatch.setattr(filters, "MOST_PER_SECOND", 3)
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        watch = Watch(sensor, docker_host)
        try:
            container = watch.run("/bin/sleep", "1000")
            watch.events(container, bool)
            watch.shell(container, f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); read line < /etc/shadow; done")
            health = sensor.health()
            told = watch.events(container, lambda seen: len(seen) + sum(g.count for g in watch.gaps) > COUNT)
        finally:
            sensor.close(unpin=True)

    opens = [event for event in told if event.path == "/etc/shadow"]
    (gap,) = [gap for gap in watch.gaps if gap.why == "limit"]
    assert (gap.what, gap.count, health.lost["file"]) == ("file", health.lost["limited"], 0)
    assert len(opens) + gap.count == COUNT
    assert gap.count > COUNT // 2


@pytest.mark.docker
def test_a_flood_of_opens_starves_no_exec(docker_host: str):
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host, {"ring_file": 4096})
        watch = Watch(sensor, docker_host)
        try:
            container = watch.run("/bin/sleep", "1000")
            watch.events(container, bool)
            flood = f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); read line < /etc/shadow; done"
            watch.shell(container, f"{flood}; cp /bin/busybox /tmp/busybox; /tmp/busybox true")
            lost = sensor.health().lost
            rules = {found.rule for found in watch.observations(container, COUNT - lost["file"] + 1)}
        finally:
            sensor.close(unpin=True)

    assert lost["file"] > 0 == lost["exec"]
    assert "container.drop-and-execute" in rules


@pytest.mark.docker
@pytest.mark.parametrize(
    ("typed", "controller"),
    [((0,), abi.CGROUP_MEMORY), ((1,), abi.CGROUP_PIDS), ((1,), abi.CGROUP_V2)],
    ids=["kernel before 6.2", "pids controller", "cgroup v2"],
)
def test_other_machines_ways_see_the_same(monkeypatch, docker_host: str, typed, controller):
    """This machine has cgroup v1 and v2 side by side and a new kernel, so each older way can be taken here."""
    monkeypatch.setattr(loader, "_TYPED", typed)
    monkeypatch.setattr(loader, "_cgroup_controller", lambda: controller)
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        watch = Watch(sensor, docker_host)
        try:
            container = watch.run(
                "/bin/sh", "-c", "ln /etc/shadow /tmp/h; cat /tmp/h; mkdir -p /root/.ssh/a; cat /root/.ssh/a"
            )
            found = watch.observations(container, 2)
        finally:
            sensor.close(unpin=True)

    assert [(one.details["path"], one.details.get("known_as")) for one in found] == [
        ("/tmp/h", "/etc/shadow"),
        ("/root/.ssh/a", None),
    ]
    assert found[0].container.name != ""


@pytest.mark.parametrize("typed", [0, 1], ids=["kernel before 6.2", "this kernel"])
def test_the_verifier_takes_every_program(monkeypatch, typed: int):
    monkeypatch.setattr(loader, "_TYPED", (typed,))
    asked = Wants(frozenset(EventKind), paths=("/*",), access=frozenset(Access))
    with state_directory() as directory:
        sensor = open_sensor(directory, None)
        try:
            sensor.apply(wanting(asked))
            found = {hook.name: hook.why for hook in sensor.hooks() if not hook.attached and not hook.needless}
        finally:
            sensor.close(unpin=True)

    assert found == {}


def test_without_the_file_programs_half_a_sensor_is_degraded(monkeypatch):
    real = loader.provide

    def refuse_opens(pins, programs):
        others = real(pins, [name for name in programs if name != "on_open"])
        return {**others, "on_open": "the verifier says no"}

    monkeypatch.setattr(loader, "provide", refuse_opens)
    with state_directory() as directory:
        sensor = open_sensor(directory, None)
        try:
            sensor.apply(plan(default_policies()))
            health = sensor.health()
        finally:
            sensor.close(unpin=True)

    assert health.state is SensorState.DEGRADED
    assert {"hook": "sys_exit_openat"} in [reason.params for reason in health.reasons]
    assert {reason.code for reason in health.reasons} == {"sensor.hook-missing"}


def test_file_hooks_are_there_only_while_a_policy_needs_them():
    with state_directory() as directory:
        sensor = open_sensor(directory, None)
        try:
            before = {hook.name: hook for hook in sensor.hooks()}
            sensor.apply(plan(default_policies()))
            during = {hook.name: hook for hook in sensor.hooks()}
            sensor.apply(plan(policies(policy("none", nodes=("*",)))))
            after = {hook.name: hook for hook in sensor.hooks()}
            health = sensor.health()
        finally:
            sensor.close(unpin=True)

    assert [hooks["sys_exit_openat"].attached for hooks in (before, during, after)] == [False, True, False]
    assert before["sys_exit_openat"].why == "no policy needs it"
    assert all(hooks["sched_process_exec"].attached for hooks in (before, during, after))
    assert health.state is SensorState.ACTIVE


def test_a_hook_that_somebody_removed_is_missed():
    with state_directory() as directory:
        sensor = open_sensor(directory, None)
        try:
            sensor.apply(plan(default_policies()))
            (build,) = builds(directory)
            (build / "link_sys_exit_openat").unlink()
            blinded = sensor.health()
            (build / "link_on_exec").unlink()
            off = sensor.health()
        finally:
            sensor.close(unpin=True)

    assert (blinded.state, blinded.reasons[0].params) == (SensorState.DEGRADED, {"hook": "sys_exit_openat"})
    assert off.state is SensorState.OFF
    assert off.reasons[0].params == {"hook": "sched_process_exec"}


def test_the_doctor_tells_what_runs_and_what_would():
    with state_directory() as directory:
        sensor = open_sensor(directory, None)
        try:
            running = examine(directory)
        finally:
            sensor.close(unpin=True)
        stopped = examine(directory)

    assert sum(hook.attached for hook in running) == len(catalog.PROCESS_PROGRAMS)
    assert not any(hook.attached for hook in stopped)
    assert stopped[0].why == "the kernel would take it, but no agent runs"
    assert {hook.name for hook in catalog.HOOKS} < {hook.name for hook in stopped}
    assert all(hook.cost for hook in stopped if hook.backend != "none")


def test_an_object_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(loader, "OBJECT", tmp_path / "none.o")

    with pytest.raises(Unavailable, match="make bpf") as caught:
        BpfSensor.open(tmp_path, None)
    assert caught.value.code == "sensor.no-object"
    assert {hook.why for hook in examine(tmp_path)[:3]} == {str(caught.value)}


def test_an_object_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "bad.o").write_bytes(b"\x7fELF" + b"\0" * 100)
    monkeypatch.setattr(loader, "OBJECT", tmp_path / "bad.o")
    with state_directory() as directory, pytest.raises(Unavailable) as caught:
        BpfSensor.open(directory, None)

    assert caught.value.code == "sensor.no-object"


def test_without_the_right_the_reason_is_said():
    script = (
        "import os; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "from hullguard.agent.sensor.loader import check_possible\n"
        "from hullguard.model.errors import Unavailable\n"
        "try: check_possible()\n"
        "except Unavailable as why: print(why.code)\n"
    )
    source = Path(loader.__file__).parents[3]
    # Modules are imported before the right is given away: the checkout may be closed to others.
    preload = "import hullguard.agent.sensor.loader, hullguard.model.errors\n"
    done = subprocess.run(
        [sys.executable, "-c", preload + script],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(source)},
    )

    assert done.stdout.strip() == "sensor.no-capability"
