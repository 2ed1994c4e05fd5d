"""Real containers, real kernel: what the default policy sees."""

import os
import pty
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.docker import IMAGE, docker, import_image
from tests.support.sensor import Watch, build_probe, open_sensor, state_directory

from hullguard.model.event import EventKind
from hullguard.model.node import SensorState

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

DROP = "container.drop-and-execute"
READ = "file.read-sensitive"
SHELL = "container.terminal-shell"


@pytest.fixture(scope="module")
def image(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    probe = build_probe(tmp_path_factory.mktemp("probe"))
    import_image(docker_host, "hullguard-test/probe", {"bin/probe": probe, "root/.ssh/marker": b"x"})
    return "hullguard-test/probe"


@pytest.fixture(scope="module")
def watch(docker_host: str) -> Iterator[Watch]:
    with state_directory() as directory:
        sensor = open_sensor(directory, docker_host)
        try:
            yield Watch(sensor, docker_host)
        finally:
            sensor.close(unpin=True)


@pytest.fixture
def victim(watch: Watch, image: str) -> Iterator[str]:
    """A container of the test's own; its beginning is already seen."""
    container = watch.run("/bin/sleep", "1000", options=("--tmpfs", "/scratch:exec"), image=image)
    watch.events(container, bool)
    yield container
    docker(watch.address, "rm", "-f", container)


def test_the_first_event_of_a_container_knows_its_name_and_image(watch: Watch):
    # It must be there until its specification was read: nobody polls while it starts.
    container = watch.run("/bin/sleep", "1000")
    start, first = watch.events(container, lambda seen: len(seen) > 1)[:2]
    name = watch.name_of(container)
    docker(watch.address, "rm", "-f", container)

    assert (start.kind, first.kind) == (EventKind.CONTAINER_START, EventKind.EXEC)
    assert first.container.name == name != ""
    assert first.image is not None
    assert first.image.name == f"{IMAGE}:latest"
    assert first.image.id.startswith("sha256:")
    assert first.process.args == ("/bin/sleep", "1000")
    assert first.lineage[0].outside


def test_a_shell_with_a_terminal_is_seen(watch: Watch, victim: str):
    ours, theirs = pty.openpty()
    try:
        subprocess.run(
            ["docker", "-H", watch.address, "exec", "-it", victim, "/bin/sh", "-c", "exec true"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            check=True,
            timeout=60,
        )
    finally:
        os.close(ours)
        os.close(theirs)

    (found,) = watch.observations(victim)
    assert found.rule == SHELL
    assert found.details["command"] == "/bin/sh -c exec true"
    assert [process.outside for process in found.lineage] == [True, False]
    assert found.lineage[-1].tty
    assert found.lineage[-1].uid == 0


def test_a_shell_without_a_terminal_is_not(watch: Watch, victim: str):
    watch.shell(victim, "true")

    assert watch.quiet(victim) == []


WAYS_TO_SHADOW = {
    "directly": "cat /etc/shadow",
    "by dots": "cat /etc/../etc/./shadow",
    "relatively": "cd /etc && cat shadow",
    "by a symbolic link": "ln -s /etc/shadow /tmp/l && cat /tmp/l",
    "by a relative link": "ln -s ../etc/shadow /tmp/l && cat /tmp/l",
    "by a linked directory": "ln -s /etc /tmp/e && cat /tmp/e/shadow",
    "by proc": "cat /proc/self/root/etc/shadow",
    "by proc's working directory": "cd /etc && cat /proc/self/cwd/shadow",
    "by redirection": "read line < /etc/shadow",
    "by openat2": "probe openat2 /etc/shadow",
}


@pytest.mark.parametrize("way", WAYS_TO_SHADOW)
def test_reading_shadow_is_seen_whatever_it_is_called(watch: Watch, victim: str, way: str):
    watch.shell(victim, f"PATH=/bin; chmod +x /bin/probe; {WAYS_TO_SHADOW[way]}")

    (found,) = watch.observations(victim)
    assert (found.rule, found.details["path"]) == (READ, "/etc/shadow")
    assert found.lineage[-1].exe is not None
    assert not found.stopped


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("ln /etc/shadow /tmp/h && cat /tmp/h", "/tmp/h"),
        ("mv /etc/shadow /tmp/moved && cat /tmp/moved", "/tmp/moved"),
        ("ln /etc/shadow /tmp/h && rm /etc/shadow && cat /tmp/h", "/tmp/h"),
    ],
)
def test_the_same_file_by_another_name_is_seen(watch: Watch, victim: str, script: str, path: str):
    watch.shell(victim, script)

    (found,) = watch.observations(victim)
    assert found.details["path"] == path
    assert found.details["known_as"] == "/etc/shadow"


