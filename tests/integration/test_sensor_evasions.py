"""Ways to do a thing so that it looks like another: each is told by its true path and process.

Links, ``..``, ``/proc/self/root``, redirection, openat2 and programs in memory: ``test_sensor_detection.py``. Rings:
``test_sensor_changes.py`` and ``test_sensor_powers.py``.
"""

from collections.abc import Iterator

import pytest
from tests.support import deeds
from tests.support.deeds import Stage, every, wanting
from tests.support.docker import docker

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Wants
from hullguard.model.event import Event, EventKind

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

SHADOW = "/etc/shadow"
OPENS = frozenset({EventKind.FILE_OPEN})


@pytest.fixture(scope="module")
def sensor(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BpfSensor]:
    deeds.import_deeds(docker_host, tmp_path_factory.mktemp("deeds"))
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture
def stage(sensor: BpfSensor, docker_host: str) -> Iterator[Stage]:
    """Whoever opens the file of passwords is told; the agent has met the container and knows the file's inode."""
    with deeds.staged(sensor, docker_host, *deeds.POWERS) as ready:
        ready.watch.sensor.apply(wanting(Wants(OPENS, paths=(SHADOW,)), Wants(frozenset({EventKind.EXEC}))))
        ready.watch.shell(ready.container, "read line < /etc/shadow; mkdir -p /t/d; touch /t/f")
        ready.sees(EventKind.FILE_OPEN)
        yield ready


def opened(stage: Stage) -> Event:
    (event,) = stage.sees(EventKind.FILE_OPEN)
    return event


@pytest.mark.parametrize(
    ("words", "path", "known_as"),
    [
        (("chroot", "/etc", "/shadow"), SHADOW, None),
        (("pivot-open", "/t/d", "/old/etc/shadow"), "/old/etc/shadow", SHADOW),
        (("bind-open", SHADOW, "/t/f"), "/t/f", SHADOW),
        (("setns-open", SHADOW), SHADOW, None),
    ],
)
def test_another_root_or_mount_hides_no_file(stage: Stage, words, path: str, known_as: str | None):
    assert stage.do(*words) == 0

    event = opened(stage)
    assert (event.path, event.known_as) == (path, known_as)
    assert (event.process.exe or "").endswith("/bin/deed")
    assert event.process.args[1:] == words


def test_a_string_that_changes_meanwhile_names_what_was_opened(stage: Stage):
    done = docker(stage.watch.address, "exec", stage.container, "/bin/deed", "race", SHADOW, "50")
    count = int(done.stdout)
    assert count == 50

    events = stage.sees(EventKind.FILE_OPEN, count)
    assert len(events) == count
    assert {event.path for event in events} == {SHADOW}


def test_a_program_whose_file_is_gone_is_still_named(stage: Stage):
    stage.watch.shell(stage.container, "cp /bin/deed /tmp/gone; /tmp/gone vanish /tmp/gone /etc/shadow")

    event = opened(stage)
    assert event.path == SHADOW
    assert event.process.exe == "/tmp/gone"
    assert event.process.exe_new


def test_a_script_is_told_with_its_interpreter(stage: Stage):
    script = "printf '#!/bin/sh\\nread line < /etc/shadow\\n' > /tmp/s; chmod 755 /tmp/s; exec /tmp/s"
    stage.watch.shell(stage.container, script)

    events = stage.watch.events(stage.container, lambda seen: any(event.path == SHADOW for event in seen))
    run = next(event for event in events if event.kind is EventKind.EXEC and event.raw_path == "/tmp/s")
    read = next(event for event in events if event.kind is EventKind.FILE_OPEN)
    assert run.path == "/bin/busybox"
    assert read.process.args == run.process.args == ("/bin/sh", "/tmp/s")
    assert read.process.pid == run.process.pid


def test_a_program_that_a_thread_starts_is_its_process(stage: Stage):
    stage.watch.shell(stage.container, "cp /bin/deed /tmp/other; exec /bin/deed thread-exec /tmp/other")

    events = stage.watch.events(stage.container, lambda seen: any(event.path == SHADOW for event in seen))
    first, second, read = [event for event in events if (event.path or "") in {"/bin/deed", "/tmp/other", SHADOW}]
    assert (first.path, second.path, read.path) == ("/bin/deed", "/tmp/other", SHADOW)
    assert first.process.pid == second.process.pid == read.process.pid
    assert second.new_file
    assert read.process.exe == "/tmp/other"


def test_who_left_his_family_is_still_in_the_container(stage: Stage):
    assert stage.do("daemon", SHADOW) == 0

    event = opened(stage)
    assert event.process.args[1:] == ("daemon", SHADOW)
    assert event.lineage[-2].args == ("/bin/sleep", "1000")
    assert event.lineage[0].outside


def test_a_library_that_is_put_before_others_is_told(stage: Stage):
    stage.watch.sensor.apply(wanting(Wants(frozenset({EventKind.EXEC}), environment=frozenset({"LD_PRELOAD"}))))
    assert stage.do("preload", "/tmp/evil.so") == 0

    (event,) = stage.sees(EventKind.EXEC, where=lambda event: bool(event.process.env))
    assert (event.path, event.process.env) == ("/bin/busybox", ("LD_PRELOAD=/tmp/evil.so",))


def test_the_first_of_all_calls_in_a_container_is_told(sensor: BpfSensor, docker_host: str):
    """Before the agent has placed the container, its own policy is not known: it is judged by the widest."""
    sensor.apply(every(EventKind.FILE_OPEN, paths=(SHADOW,)))
    with deeds.staged(sensor, docker_host) as ready:
        assert ready.do("open", SHADOW) == 0
        assert opened(ready).process.args[1:] == ("open", SHADOW)
