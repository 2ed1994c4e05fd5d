"""Layers hashed by other processes, and believed until they are: nothing is told that a hash did not confirm."""

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.images import DEBIAN_12, Image, file, layer

from hullguard.inventory import LayerCache, Limits, read
from hullguard.inventory.source import ahead as ahead_module
from hullguard.inventory.source import unchanged
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.early import hashed_early
from hullguard.inventory.streams import Section
from hullguard.inventory.tar import TarWalk
from hullguard.model.errors import HullguardError, Invalid

LARGE = random.Random(40).randbytes(5 << 20)


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Processes that were made; none of them is left. What threads other tests left does not matter here."""
    pids, fork = list[int](), os.fork

    def forked() -> int:
        if pid := fork():
            pids.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", forked)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    yield pids
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[bytes], Section]]:
    """A file with some content, as a section."""
    files = list[int]()

    def section(content: bytes) -> Section:
        path = tmp_path / f"file-{len(files)}"
        path.write_bytes(content)
        descriptor = os.open(path, os.O_RDONLY)
        files.append(descriptor)
        return Section(lambda size, offset: os.pread(descriptor, size, offset), 0, len(content), descriptor)

    yield section
    for descriptor in files:
        os.close(descriptor)


def image(*names: str, compression: str = "none") -> Image:
    layers = [layer(file(f"srv/{name}", name), file(f"srv/large-{name}", LARGE + name.encode())) for name in names]
    return Image([layer(file("etc/os-release", DEBIAN_12)), *layers], compression=compression)


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def nothing() -> None:
    pass


def damaged(path: Path) -> None:
    """Another byte within the last large file."""
    content = bytearray(path.read_bytes())
    content[content.rindex(LARGE[-64:])] ^= 1
    path.write_bytes(content)


def test_a_word_that_is_kept_counts_and_one_that_is_not_does_not(opened: Callable[[bytes], Section]) -> None:
    one, other, done = opened(b"one"), opened(LARGE), list[str]()
    with Ahead() as ahead:
        ahead.hash([one, other])
        ahead.rely(other, digest(LARGE), lambda: done.append("other"))
        ahead.rely(one, digest(b"one"), lambda: done.append("one"))
        assert ahead.kept()
        assert done == ["other", "one"]
    with Ahead() as ahead:
        ahead.hash([one, other])
        ahead.rely(other, digest(LARGE), lambda: done.append("again"))
        ahead.rely(one, digest(b"two"), nothing)
        assert not ahead.kept()
        assert done == ["other", "one"]


def test_parts_of_one_file_are_told_apart(opened: Callable[[bytes], Section]) -> None:
    whole = opened(b"firstsecond")
    first = Section(whole.pread, 0, 5, whole.descriptor)
    second = Section(whole.pread, 5, 6, whole.descriptor)
    with Ahead() as ahead:
        ahead.hash([first, second])
        assert ahead.lease(whole) is None
        assert ahead.lease(first) is not None
        ahead.rely(first, digest(b"first"), nothing)
        ahead.rely(second, digest(b"second"), nothing)
        assert ahead.kept()


def test_nothing_counts_once_somebody_wants_to_write_to_the_file(
    opened: Callable[[bytes], Section], tmp_path: Path
) -> None:
    section = opened(LARGE)
    with Ahead() as ahead:
        ahead.hash([section])
        ahead.rely(section, digest(LARGE), nothing)
        with pytest.raises(BlockingIOError):
            os.open(tmp_path / "file-0", os.O_WRONLY | os.O_NONBLOCK)
        assert not ahead.kept()


def test_a_file_that_somebody_writes_to_already_is_not_hashed(
    opened: Callable[[bytes], Section], tmp_path: Path, made: list[int]
) -> None:
    section = opened(LARGE)
    with (tmp_path / "file-0").open("ab"), Ahead() as ahead:
        ahead.hash([section])
        assert ahead.lease(section) is None
        assert not made


def test_a_process_that_was_ended_answers_nothing(opened: Callable[[bytes], Section], made: list[int]) -> None:
    section = opened(LARGE)
    with Ahead() as ahead:
        ahead.hash([section])
        os.kill(made[0], signal.SIGKILL)
        ahead.rely(section, digest(LARGE[:1]), nothing)
        assert not ahead.kept()


def test_without_room_for_processes_nothing_is_hashed(
    opened: Callable[[bytes], Section], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> int:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(os, "fork", full)
    section = opened(LARGE)
    with Ahead() as ahead:
        ahead.hash([section])
        assert not ahead.processes
        assert ahead.lease(section) is None


def test_what_nobody_asked_for_is_given_up(opened: Callable[[bytes], Section], made: list[int]) -> None:
    one, other = opened(b"one"), opened(b"other")
    with Ahead() as ahead:
        ahead.hash([one, other])
        ahead.hash([one, other, opened(b"more")])
        assert len(made) == ahead.processes  # those go on
        ahead.hash([other])
        assert ahead.lease(one) is None
        ahead.rely(other, digest(b"other"), nothing)
        assert ahead.kept()


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("form", ["docker_archive", "oci_dir"])
@pytest.mark.parametrize("scanners", [frozenset[str](), frozenset({"secret"})])
def test_an_image_reads_the_same(
    tmp_path: Path, made: list[int], form: str, compression: str, scanners: frozenset[str]
) -> None:
    target = str(getattr(image("a", "b", compression=compression), form)(tmp_path / "image"))

    alone = read(target, scanners=scanners, processes=1)

    assert not made
    assert read(target, scanners=scanners, processes=2) == alone
    assert bool(made) is (compression == "none")
    assert read(target, scanners=scanners, processes=2, ahead=hashed_early(target, None)) == alone


@pytest.mark.parametrize("early", [True, False])
def test_a_layer_that_is_not_what_it_is_called_is_refused_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, early: bool
) -> None:
    monkeypatch.setattr(unchanged, "SETTLED_NS", -(10**12))
    path, cache = image("a", "b").docker_archive(tmp_path / "i.tar"), LayerCache(tmp_path / "cache")
    damaged(path)
    with pytest.raises(Invalid, match="not what its digest says") as alone:
        read(str(path), processes=1)

    with pytest.raises(Invalid) as believed:
        read(str(path), cache=cache, processes=2, ahead=hashed_early(str(path), None) if early else None)

    assert str(believed.value) == str(alone.value)
    with pytest.raises(Invalid, match="not what its digest says"):  # nothing was kept as what it is not
        read(str(path), cache=cache, processes=2)


def test_an_image_is_read_again_when_nobody_can_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image("a", "b").docker_archive(tmp_path / "i.tar")
    alone = read(str(path), processes=1)
    walks, walk = list[str](), TarWalk.__iter__

    def counted(self: TarWalk) -> Iterator[object]:
        walks.append(self._what)
        return walk(self)

    def ended(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(ahead_module, "_hash", ended)
    monkeypatch.setattr(TarWalk, "__iter__", counted)

    assert read(str(path), processes=2) == alone
    assert sum("layer" in what for what in walks) > 3  # in this process alone, whoever else read some of them


def test_what_is_damaged_is_said_as_by_one_process(tmp_path: Path) -> None:
    path = image("a", "b").docker_archive(tmp_path / "i.tar")
    content = bytearray(path.read_bytes())
    header = content.rindex(b"srv/large-b")
    content[header + 148 : header + 156] = b"0000000\0"
    path.write_bytes(content)
    said = set[str]()

    for processes in (1, 2):
        with pytest.raises(HullguardError) as error:
            read(str(path), processes=processes)
        said.add(str(error.value))

    assert len(said) == 1


def test_a_limit_ends_it_as_with_one_process(tmp_path: Path) -> None:
    path, limits = image("a", "b").docker_archive(tmp_path / "i.tar"), Limits(entries=3)

    found = read(str(path), limits=limits, processes=2)

    assert not found.complete
    assert found == read(str(path), limits=limits, processes=1)


def test_what_was_kept_is_not_hashed_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[int]
) -> None:
    monkeypatch.setattr(unchanged, "SETTLED_NS", -(10**12))
    path, cache = str(image("a", "b").docker_archive(tmp_path / "i.tar")), LayerCache(tmp_path / "cache")
    first = read(path, cache=cache, processes=2, ahead=hashed_early(path, tmp_path / "cache"))
    assert made
    made_before = len(made)

    with hashed_early(path, tmp_path / "cache") as ahead:
        assert not ahead.processes
        assert read(path, cache=cache, processes=2, ahead=ahead) == first
    assert len(made) == made_before


def test_what_was_hashed_in_vain_is_given_up_for_what_is_read(
    tmp_path: Path, made: list[int], opened: Callable[[bytes], Section]
) -> None:
    path = str(image("a", "b").docker_archive(tmp_path / "i.tar"))
    alone = read(path, processes=1)
    ahead = Ahead()
    ahead.hash([opened(LARGE)])
    before = list(made)

    assert read(path, processes=2, ahead=ahead) == alone

    assert made != before


@pytest.mark.parametrize("content", [b"", b"{}", b"\x1f\x8b\x08" + LARGE * 2, LARGE * 2, bytes(9 << 20)])
def test_what_is_no_archive_is_not_hashed(tmp_path: Path, made: list[int], content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    for target in (str(tmp_path / "x"), f"docker-archive:{tmp_path / 'x'}", str(tmp_path), "nginx:1", "a\0b", ""):
        with hashed_early(target, None) as ahead:
            assert not ahead.processes

    assert not made


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with hashed_early(str(tmp_path / "pipe"), None) as ahead:
        assert not ahead.processes


def test_who_hashes_ends_when_nobody_is_left_to_ask(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as sparse:
        sparse.truncate(8 << 30)
    descriptor = os.open(path, os.O_RDONLY)
    told, tell = os.pipe()
    if not (asks := os.fork()):
        ahead = Ahead()
        ahead.hash([Section(lambda size, offset: os.pread(descriptor, size, offset), 0, 8 << 30, descriptor)])
        os.write(tell, b"%d" % ahead._children[0])
        os._exit(0)
    os.waitpid(asks, 0)
    hashes = int(os.read(told, 20))
    for one in (descriptor, told, tell):
        os.close(one)

    deadline = time.monotonic() + 60
    while lives(hashes):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def lives(pid: int) -> bool:
    """Nobody may be there to ask for how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
