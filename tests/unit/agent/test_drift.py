"""Who moved a program to where it is, and how it differs from the image, as far as that needs no container."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.support.events import RUNTIME, event, process

from hullguard.agent import drift
from hullguard.agent.drift import Drifts
from hullguard.model.event import ContainerDetails, ContainerRef, Drift, Event, EventKind, Origin, Process

APK = process(pid=300, exe="/sbin/apk", vpid=41)
SHELL = process(pid=299, exe="/bin/sh", vpid=40)


@pytest.fixture
def running() -> Process:
    """This very process: its program is on no overlay, as one on a volume of a container."""
    return process(pid=os.getpid(), exe=str(Path("/proc/self/exe").readlink()), exe_new=True)


def ran(running: Process) -> Event:
    return event(path=running.exe, new_file=True, lineage=(RUNTIME, running), at=datetime.now(UTC))


def moved(place: str | None, *lineage: Process, **changes: object) -> Event:
    made = event(
        EventKind.FILE_RENAME, path="/usr/bin/.new", target=place, lineage=lineage, result=0, at=datetime.now(UTC)
    )
    return msgspec.structs.replace(made, **changes)


def told(drifts: Drifts, running: Process) -> Drift:
    found = drifts.complete(ran(running)).drift
    assert found is not None
    return found


def test_other_events_and_the_images_own_programs_stay_as_they_are(running: Process):
    opened, own = event(EventKind.FILE_OPEN), event(path=running.exe, lineage=(RUNTIME, running))

    assert Drifts().complete(opened) is opened
    assert Drifts().complete(own) is own


def test_who_moved_a_program_to_its_place_is_remembered(running: Process):
    drifts = Drifts()
    drifts.complete(moved(running.exe, RUNTIME, SHELL, APK))

    assert told(drifts, running).placed_by == ("/bin/sh", "/sbin/apk")
    assert told(drifts, running).by_operator


@pytest.mark.parametrize(
    "lineage",
    [
        pytest.param((RUNTIME, process(exe="/bin/sh", vpid=1), APK), id="the main process ran it"),
        pytest.param((RUNTIME, process(exe="/bin/sh", vpid=None), APK), id="a number is not known"),
        pytest.param((SHELL, APK), id="its beginning is not known"),
    ],
)
def test_it_is_an_operator_only_where_all_of_it_is_known(running: Process, lineage: tuple[Process, ...]):
    drifts = Drifts()
    drifts.complete(moved(running.exe, *lineage))

    found = told(drifts, running)
    assert (found.placed_by, found.by_operator) == (("/bin/sh", "/sbin/apk"), False)


def test_programs_that_are_not_the_images_own_vouch_for_nothing(running: Process):
    drifts = Drifts()
    drifts.complete(moved(running.exe, RUNTIME, process(exe="/sbin/apk", exe_new=True, vpid=40)))

    assert told(drifts, running).placed_by == ()


def layered(tmp_path: Path) -> Path:
    """A container's upper layer; process 200 is in it, by what ``tmp_path/proc`` says."""
    upper, lower, shown = tmp_path / "upper", tmp_path / "lower", tmp_path / "proc/200"
    for place in (upper / "usr/bin", lower, shown):
        place.mkdir(parents=True)
    options = f"rw,lowerdir={lower},upperdir={upper},workdir={tmp_path}"
    (shown / "mountinfo").write_text(f"30 1 0:50 / / rw - overlay overlay {options}\n")
    return upper


def remembered(drifts: Drifts) -> list[str]:
    return [path for _, path in drifts._placed]


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o711, 0o4755, 0o001])
def test_programs_that_were_moved_are_remembered(tmp_path: Path, mode: int):
    program = layered(tmp_path) / "usr/bin/tool"
    program.touch()
    program.chmod(mode)
    drifts = Drifts(tmp_path / "proc")
    drifts.complete(moved("/usr/bin/tool", RUNTIME, process(exe="/sbin/apk")))

    assert remembered(drifts) == ["/usr/bin/tool"]


