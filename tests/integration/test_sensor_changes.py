"""Names, modes, owners and mounts that change in a real container, by system calls and through an io_uring."""

import errno
import stat
import threading
from collections.abc import Iterator

import pytest
from tests.support import deeds
from tests.support.deeds import Stage, every, wanting

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect.detectors.interface import Access, Wants
from hullguard.model.event import Event, EventKind

pytestmark = [pytest.mark.docker, pytest.mark.bpf]

CHANGES = tuple(kind for kind in EventKind if kind.startswith("file_") and kind is not EventKind.FILE_OPEN)
TIMES = 500


@pytest.fixture(scope="module")
def sensor(docker_host: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BpfSensor]:
    deeds.import_deeds(docker_host, tmp_path_factory.mktemp("deeds"))
    with deeds.running_sensor(docker_host) as opened:
        yield opened


@pytest.fixture
def stage(sensor: BpfSensor, docker_host: str) -> Iterator[Stage]:
    """Below ``/t`` lie a file, a directory and two links to it."""
    with deeds.staged(sensor, docker_host, *deeds.POWERS) as ready:
        ready.watch.shell(ready.container, "mkdir -p /t/d /t/empty; touch /t/d/f; ln -s d /t/way; ln -s /t/d/f /t/l")
        yield ready


@pytest.mark.parametrize(
    ("words", "kind", "path", "target"),
    [
        (("rename", "/t/way/f", "/t/way/g"), EventKind.FILE_RENAME, "/t/d/f", "/t/d/g"),
        (("rename", "/t/l", "/t/way/l"), EventKind.FILE_RENAME, "/t/l", "/t/d/l"),
        (("link", "/t/way/f", "/t/way/../h"), EventKind.FILE_LINK, "/t/h", "/t/d/f"),
        (("link", "/t/l", "/t/way/h"), EventKind.FILE_LINK, "/t/d/h", "/t/l"),
        (("link-followed", "/t/l", "/t/way/h"), EventKind.FILE_LINK, "/t/d/h", "/t/d/f"),
        (("symlink", "../etc/shadow", "/t/way/s"), EventKind.FILE_SYMLINK, "/t/d/s", "../etc/shadow"),
        (("unlink", "/t/way/f"), EventKind.FILE_UNLINK, "/t/d/f", None),
        (("unlink", "/t/l"), EventKind.FILE_UNLINK, "/t/l", None),
        (("rmdir", "/proc/self/root/t/empty"), EventKind.FILE_UNLINK, "/t/empty", None),
        (("mkdir", "/t/way/n", "750"), EventKind.FILE_MAKE, "/t/d/n", None),
        (("mknod", "/t/way/null"), EventKind.FILE_MAKE, "/t/d/null", None),
        (("chmod", "/t/l", "4755"), EventKind.FILE_MODE, "/t/d/f", None),
        (("fchmod", "/t/l", "600"), EventKind.FILE_MODE, "/t/d/f", None),
        (("chown", "/t/l", "1234"), EventKind.FILE_OWNER, "/t/d/f", None),
    ],
)
def test_a_change_is_told_by_its_real_path(stage: Stage, words, kind: EventKind, path: str, target: str | None):
    stage.watch.sensor.apply(every(*CHANGES, paths=("/t/*",)))
    assert stage.do(*words) == 0

    (event,) = stage.sees(kind)
    assert (event.path, event.target, event.result) == (path, target, 0)
    assert "unresolved" not in event.arguments
    assert event.process.exe == "/bin/deed"
    assert event.process.args[1:] == words
    if event.file is not None:
        assert event.file.file_system == "overlay"
    if words[0] != "fchmod":
        assert event.raw_path == words[2 if "link" in words[0] and words[0] != "unlink" else 1]
    if kind is EventKind.FILE_LINK:  # which is of the file that was there
        assert event.file is not None
        assert event.file.kind == ("other" if target == "/t/l" else "file")


def test_what_became_of_it_is_told(stage: Stage):
    stage.watch.sensor.apply(every(*CHANGES, paths=("/t/*",)))
    assert stage.do("chmod", "/t/l", "4755") == 0
    (mode,) = stage.sees(EventKind.FILE_MODE)
    assert stage.do("chown", "/t/l", "1234") == 0
    (owner,) = stage.sees(EventKind.FILE_OWNER)
    assert stage.do("mknod", "/t/null") == 0
    (device,) = stage.sees(EventKind.FILE_MAKE)
    assert stage.do("symlink", "d/f", "/t/s") == 0
    (link,) = stage.sees(EventKind.FILE_SYMLINK)

    assert (mode.file.mode, mode.arguments["mode"]) == (0o4755, 0o4755)
    assert (owner.file.uid, owner.arguments["owner"], owner.arguments["owner_group"]) == (1234, 1234, -1)
    assert (device.file.kind, device.arguments["mode"], device.arguments["device"]) == ("character", 0o600, 0x103)
    assert link.arguments["resolved_target"] == "/t/d/f"


