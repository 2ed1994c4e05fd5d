"""What counts as a fault, and how it is kept: targets that are wrong on purpose."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fuzz.guard import Guard, minimised
from tests.fuzz.hunt import Ground, Hunt
from tests.fuzz.target import MIB, Kind, Target, execute

from hullguard.advisories.versions.order import UnreadableVersion
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.engine_json import decode
from hullguard.model.errors import Invalid


def target(read: Callable[[bytes], Any], **changes: Any) -> Target:
    return Target("wrong", read, lambda: (b"",), **changes)


def _spins(data: bytes) -> None:
    while data:
        pass


def _swells(data: bytes) -> int:
    return len(b"x" * (data[0] * MIB)) if data else 0


def _needs_two(data: bytes) -> None:
    if b"<" in data and data.find(b">") > data.find(b"<"):
        raise KeyError("both")


def _refuses(data: bytes) -> None:
    raise Invalid("no")


def _forgets(data: bytes) -> None:
    raise UnreadableVersion("x", "kind")


@pytest.fixture
def timer() -> Iterator[None]:
    """What the guard sets for its own process is set back."""
    before = signal.getsignal(signal.SIGPROF)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.signal(signal.SIGPROF, before)


def test_what_is_read_or_refused_is_no_fault() -> None:
    assert execute(target(len), b"abc").fault is None
    assert execute(target(_refuses), b"abc").refused


@pytest.mark.parametrize(
    ("read", "kind"),
    [
        (_forgets, Kind.CRASH),
        (lambda data: data[5], Kind.CRASH),
        (lambda data: data.decode(errors="surrogateescape"), Kind.UNWRITABLE),
        (lambda data: "a" * (4 * MIB), Kind.SWOLLEN),
    ],
    ids=["another error", "index", "half a character", "too much"],
)
def test_anything_else_is_one(read: Callable[[bytes], Any], kind: Kind) -> None:
    fault = execute(target(read), b"\xff").fault

    assert fault is not None
    assert fault.kind is kind


def test_a_fault_is_known_by_the_innermost_line_of_the_product() -> None:
    def read(data: bytes) -> object:
        return decode(data, None, "it") if data else ImageConfig().container  # type: ignore[arg-type]

    fault = execute(target(read), b"{}").fault
    assert fault is None

    def broken(data: bytes) -> object:
        return decode(data, 5, "it")  # type: ignore[arg-type]

    fault = execute(target(broken), b"{}").fault
    assert fault is not None
    assert fault.where == "decoding._meet TypeError"


@pytest.mark.usefixtures("timer")
def test_a_hang_is_ended() -> None:
    fault = Guard(target(_spins, seconds=0.05)).run(b"x").outcome.fault

    assert fault is not None
    assert fault.kind is Kind.HANG


@pytest.mark.usefixtures("timer")
def test_memory_is_measured_for_one_input() -> None:
    guard = Guard(target(_swells, memory=100 * MIB))

    assert guard.run(b"\x01").outcome.fault is None
    fault = guard.run(b"\xff").outcome.fault
    assert fault is not None
    assert fault.kind is Kind.MEMORY
    assert guard.run(b"\x01").outcome.fault is None


@pytest.mark.usefixtures("timer")
def test_an_input_is_made_as_short_as_it_can_be() -> None:
    wrong = target(_needs_two)
    fault = execute(wrong, data := b"aaa<" + b"b" * 500 + b">ccc").fault
    assert fault is not None

    assert minimised(wrong, data, fault, seconds=20) == b"<>"


@pytest.mark.usefixtures("timer")
def test_a_fault_is_kept_once_and_forgotten_when_it_is_mended(tmp_path: Path) -> None:
    ground = Ground(tmp_path, target(_needs_two))
    hunt = Hunt(target(_needs_two), ground, seconds=60)
    for data in (b"fine", b"long <      >", b"<>", b"another < >"):
        hunt.one(data)

    (kept,) = ground.inputs()
    assert kept.read_bytes() == b"<>"
    assert "KeyError: 'both'" in kept.with_suffix(".txt").read_text()
    assert ground.status().executions >= 1

    Hunt(target(_needs_two), ground, seconds=60).again()
    assert ground.inputs() == [kept]
    Hunt(target(len), ground, seconds=60).again()
    assert list(ground.faults.iterdir()) == []
