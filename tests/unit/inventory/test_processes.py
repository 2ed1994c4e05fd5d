"""Layers read by several processes: the same result as by one, whatever happens to the others."""

import faulthandler
import mmap
import os
import random
import resource
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.images import Image, file, layer
from tests.support.specimens import specimen

from hullguard.inventory import Limits, read
from hullguard.inventory.content.catalog import inspectors_of
from hullguard.inventory.content.secrets.rules.catalog import RULES
from hullguard.inventory.layer import IndexedLayer, LayerIndex
from hullguard.inventory.limits import Budget
from hullguard.inventory.processes import Read, spread
from hullguard.inventory.source.blobs import LayerBlob, PlacedBlobs
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.wanted import Wanted
from hullguard.model.errors import Invalid, LimitReached
from hullguard.words.catalogue import load

TOKEN = specimen(next(rule for rule in RULES if rule.id == "github-token")).decode()
LARGE = random.Random(7).randbytes(5 << 20)
CHINESE = load("zh")
SECRET = frozenset({"secret"})
BESIDE = list[threading.Thread]()
"""Threads of a test's own."""


@pytest.fixture(autouse=True)
def made_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Those that are made; when all is done none of them is left. What threads other tests left does not matter here."""
    made, fork = list[int](), os.fork

    def forked() -> int:
        if pid := fork():
            made.append(pid)
        return pid

    monkeypatch.setattr(os, "fork", forked)
    monkeypatch.setattr(threading, "active_count", lambda: len(BESIDE) + 1)
    yield made
    for pid in made:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def image(*names: str, compression: str = "none") -> Image:
    """One layer with a credential and something large for each name."""
    return Image(
        [layer(file(f"srv/{name}", f"token={TOKEN}\n"), file(f"srv/large-{name}", LARGE)) for name in names],
        compression=compression,
    )


def reader(limits: Limits | None = None, *, processes: int = 3) -> LayerReader:
    wanted = Wanted([], inspectors=inspectors_of(SECRET))
    return LayerReader(wanted, Budget(limits or Limits()), None, processes=processes)


def made(number: int) -> IndexedLayer:
    return IndexedLayer(LayerIndex(others=bytes([number])), f"sha256:{number}", "", number)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_what_several_processes_find_is_what_one_does(
    tmp_path: Path, made_processes: list[int], compression: str
) -> None:
    names = [f"{number}\udcff\n" if number == 2 else str(number) for number in range(5)]
    path = image(*names, compression=compression).docker_archive(tmp_path / "i.tar")

    alone = read(str(path), scanners=SECRET, processes=1)

    assert not made_processes
    assert read(str(path), scanners=SECRET, processes=3) == alone
    assert len(made_processes) == (3 if compression == "none" else 2)  # of which one hashes
    assert len(alone.secrets) == 5
    assert alone.complete


def test_all_of_their_progress_is_told(tmp_path: Path) -> None:
    path = image(*"abcd").docker_archive(tmp_path / "i.tar")
    told: dict[int, int] = {}

    for processes in (1, 3):
        told[processes] = 0

        def tell(_: str, count: int, processes: int = processes) -> None:
            told[processes] += count

        read(str(path), scanners=SECRET, processes=processes, progress=tell)

    assert told[1] == told[3] > 4 * len(LARGE)


def test_a_layer_that_is_not_what_its_digest_says_is_said(tmp_path: Path) -> None:
    path = image(*"abcd").oci_dir(tmp_path / "oci")
    blobs = sorted(path.glob("blobs/sha256/*"), key=lambda blob: blob.stat().st_size)
    content = bytearray(blobs[-1].read_bytes())
    content[-2000] ^= 1
    blobs[-1].write_bytes(content)

    with pytest.raises(Invalid, match="not what its digest says"):
        read(str(path), scanners=SECRET, processes=3)


def test_a_limit_that_only_all_together_reach_ends_the_scan_as_with_one(tmp_path: Path) -> None:
    path, limits = image(*"abcd").docker_archive(tmp_path / "i.tar"), Limits(entries=5)

    several = read(str(path), limits=limits, scanners=SECRET, processes=4)

    assert not several.complete
    assert several == read(str(path), limits=limits, scanners=SECRET, processes=1)


def test_what_all_of_them_spent_is_charged() -> None:
    def spending(number: int, own: LayerReader) -> IndexedLayer:
        own.budget.spend_entry(10)
        return made(number)

    charged = reader()
    spread(range(4), spending, charged, 3)

    assert charged.budget.spent == (0, 0, 0, 40, 0, 0, 0, 0, 0, 0)
    with pytest.raises(LimitReached):
        spread(range(4), spending, reader(Limits(entries=39)), 3)


def by_two(other: Callable[[], None]) -> Read:
    """Reads that this process begins with once the other one has taken a layer, of which it does ``other``."""
    asking, (told, telling), met = os.getpid(), os.pipe(), list[bytes]()

    def work(number: int, _: LayerReader) -> IndexedLayer:
        if os.getpid() != asking:
            os.write(telling, b"x")
            other()
        elif not met:
            met.append(os.read(told, 1))
            os.close(told)
            os.close(telling)
        return made(number)

    return work


def test_a_layer_that_kills_its_process_is_left_to_who_asked() -> None:
    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    found = spread(range(9), by_two(die), reader(), 2)

    assert len(found.layers) == 8
    assert list(found.ended.values()) == [signal.SIGKILL]
    assert not set(found.ended) & set(found.layers)


def dying(monkeypatch: pytest.MonkeyPatch, by: int, times: int) -> None:
    """Has so many processes die as soon as they begin a layer; this one waits until the first of them did."""
    asking, (told, telling), layer_of = os.getpid(), os.pipe(), PlacedBlobs.layer
    left = memoryview(mmap.mmap(-1, 8)).cast("Q")
    left[0] = times
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))

    def layer_read(self: PlacedBlobs, blob: LayerBlob, own: LayerReader) -> IndexedLayer:
        if os.getpid() == asking:
            if os.read(told, 1) != b"":
                os.write(telling, b"x")  # for the next that asks
        elif left[0]:
            left[0] -= 1
            os.write(telling, b"x")
            faulthandler.disable()
            os.kill(os.getpid(), by)
        return layer_of(self, blob, own)

    monkeypatch.setattr(PlacedBlobs, "layer", layer_read)


@pytest.mark.parametrize(("by", "complete"), [(signal.SIGSEGV, False), (signal.SIGBUS, False), (signal.SIGKILL, True)])
def test_that_a_signal_ended_a_process_is_told_and_its_layer_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: int, complete: bool
) -> None:
    path = image(*"abcd").docker_archive(tmp_path / "i.tar")
    dying(monkeypatch, by, 1)

    inventory = read(str(path), scanners=SECRET, processes=2)

    assert len(inventory.secrets) == 4
    assert inventory.complete is complete
    (told,) = (one for one in inventory.unknowns if one.what == "a process")
    assert told.why.endswith(f": signal {int(by)} ended the process that read it, and another one read it again")
    assert "重新读取" in CHINESE.of(told.why)


def test_a_layer_that_ends_every_process_that_reads_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(*"abcd").docker_archive(tmp_path / "i.tar")
    dying(monkeypatch, signal.SIGSEGV, 2)

    with pytest.raises(Invalid, match="signal 11 ended the process that read it, and then another one") as raised:
        read(str(path), scanners=SECRET, processes=2)
    assert "无法读取" in CHINESE.of(str(raised.value))


@pytest.mark.parametrize("error", [Invalid("broken"), MemoryError(), RuntimeError("a bug")])
def test_what_fails_in_another_process_is_left_to_who_asked(error: Exception) -> None:
    def fail() -> None:
        raise error

    assert len(spread(range(2), by_two(fail), reader(), 2).layers) < 2


def test_an_interrupt_leaves_no_process_behind() -> None:
    asking = os.getpid()

    def interrupted(number: int, _: LayerReader) -> IndexedLayer:
        if os.getpid() == asking:
            raise KeyboardInterrupt
        signal.pause()
        return made(number)

    with pytest.raises(KeyboardInterrupt):
        spread(range(9), interrupted, reader(), 3)


def test_where_no_process_can_be_made_one_reads_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(*"abcd").docker_archive(tmp_path / "i.tar")

    def refused() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refused)

    assert len(read(str(path), scanners=SECRET, processes=3).secrets) == 4


@pytest.mark.parametrize(
    ("large", "beside"),
    [(b"", False), (LARGE, True)],
    ids=["small", "other threads"],
)
def test_none_is_made_where_it_does_not_pay_or_must_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bytes, beside: bool
) -> None:
    contents: Sequence[bytes] = [layer(file("srv/a", f"token={TOKEN}{n}\n"), file("srv/b", large)) for n in range(3)]
    path = Image(contents).docker_archive(tmp_path / "i.tar")
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    over = threading.Event()
    if beside:
        BESIDE.append(threading.Thread(target=over.wait))
        BESIDE[0].start()

    inventory = read(str(path), scanners=SECRET, processes=3)

    over.set()
    while BESIDE:
        BESIDE.pop().join()
    assert inventory.complete