def test_names_that_count_from_a_directory(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.FILE_RENAME, paths=("/t/*",)))
    assert stage.do("rename-in", "/t/way", "f") == 0

    (event,) = stage.sees(EventKind.FILE_RENAME)
    assert (event.call, event.path, event.target) == ("renameat2", "/t/d/f", "/t/d/moved")
    assert (event.raw_path, event.arguments["raw_target"]) == ("f", "moved")
    assert (event.arguments["flags"], event.arguments["dirfd"]) == (1, 3)


def test_only_wanted_paths_are_told(stage: Stage):
    stage.watch.sensor.apply(wanting(Wants(frozenset(CHANGES), paths=("/t/d/*",))))
    assert stage.do("mkdir", "/t/n", "700") == 0
    assert stage.do("unlink", "/t/l") == 0
    assert stage.do("rename", "/t/empty", "/t/d/in") == 0  # either path is enough

    events = stage.watch.events(stage.container, lambda seen: any(event.target for event in seen))
    found = [(event.kind, event.path, event.target) for event in events if event.kind in CHANGES]
    assert found == [(EventKind.FILE_RENAME, "/t/empty", "/t/d/in")]


def test_what_is_forbidden_is_told_and_what_is_not_there_is_not(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.FILE_UNLINK, paths=("/t/*",)))
    assert stage.do("unlink", "/t/none") == errno.ENOENT
    assert stage.do("unlink", "/t/d/f", user="1000") == errno.EACCES

    (event,) = stage.sees(EventKind.FILE_UNLINK)
    assert (event.path, event.result, event.process.uid) == ("/t/d/f", -errno.EACCES, 1000)


def test_an_open_that_failed_is_told_where_a_rule_asks(stage: Stage):
    stage.watch.sensor.apply(
        wanting(Wants(frozenset({EventKind.FILE_OPEN}), paths=("/t/*",), access=frozenset({Access.FAILED})))
    )
    assert stage.do("open", "/t/d/f") == 0
    assert stage.do("open", "/t/way/none") == errno.ENOENT

    (event,) = stage.sees(EventKind.FILE_OPEN)
    assert (event.path, event.raw_path, event.result) == ("/t/d/none", "/t/way/none", -errno.ENOENT)
    assert (event.reads, event.writes) == (False, False)


def test_mounts_say_what_is_where(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.MOUNT, EventKind.UMOUNT, EventKind.PIVOT_ROOT))
    assert stage.do("mount-tmpfs", "/t/way") == 0
    (scratch,) = stage.sees(EventKind.MOUNT)
    assert stage.do("mount-bind", "/t/../etc/passwd", "/t/l") == errno.ENOENT  # the scratch lies over what it leads to
    assert stage.do("mount-bind", "/t/../etc", "/t/empty") == 0
    (bind,) = stage.sees(EventKind.MOUNT)

    assert (scratch.path, scratch.target, scratch.arguments["fs_type"]) == ("/t/d", "scratch", "tmpfs")
    assert scratch.arguments["flags"] == 2
    assert (bind.path, bind.target, bind.raw_path) == ("/t/empty", "/etc", "/t/empty")


def test_what_is_unmounted_and_a_new_root(stage: Stage):
    stage.watch.sensor.apply(every(EventKind.UMOUNT, EventKind.PIVOT_ROOT))
    assert stage.do("umount", "/t/way") == 0
    (gone,) = stage.sees(EventKind.UMOUNT)
    assert stage.do("pivot", "/t/way") == 0
    (root,) = stage.sees(EventKind.PIVOT_ROOT)

    assert (gone.path, gone.arguments["flags"]) == ("/t/d", 2)
    assert (root.call, root.raw_path, root.target, root.result) == ("pivot_root", ".", "old", 0)