def test_a_package_has_a_thousand_files_that_nobody_runs(tmp_path: Path):
    upper = layered(tmp_path)
    drifts = Drifts(tmp_path / "proc")
    for number in range(1000):
        (upper / f"usr/bin/{number}.txt").touch(0o644)
        drifts.complete(moved(f"/usr/bin/{number}.txt", RUNTIME, process(exe="/sbin/apk")))

    assert remembered(drifts) == []


def test_a_tool_that_was_installed_stays_known_whatever_else_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift, "_MOST_PLACED", 10)
    upper = layered(tmp_path)
    for name, mode in (("less", 0o755), *((f"{number}.txt", 0o644) for number in range(20))):
        (upper / "usr/bin" / name).touch()
        (upper / "usr/bin" / name).chmod(mode)
    drifts, apk = Drifts(tmp_path / "proc"), process(exe="/sbin/apk")
    drifts.complete(moved("/usr/bin/less", RUNTIME, apk))
    for number in range(20):
        drifts.complete(moved(f"/usr/bin/{number}.txt", RUNTIME, apk))
        drifts.complete(moved(f"/bin/{number}", RUNTIME, apk, container_details=ContainerDetails(builds_image=True)))

    assert remembered(drifts) == ["/usr/bin/less"]


def test_data_in_a_programs_place_makes_it_nobodys(tmp_path: Path):
    program = layered(tmp_path) / "usr/bin/tool"
    program.touch()
    drifts = Drifts(tmp_path / "proc")
    for mode in (0o755, 0o644):
        program.chmod(mode)
        drifts.complete(moved("/usr/bin/tool", RUNTIME, process(exe="/sbin/apk")))

    assert remembered(drifts) == []


@pytest.mark.parametrize("made", ["nothing", "a directory", "a link"])
def test_what_cannot_be_looked_at_may_be_a_program(tmp_path: Path, made: str):
    """On a volume, above all: a container's files are looked at where nobody can keep the agent waiting."""
    place = layered(tmp_path) / "usr/bin/tool"
    if made == "a directory":
        place.mkdir()
    elif made == "a link":
        place.symlink_to("/etc/hostname")
    drifts = Drifts(tmp_path / "proc")
    drifts.complete(moved("/usr/bin/tool", RUNTIME, process(exe="/sbin/apk")))

    assert remembered(drifts) == ["/usr/bin/tool"]


def test_so_many_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drift, "_MOST_PLACED", 10)
    drifts = Drifts(tmp_path)
    for number in range(100):
        drifts.complete(moved(f"/srv/{number}", RUNTIME, APK))

    assert remembered(drifts) == [f"/srv/{number}" for number in range(90, 100)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param({"result": -1}, id="a rename that failed"),
        pytest.param({"container": ContainerRef("other")}, id="of another container"),
        pytest.param({"target": "/usr/bin/other"}, id="to another place"),
    ],
)
def test_what_is_of_another_thing_does_not_count(running: Process, after: dict[str, object]):
    drifts = Drifts()
    drifts.complete(moved(running.exe, RUNTIME, APK, **after))

    assert told(drifts, running).placed_by == ()


def test_the_last_to_move_it_counts(running: Process):
    drifts = Drifts()
    drifts.complete(moved(running.exe, RUNTIME, APK))
    drifts.complete(moved(running.exe, RUNTIME, SHELL))

    assert told(drifts, running).placed_by == ("/bin/sh",)


def test_what_was_changed_after_it_was_moved_there_is_nobodys(running: Process):
    changed = datetime.fromtimestamp(Path("/proc/self/exe").stat().st_ctime, UTC)
    drifts = Drifts()
    drifts.complete(moved(running.exe, RUNTIME, APK, at=changed - timedelta(minutes=1)))

    assert told(drifts, running).placed_by == ()


def test_a_program_that_is_only_in_memory_says_so():
    ghost = process(exe="/memfd:ghost", exe_new=True, exe_memfd=True)

    assert told(Drifts(), ghost) == Drift(Origin.MEMORY)


def test_what_is_gone_is_unknown(tmp_path: Path):
    assert told(Drifts(tmp_path), process(exe="/tmp/x", exe_new=True)) == Drift(Origin.UNKNOWN, "gone")


def test_without_layers_to_compare_with_it_is_unknown(running: Process):
    assert told(Drifts(), running) == Drift(Origin.UNKNOWN, "no-layers")