def test_what_is_not_reading_a_secret_is_not_seen(watch: Watch, victim: str):
    watch.shell(victim, "cat /etc/passwd; cat /tmp/none/shadow; echo x >> /etc/shadow; ls -l /etc/shadow", check=False)
    watch.shell(
        victim,
        "chmod +x /bin/probe; probe path /etc/shadow; mkdir /tmp/etc; echo > /tmp/etc/shadow; cat /tmp/etc/shadow",
    )

    assert watch.quiet(victim) == []


def test_the_hosts_own_programs_are_not_seen(watch: Watch, victim: str):
    subprocess.run(["cat", "/etc/shadow"], check=True, stdout=subprocess.DEVNULL)
    with Path("/etc/shadow").open():
        pass
    seen = watch.events(victim, lambda events: False, seconds=0.5)
    watch.shell(victim, "cat /root/.ssh/marker")
    seen += watch.events(victim, lambda events: any(event.path == "/root/.ssh/marker" for event in events))

    assert [event.path for event in seen if event.kind is EventKind.FILE_OPEN] == ["/root/.ssh/marker"]


def test_a_mounted_directory_has_its_path_in_the_container(watch: Watch, image: str, tmp_path: Path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "key").write_text("secret")
    container = watch.run("/bin/cat", "/root/.ssh/deep/key", options=("-v", f"{tmp_path}:/root/.ssh"), image=image)

    (found,) = watch.observations(container)
    assert found.details["path"] == "/root/.ssh/deep/key"
    assert found.lineage[-1].args == ("/bin/cat", "/root/.ssh/deep/key")


@pytest.mark.parametrize(
    ("script", "path"),
    [
        ("cp /bin/busybox /tmp/busybox && /tmp/busybox true", "/tmp/busybox"),
        ("cp /bin/busybox /tmp/busybox && rm /bin/busybox && /tmp/busybox true", "/tmp/busybox"),
        ("cp /bin/busybox /scratch/busybox && /scratch/busybox true", "/scratch/busybox"),
        ("cp /bin/probe /tmp/y; cat /tmp/y >> /bin/probe; chmod +x /bin/probe; /bin/probe; true", "/bin/probe"),
    ],
)
def test_running_what_the_image_has_not_is_seen(watch: Watch, victim: str, script: str, path: str):
    watch.shell(victim, script)

    (found,) = watch.observations(victim)
    assert (found.rule, found.details["path"]) == (DROP, path)
    assert not found.stopped


def test_a_program_in_memory_only_is_seen(watch: Watch, victim: str):
    watch.shell(victim, "chmod +x /bin/probe; /bin/probe memfd /bin/busybox")

    (found,) = watch.observations(victim)
    assert found.rule == DROP
    assert found.details["path"] == "/memfd:ghost"


def test_a_program_copied_in_from_the_host_is_seen(watch: Watch, victim: str):
    docker(watch.address, "cp", "/bin/busybox", f"{victim}:/busybox-tool")
    docker(watch.address, "exec", victim, "/busybox-tool", "true")

    (found,) = watch.observations(victim)
    assert found.details["path"] == "/busybox-tool"


def test_changing_only_the_mode_makes_nothing_new(watch: Watch, victim: str):
    watch.shell(victim, "chmod 700 /bin/busybox")
    watch.shell(victim, "true")

    assert watch.quiet(victim) == []


def test_the_lineage_names_every_program(watch: Watch, victim: str):
    watch.shell(victim, "env sh -c 'cat /etc/shadow; true'; true")

    (found,) = watch.observations(victim)
    # busybox runs its own programs through /proc/self/exe, so the file is the same and the arguments tell.
    assert [process.outside for process in found.lineage] == [True, False, False, False]
    assert found.lineage[1].args == ("/bin/sh", "-c", "env sh -c 'cat /etc/shadow; true'; true")
    assert found.lineage[2].args == ("sh", "-c", "cat /etc/shadow; true")
    assert found.lineage[3].args == ("cat", "/etc/shadow")
    assert [process.ppid for process in found.lineage[2:]] == [process.pid for process in found.lineage[1:-1]]


def test_times_are_those_of_the_clock_on_the_wall(watch: Watch, victim: str):
    before = time.time()
    watch.shell(victim, "cat /etc/shadow")
    after = time.time()

    (found,) = watch.observations(victim)
    assert before - 1 <= found.lineage[-1].started.timestamp() <= found.at.timestamp() <= after + 1


def test_a_healthy_sensor_says_so(watch: Watch):
    health = watch.sensor.health()

    assert (health.state, health.reasons) == (SensorState.ACTIVE, ())
    assert set(health.lost) >= {"exec", "file", "process"}
    attached = {hook.name for hook in watch.sensor.hooks() if hook.attached}
    assert attached >= {"sched_process_exec", "sched_process_fork", "sched_process_exit", "sys_exit_openat"}
