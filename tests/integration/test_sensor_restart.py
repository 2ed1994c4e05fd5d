"""The kernel goes on collecting while the agent is dead, and nothing is lost or told twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, docker
from tests.support.sensor import PATIENCE, Watch, builds, open_sensor, state_directory

from hullguard.agent.sensor.loader import unmount
from hullguard.model.event import Event

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

ROOT = Path(__file__).parents[2]
COUNT = 150


@pytest.fixture
def state() -> Iterator[Path]:
    with state_directory() as directory:
        yield directory


def consumer(state: Path, address: str, spool: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.support.consumer", state, address, spool],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == b"ready\n"
    return started


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_killed_again_and_again_it_loses_nothing_and_tells_nothing_twice(state: Path, docker_host: str, tmp_path: Path):
    open_sensor(state, docker_host).close(unpin=True)
    spool = tmp_path / "spool"
    running = consumer(state, docker_host, spool)
    script = (
        f"i=0; while [ $i -lt {COUNT} ]; do i=$((i+1)); /bin/cat /etc/shadow /etc/hosts.conf ./$i; done 2>/dev/null"
    )
    deed = subprocess.Popen(
        ["docker", "-H", docker_host, "run", "--network", "none", IMAGE, "/bin/sh", "-c", script],
        stdout=subprocess.DEVNULL,
    )
    kills = 0
    while deed.poll() is None:
        time.sleep(0.05)
        kill(running)
        kills += 1
        running = consumer(state, docker_host, spool)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and f"./{COUNT}\n" not in spool.read_text():
        time.sleep(0.05)
    kill(running)
    open_sensor(state, docker_host).close(unpin=True)

    lines = [line.split() for line in spool.read_text().splitlines()]
    mine = [line for line in lines if line[3] == "file.read-sensitive" and line[4].startswith("./")]
    by_id = {line[0]: line[4] for line in mine}
    assert kills > 0
    assert sorted(by_id.values(), key=lambda word: int(word[2:])) == [f"./{number}" for number in range(1, COUNT + 1)]
    # The one that was in hand when the agent was killed may be written again, under the same id.
    assert len(mine) - len(by_id) <= kills


def test_what_happens_while_nobody_listens_is_told_later(state: Path, docker_host: str):
    first = open_sensor(state, docker_host)
    container = Watch(first, docker_host).run("/bin/sleep", "1000")
    first.close(unpin=False)
    docker(docker_host, "exec", container, "/bin/cat", "/etc/shadow")

    second = open_sensor(state, docker_host)
    watch = Watch(second, docker_host)
    try:
        (found,) = watch.observations(container)
        assert found.details["path"] == "/etc/shadow"
        assert found.container.name == watch.name_of(container)
    finally:
        second.close(unpin=True)


def test_opening_takes_no_hook_away(state: Path, docker_host: str):
    first = open_sensor(state, docker_host)
    Watch(first, docker_host)
    before = {hook.name for hook in first.hooks() if hook.attached}
    first.close(unpin=False)

    # The plan comes later; until then the earlier one is in force, and so are its hooks.
    second = open_sensor(state, docker_host)
    try:
        assert {hook.name for hook in second.hooks() if hook.attached} == before > {"sys_exit_openat"}
    finally:
        second.close(unpin=True)


def test_a_container_that_an_earlier_agent_met_is_watched_from_the_first_moment(state: Path, docker_host: str):
    # Its policy's place was in the half of the filters that the new agent's plan clears.
    first = open_sensor(state, docker_host)
    watch = Watch(first, docker_host)
    container = watch.run("/bin/sleep", "1000")
    shell = subprocess.Popen(
        ["docker", "-H", docker_host, "exec", "-i", container, "/bin/sh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    assert shell.stdin is not None
    try:
        shell.stdin.write(b"read x < /etc/shadow\n")
        shell.stdin.flush()
        assert len(watch.observations(container)) == 1
        first.close(unpin=False)

        second = open_sensor(state, docker_host)
        again = Watch(second, docker_host)
        try:
            # The shell itself opens the file: no new program introduces the container.
            shell.stdin.write(b"read x < /etc/shadow\n")
            shell.stdin.flush()
            assert len(again.observations(container)) == 1
        finally:
            second.close(unpin=True)
    finally:
        shell.stdin.close()
        shell.wait(timeout=PATIENCE)


def test_an_event_whose_handler_failed_comes_again(state: Path, docker_host: str):
    sensor = open_sensor(state, docker_host)
    watch = Watch(sensor, docker_host)
    try:
        container = watch.run("/bin/sh", "-c", "cat /etc/shadow; cat /etc/shadow")
        seen: list[int] = []

        def fail_at_first(event: Event) -> None:
            if event.container.id == container and event.path == "/etc/shadow":
                seen.append(event.sequence)
                if len(seen) == 1:
                    raise OSError("the disk is full")

        failures = 0
        while len(seen) < 3:
            try:
                sensor.poll(fail_at_first, 1000)
            except OSError:
                failures += 1
    finally:
        sensor.close(unpin=True)

    assert failures == 1
    assert seen[0] == seen[1] < seen[2]


def test_a_clean_end_leaves_nothing_behind(state: Path, docker_host: str):
    sensor = open_sensor(state, docker_host)
    Watch(sensor, docker_host)
    assert builds(state)
    sensor.close(unpin=True)

    assert list((state / "bpf").iterdir()) == []
    assert str(state) not in Path("/proc/self/mountinfo").read_text()


def test_numbers_grow_over_a_reload(state: Path, docker_host: str):
    numbers = []
    for _ in range(2):
        sensor = open_sensor(state, docker_host)
        watch = Watch(sensor, docker_host)
        container = watch.run("/bin/true")
        numbers.append(watch.events(container, bool)[0].sequence)
        sensor.close(unpin=True)

    assert numbers[0] < numbers[1]


def test_another_build_takes_over_and_tells_what_the_old_one_kept(state: Path, docker_host: str):
    old = open_sensor(state, docker_host, {"ring_proc": 1 << 16})
    container = Watch(old, docker_host).run("/bin/cat", "/etc/shadow")
    docker(docker_host, "wait", container)
    old.close(unpin=False)

    new = open_sensor(state, docker_host, {"ring_proc": 1 << 17})
    try:
        watch = Watch(new, docker_host)
        (found,) = watch.observations(container)
        assert found.details["path"] == "/etc/shadow"
        assert len(builds(state)) == 1
    finally:
        new.close(unpin=True)


def test_a_half_made_directory_is_made_anew(state: Path, docker_host: str):
    broken = open_sensor(state, docker_host)
    broken.close(unpin=False)
    (directory,) = builds(state)
    (directory / "on_exit").unlink()

    sensor = open_sensor(state, docker_host)
    watch = Watch(sensor, docker_host)
    try:
        assert watch.observations(watch.run("/bin/cat", "/etc/shadow"))
    finally:
        sensor.close(unpin=True)


def test_a_mount_that_somebody_uses_is_left(state: Path, docker_host: str):
    open_sensor(state, docker_host).close(unpin=False)
    unmount(state / "bpf")

    assert builds(state)
    open_sensor(state, docker_host).close(unpin=True)
