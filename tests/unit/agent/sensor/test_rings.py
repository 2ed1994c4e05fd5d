import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hullguard.agent.sensor.abi import Head
from hullguard.agent.sensor.rings import Ring, drain


def record(sequence: int) -> bytes:
    raw = bytearray(Head.sequence.offset + 8)
    raw[Head.sequence.offset :] = sequence.to_bytes(8, "little")
    return bytes(raw)


def number(raw: bytes) -> int:
    return int.from_bytes(raw[Head.sequence.offset :], "little")


class Queue(Ring):
    """Records in memory; ``looked`` is called before each look, as the kernel may write at any moment."""

    def __init__(self, *sequences: int, looked: Callable[[], None] = lambda: None) -> None:
        self.records = [record(each) for each in sequences]
        self._looked = looked

    def peek(self) -> bytes | None:
        self._looked()
        return self.records[0] if self.records else None

    def advance(self) -> None:
        del self.records[0]


def drained(*rings: Queue, limit: int = 100) -> list[int]:
    taken: list[int] = []
    assert drain(rings, lambda raw: taken.append(number(raw)), limit) == len(taken)
    return taken


def test_records_of_all_rings_come_in_their_order():
    assert drained(Queue(2, 5), Queue(1, 3, 9), Queue(), Queue(4)) == [1, 2, 3, 4, 5, 9]


def test_no_more_than_asked_for_are_taken():
    first, second = Queue(1, 3), Queue(2, 4)

    assert drained(first, second, limit=3) == [1, 2, 3]
    assert ([*map(number, first.records)], [*map(number, second.records)]) == ([], [4])


def test_a_start_that_comes_while_its_ring_seems_empty_is_before_what_the_program_does():
    starts = Queue()
    coming = [(5, 6), (7, 8)]

    def both_come() -> None:
        if coming and not files.records:
            start, deed = coming.pop(0)
            starts.records.append(record(start))
            files.records.append(record(deed))

    files = Queue(looked=both_come)

    assert drained(starts, files) == [5, 6, 7, 8]


def test_a_record_that_raises_stays():
    ring = Queue(1, 2)

    def refuse(raw: bytes) -> None:
        if number(raw) == 2:
            raise OSError

    try:
        drain((ring,), refuse, 10)
    except OSError:
        assert [*map(number, ring.records)] == [2]
    else:
        raise AssertionError("what the taker raises must be heard")


SIZE = mmap.PAGESIZE
LARGE = 1 << 19
WINDOW = 1 << 16


class Kernel:
    """The other side of a ring, in a file that is laid out as a ring's memory is: it is read as a map of that kind."""

    def __init__(self, place: Path, size: int = SIZE) -> None:
        self.fd = os.open(place, os.O_RDWR | os.O_CREAT)
        os.truncate(self.fd, 2 * mmap.PAGESIZE + 2 * size)
        self._memory = mmap.mmap(self.fd, 0)
        self._size = size
        self._at = 0

    def entries(self) -> int:
        return self._size

    def close(self) -> None:
        self._memory.close()
        os.close(self.fd)

    def write(self, data: bytes, *, taken_back: bool = False) -> None:
        whole = (len(data) | taken_back << 30).to_bytes(8, "little") + data + bytes(-len(data) % 8)
        for offset, byte in enumerate(whole):
            for first in (0, self._size):  # the kernel maps the same pages twice in a row
                self._memory[2 * mmap.PAGESIZE + first + (self._at + offset) % self._size] = byte
        self._at += len(whole)
        self._memory[mmap.PAGESIZE : mmap.PAGESIZE + 8] = self._at.to_bytes(8, "little")


@pytest.mark.parametrize("length", [1, 8, 24, 100, 1000, SIZE - 8])
def test_a_record_that_wraps_around_is_read_whole(tmp_path: Path, length: int):
    kernel = Kernel(tmp_path / "ring")
    ring = Ring(kernel)
    for number_of in range(3 * SIZE // (length + 8) + 3):
        data = bytes((number_of + each) % 251 for each in range(length))
        kernel.write(data)
        assert (ring.peek(), ring.waiting()) == (data, (length + 8 + 7) & ~7)
        ring.advance()
        assert ring.peek() is None
    ring.close()


def mapped(place: Path) -> int:
    """Bytes of this process that are the file's."""
    ranges = [
        line.split()[0].partition("-")
        for line in Path("/proc/self/maps").read_text().splitlines()
        if str(place) in line
    ]
    return sum(int(end, 16) - int(start, 16) for start, _, end in ranges)


@pytest.mark.parametrize("size", [SIZE, LARGE])
def test_no_more_is_mapped_than_is_read(tmp_path: Path, size: int):
    """The kernel offers a ring twice in a row, and all of that would be counted as the agent's memory."""
    kernel = Kernel(tmp_path / "ring", size)
    before = mapped(tmp_path / "ring")
    ring = Ring(kernel)

    assert mapped(tmp_path / "ring") - before == 2 * mmap.PAGESIZE + min(size, WINDOW)
    ring.close()
    assert mapped(tmp_path / "ring") == 0  # the kernel's side has gone, too


def test_a_large_ring_is_read_piece_by_piece(tmp_path: Path):
    """Twice around, with records that lie across the pieces' ends, and one that is larger than a piece."""
    kernel = Kernel(tmp_path / "ring", LARGE)
    before = mapped(tmp_path / "ring")
    ring = Ring(kernel)
    lengths = [20_000, 7, 2 * WINDOW, 33_333]
    for number_of in range(24):
        data = bytes([number_of]) * lengths[number_of % 4]
        kernel.write(data)
        assert ring.peek() == data
        ring.advance()
        assert ring.peek() is None
        assert mapped(tmp_path / "ring") - before <= 4 * mmap.PAGESIZE + len(data) + WINDOW
    ring.close()


@pytest.mark.parametrize("length", [100, SIZE - 8])
def test_what_the_kernel_took_back_is_passed_over(tmp_path: Path, length: int):
    kernel = Kernel(tmp_path / "ring")
    ring = Ring(kernel)
    kernel.write(bytes(length), taken_back=True)
    assert ring.peek() is None
    kernel.write(b"kept")
    assert ring.peek() == b"kept"
    ring.close()
