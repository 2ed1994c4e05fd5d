"""What processes had loaded, asked of this very process."""

import mmap
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.support.events import RUNTIME, event, process

from hullguard.agent.loaded import AGAIN_SECONDS, Libraries
from hullguard.agent.respond.processes import held, started_at
from hullguard.model.event import ContainerRef, Event, EventKind, Process
from hullguard.model.incident import Loaded

HERE = Path("/proc/self/cgroup").read_text("utf-8").splitlines()[-1]
"""What a container's id is looked for in."""


@pytest.fixture
def running() -> Process:
    with held(os.getpid(), HERE) as directory:
        return process(pid=os.getpid(), exe=str(Path("/proc/self/exe").readlink()), started=started_at(directory))


def opened(*lineage: Process, kind: EventKind = EventKind.FILE_OPEN, container: str = HERE) -> Event:
    return event(kind, lineage=(RUNTIME, *lineage), container=ContainerRef(container))


def anything(container: str, path: str) -> bool:
    del container, path
    return True


def test_the_program_and_its_libraries_are_told(running: Process):
    found = Libraries(anything).of(opened(running))

    assert found.whole
    assert running.exe in found.files
    assert any("libc" in Path(path).name for path in found.files)
    assert all(path.startswith("/") for path in found.files)


def test_what_is_only_read_is_not_told(running: Process, tmp_path: Path):
    place = tmp_path / "libread.so"
    place.write_bytes(b"x" * 4096)
    with place.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ):
        assert str(place) in Path("/proc/self/maps").read_text("utf-8")
        assert str(place) not in Libraries(anything).of(opened(running)).files


def test_a_file_that_is_gone_or_not_the_images_own_is_not_told(running: Process, tmp_path: Path):
    kept, gone = tmp_path / "libkept.so", tmp_path / "libgone.so"
    mapped = []
    for place in (kept, gone):
        place.write_bytes(b"x" * 4096)
        with place.open("rb") as file:
            mapped.append(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE))
    gone.unlink()

    assert str(kept) in Libraries(anything).of(opened(running)).files
    assert not any("libgone" in path for path in Libraries(anything).of(opened(running)).files)
    assert Libraries(lambda _, path: "libc" in path).of(opened(running)).files
    assert str(kept) not in Libraries(lambda _, path: "libc" in path).of(opened(running)).files
    for each in mapped:
        each.close()


@pytest.mark.parametrize("missing", ["ended", "another", "elsewhere", "undated"])
def test_of_a_process_that_cannot_be_asked_nothing_is_known(running: Process, missing: str):
    assert running.started is not None
    changed = {
        "ended": {"pid": 1 << 22},
        "another": {"started": running.started - timedelta(minutes=1)},
        "elsewhere": {},
        "undated": {"started": None},
    }[missing]
    asked = msgspec.structs.replace(running, **changed)
    container = "another container" if missing == "elsewhere" else HERE

    assert Libraries(anything).of(opened(asked, container=container)) == Loaded()


def test_one_that_is_gone_does_not_hide_what_the_other_had(running: Process):
    gone = process(pid=1 << 22, started=datetime.now(UTC))
    found = Libraries(anything).of(opened(running, gone))

    assert running.exe in found.files
    assert not found.whole


def test_a_program_that_only_just_began_has_not_loaded_everything_yet(running: Process):
    assert not Libraries(anything).of(opened(running, kind=EventKind.EXEC)).whole


def test_what_was_read_stands_for_a_while(running: Process):
    now = 0.0
    libraries = Libraries(anything, lambda: now)
    before = libraries.of(opened(running))
    with Path(__file__).open("rb") as file:
        late = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE)
    now = AGAIN_SECONDS - 1
    assert libraries.of(opened(running)) == before
    now = AGAIN_SECONDS
    assert __file__ in libraries.of(opened(running)).files
    late.close()


def test_the_runtime_itself_is_not_asked(running: Process):
    outside = msgspec.structs.replace(running, outside=True)
    assert Libraries(anything).of(opened(outside)) == Loaded((), whole=True)
