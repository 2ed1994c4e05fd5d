from collections.abc import Callable

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