def test_of_paths_that_climb_every_one_is_told_and_no_other(stage: Stage):
    """Wherever in the text it climbs: eight letters are compared at a time. What is too long to be read may climb."""
    access = frozenset({Access.READ, Access.FAILED})
    stage.watch.sensor.apply(
        wanting(Wants(frozenset({EventKind.FILE_OPEN}), paths=("/*",), access=access, climbs=True))
    )
    climbing = [f"/{'/' * number}t/d/../d/f" for number in range(9)]
    climbing += [f"/t/{'d/../' * 60}d/f", "../t/d/f", "/t/d/.."]
    level = ["/t/d/f", "/t/way/f", "/t/./d/./f", f"/t/{'./' * 100}d/f", "/t/.f.", "/t/.", "/t/d.f/."]
    script = "cd /t; " + "; ".join(f"read line < {path}" for path in [*level, *climbing])
    stage.watch.shell(stage.container, f"{script}; read line < /t/../none; read line < /t/none; true", check=False)

    events = stage.sees(EventKind.FILE_OPEN, len(climbing) + 1)
    assert [event.raw_path for event in events] == [*climbing, "/t/../none"]
    assert [event.path for event in events[: len(climbing) - 1]] == ["/t/d/f"] * (len(climbing) - 1)
    assert events[-1].result == -errno.ENOENT


def test_a_climbing_path_is_told_through_a_ring_that_answers_nothing(stage: Stage):
    wants = Wants(frozenset({EventKind.FILE_OPEN}), paths=("/*",), access=frozenset({Access.READ}), climbs=True)
    stage.watch.sensor.apply(wanting(wants))
    assert stage.do("ring-open-silent", "/t/d/f") == 0
    assert stage.do("ring-open-silent", "/t/d/../d/f") == 0

    (event,) = stage.sees(EventKind.FILE_OPEN)
    assert (event.raw_path, event.path) == ("/t/d/../d/f", "/t/d/f")


def test_a_name_that_is_taken_away_meanwhile_is_counted(stage: Stage):
    """Each of the calls is told or is part of a gap, however the two threads fall."""
    stage.watch.sensor.apply(every(EventKind.FILE_MODE, paths=("/t/*",)))
    told: list[Event] = []
    calls = 0

    def left(events: list[Event]) -> int:
        changes = sum(event.kind is EventKind.FILE_MODE for event in [*told, *events])
        return calls - changes - sum(gap.count for gap in stage.watch.gaps)

    while not any(gap.why == "unreadable" for gap in stage.watch.gaps) and calls < 100 * TIMES:
        assert stage.do("withdraw", "/t/d/f", str(TIMES)) == 0
        calls += TIMES
        told += stage.watch.events(stage.container, lambda events: not left(events), 40)

    assert not left([])
    assert any((gap.what, gap.why) == ("file", "unreadable") for gap in stage.watch.gaps)
    assert {event.path for event in told if event.kind is EventKind.FILE_MODE} <= {"/t/d/f"}


@pytest.mark.parametrize(
    ("words", "kind", "path", "target"),
    [
        (("ring-rename", "/t/way/f", "/t/way/g"), EventKind.FILE_RENAME, "/t/d/f", "/t/d/g"),
        (("ring-link", "/t/way/f", "/t/way/h"), EventKind.FILE_LINK, "/t/d/h", "/t/d/f"),
        (("ring-link", "/t/l", "/t/way/h"), EventKind.FILE_LINK, "/t/d/h", "/t/l"),
        (("ring-symlink", "/etc/shadow", "/t/way/s"), EventKind.FILE_SYMLINK, "/t/d/s", "/etc/shadow"),
        (("ring-unlink", "/t/way/f"), EventKind.FILE_UNLINK, "/t/d/f", None),
        (("ring-mkdir", "/t/way/n"), EventKind.FILE_MAKE, "/t/d/n", None),
        (("ring-open", "/t/l"), EventKind.FILE_OPEN, "/t/d/f", None),
        (("ring-open-silent", "/t/l"), EventKind.FILE_OPEN, "/t/d/f", None),
    ],
)
def test_a_ring_hides_nothing(stage: Stage, words, kind: EventKind, path: str, target: str | None):
    stage.watch.sensor.apply(every(*CHANGES, EventKind.FILE_OPEN, EventKind.IO_URING, paths=("/t/*",)))
    assert stage.do(*words) == 0

    (event,) = stage.sees(kind)
    assert (event.path, event.target) == (path, target)
    assert event.call.startswith("io_uring ")
    assert event.process.exe == "/bin/deed"
    if words[0] == "ring-open":
        assert event.reads
        assert event.result >= 0
        assert stat.S_IMODE(event.file.mode) == event.file.mode != 0


def test_whoever_wakes_it_ends_its_wait(sensor: BpfSensor):
    """An hour: longer than a test may take."""
    sensor.apply(every())
    for _ in range(2):
        sensor.wake()
        sensor.poll(lambda _: None, 3_600_000)
    waker = threading.Thread(target=sensor.wake)
    waker.start()
    sensor.poll(lambda _: None, 3_600_000)
    waker.join()
