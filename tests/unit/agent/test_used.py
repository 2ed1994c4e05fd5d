"""Which files of images are in use, asked of this very process and of children that run what a test wants."""

import asyncio
import mmap
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import Clock, clock
from tests.support.events import event
from tests.support.records import IMAGE, OTHER_IMAGE, container

from hullguard.agent.channel import ChannelLostError
from hullguard.agent.used import SAVED, SHARE, UsedFiles, Uses, container_of
from hullguard.hostmgr import bounds
from hullguard.model.event import ContainerRef, EventKind, ImageRef
from hullguard.wire import codec, limits
from hullguard.wire.messages import AgentMessage, Used

__all__ = ["clock"]

HERE = Path("/proc/self/cgroup").read_text("utf-8").splitlines()[-1]
"""What a container's id is looked for in."""
HOUR = 3600.0


def only(*pids: int) -> Callable[[int], str | None]:
    return lambda pid: HERE if pid in pids else None


@pytest.fixture
def files(clock: Clock) -> UsedFiles:
    """In which this process is a container of an image."""
    found = UsedFiles(only(os.getpid()), clock)
    found.running({HERE: IMAGE})
    return found


def told(files: UsedFiles) -> list[Used]:
    due = files.due()
    for each in due:
        files.told(each)
    return due


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process by the name of java with archives open."""
    program = tmp_path / "java"
    shutil.copy(Path("/bin/sleep").resolve(), program)
    opened = [(tmp_path / name) for name in ("app.jar", "notes.txt")]
    for each in opened:
        each.write_bytes(b"x")
    descriptors = [os.open(each, os.O_RDONLY) for each in opened]
    with subprocess.Popen([program, "600"], pass_fds=descriptors) as process:
        for each in descriptors:
            os.close(each)
        yield process
        process.kill()


def test_programs_and_libraries_are_told_once(files: UsedFiles, clock: Clock):
    files.look()
    (used,) = told(files)
    assert (used.image_id, used.containers, used.whole) == (IMAGE, 1, True)
    assert str(Path("/proc/self/exe").readlink()) in used.files
    assert any("libc" in Path(path).name for path in used.files)
    assert list(used.files) == sorted(set(used.files))
    clock.now += 60
    files.look()
    assert told(files) == []


def test_a_library_that_is_loaded_later_is_told(files: UsedFiles, clock: Clock, tmp_path: Path):
    files.look()
    told(files)
    place = tmp_path / "liblate.so"
    place.write_bytes(b"x" * 4096)
    with (
        place.open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ | mmap.PROT_EXEC, flags=mmap.MAP_PRIVATE),
    ):
        clock.now += 24 * HOUR - 1
        files.look()
    (used,) = told(files)
    assert str(place) in used.files


def test_java_has_its_archives_open(clock: Clock, sleeper: subprocess.Popen[bytes], tmp_path: Path):
    found = UsedFiles(only(sleeper.pid), clock)
    found.running({HERE: IMAGE})
    found.look()
    (used,) = told(found)
    assert {str(tmp_path / "java"), str(tmp_path / "app.jar")} <= set(used.files)
    assert str(tmp_path / "notes.txt") not in used.files


def test_a_server_hears_again_when_something_follows_from_absence_and_now_and_then(files: UsedFiles, clock: Clock):
    files.look()
    told(files)
    heard = []
    for _ in range(24 * 6):
        clock.now += HOUR / 6
        files.look()
        heard += [round((clock.now - 1000) / HOUR, 1) for _ in told(files)]
    assert heard == [1.0, 7.0, 13.0, 19.0]


def test_what_is_not_seen_for_a_day_is_not_in_use(clock: Clock, sleeper: subprocess.Popen[bytes]):
    found = UsedFiles(only(os.getpid(), sleeper.pid), clock)
    found.running({HERE: IMAGE})
    found.look()
    assert any(each.endswith(".jar") for each in told(found)[0].files)
    sleeper.kill()
    sleeper.wait()
    clock.now += 25 * HOUR
    found.look()
    (used,) = told(found)
    assert used.files
    assert not any(each.endswith(".jar") for each in used.files)


def test_a_container_that_ended_unseen_leaves_its_image_partly_watched_for_a_day(files: UsedFiles, clock: Clock):
    files.running({HERE: IMAGE, "b" * 64: IMAGE})
    files.look()
    assert told(files) == [], "one of its containers is still to be read"
    files.running({HERE: IMAGE})
    assert [each.whole for each in told(files)] == [False]
    clock.now += 25 * HOUR
    files.look()
    assert [each.whole for each in told(files)] == [True]


def test_a_process_that_is_gone_or_in_another_container_is_not_asked(clock: Clock):
    found = UsedFiles(lambda pid: "c" * 64 if pid == os.getpid() else None, clock)
    found.running({"c" * 64: IMAGE})
    found.look()
    assert told(found) == []


def test_a_container_that_the_runtime_tells_of_late_is_found(clock: Clock):
    files = UsedFiles(only(os.getpid()), clock)
    files.look()
    assert told(files) == []
    clock.now += 10
    files.running({HERE: IMAGE})
    files.look()
    assert [each.image_id for each in told(files)] == [IMAGE]


def test_without_an_allowance_nothing_is_looked_at(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    spent = [0.0]

    def working() -> float:
        spent[0] += 2 * SAVED
        return spent[0]

    monkeypatch.setattr("hullguard.agent.used.time.thread_time", working)
    looked: list[int] = []

    def who(pid: int) -> str:
        looked.append(pid)
        return "e" * 64

    def rounds(seconds: float) -> bool:
        """Whether a round that long after the last one looks at processes of containers that it does not know."""
        looked.clear()
        clock.now += seconds
        found.running({os.urandom(32).hex(): IMAGE})
        found.look()
        return bool(looked)

    found = UsedFiles(who, clock)
    assert rounds(0), "the first one has what can be saved up, and takes twice as much"
    assert not rounds(SAVED / SHARE)
    assert rounds(1), "and so there is something left again"


def exec_of(path: str, *, new: bool = False, kind: EventKind = EventKind.EXEC, image: str | None = OTHER_IMAGE):
    ref = None if image is None else ImageRef(image, "tool:1")
    happened = event(kind, path=path, container=ContainerRef("d" * 64), image=ref)
    return msgspec.structs.replace(happened, new_file=new)


def test_programs_that_sensors_tell_of_count(files: UsedFiles):
    files.ran(exec_of("/usr/bin/openssl"))
    files.ran(exec_of("/tmp/dropped", new=True))
    files.ran(exec_of("/etc/passwd", kind=EventKind.FILE_OPEN))
    files.ran(exec_of("/bin/nowhere", image=None))
    files.ran(exec_of("/bin/unknown", image=""))
    files.look()
    by_image = {each.image_id: each.files for each in told(files)}
    assert by_image.keys() == {IMAGE, OTHER_IMAGE}
    assert by_image[OTHER_IMAGE] == ("/usr/bin/openssl",)


@given(st.lists(st.text(min_size=1, max_size=600).map(lambda name: "/" + name), max_size=60))
def test_whatever_files_are_called_the_server_takes_it(names: list[str]):
    found = UsedFiles(lambda _: None)
    for name in names:
        found.ran(exec_of(name))
    found.look()
    for used in found.due():
        bounds.check(codec.decode_from_agent(codec.encode(used)))
        assert used.whole == (set(used.files) == set(names))


@pytest.mark.parametrize("name", ["/" + "x" * 512, "/bin/\udcff", "/bin/\n", "/", "/" + "日" * 511])
def test_a_name_that_no_server_takes_is_said_to_be_missing(name: str):
    found = UsedFiles(lambda _: None)
    found.ran(exec_of("/bin/sh"))
    found.ran(exec_of(name))
    found.look()
    (used,) = found.due()
    bounds.check(codec.decode_from_agent(codec.encode(used)))
    assert used.whole == (name in used.files)


def test_a_message_holds_no_more_than_the_server_takes():
    found = UsedFiles(lambda _: None)
    for number in range(limits.USED_FILES + 10):
        found.ran(exec_of(f"/{number:0500}"))
    found.look()
    (used,) = found.due()
    bounds.check(codec.decode_from_agent(codec.encode(used)))
    assert not used.whole


class TestTelling:
    @pytest.fixture
    def sent(self) -> list[AgentMessage]:
        return []

    async def run(self, files: UsedFiles, sent: list[AgentMessage], *, takes: bool, lost: int = 0) -> Uses:
        async def send(message: AgentMessage) -> None:
            if lost > len(sent):
                sent.append(message)
                raise ChannelLostError("the session ended")
            sent.append(message)

        uses = Uses(files, lambda: takes, send)
        uses.seen([msgspec.structs.replace(container(), id=HERE)])
        await asyncio.to_thread(uses.round)
        await uses.tell()
        return uses

    async def test_a_server_that_takes_it_is_told(self, clock: Clock, sent: list[AgentMessage]):
        uses = await self.run(UsedFiles(only(os.getpid()), clock), sent, takes=True)
        assert [each.image_id for each in sent if isinstance(each, Used)] == [IMAGE]
        await uses.tell()
        assert len(sent) == 1

    async def test_an_older_server_is_told_nothing(self, clock: Clock, sent: list[AgentMessage]):
        await self.run(UsedFiles(only(os.getpid()), clock), sent, takes=False)
        assert sent == []

    async def test_what_was_lost_is_told_again(self, clock: Clock, sent: list[AgentMessage]):
        uses = await self.run(UsedFiles(only(os.getpid()), clock), sent, takes=True, lost=1)
        assert len(sent) == 1
        await uses.tell()
        assert sent[0] == sent[1]


def test_a_process_of_no_container_has_none():
    assert container_of(1 << 22) is None
    assert container_of(os.getpid()) is None or len(container_of(os.getpid()) or "") == 64


def test_the_beginning_of_the_watch_is_told_as_it_is(files: UsedFiles):
    before = datetime.now(UTC)
    files.look()
    assert before <= told(files)[0].since <= datetime.now(UTC)
