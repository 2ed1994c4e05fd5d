"""Layers read by several processes: reading one is mostly Python, of which a process runs one thread at a time.

They are forked, so that each has all that was loaded and nothing has to be told to it. Only a process that has no other
thread may do that, so servers and agents never ask for it. What a process could not do, because something was wrong
with a layer or with the process, is absent from what it hands over: whoever asked reads it again, and says what it was.
Of a process that a signal ended it is told which layer it had begun: that may be what ended it.
"""

import functools
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import BinaryIO, NamedTuple

import msgspec
from msgspec import Struct

from hullguard.inventory.cache import UNREADABLE
from hullguard.inventory.children import forked, reap
from hullguard.inventory.layer import IndexedLayer, LayerIndex
from hullguard.inventory.source.reader import LayerReader, Progress
from hullguard.model.decoding import from_msgpack
from hullguard.model.errors import HullguardError

_NUMBER, _LENGTH = struct.Struct("<I"), struct.Struct("<Q")
_SLOT = 16
"""Numbers that a process shares with the others: how far it is, and what it spent."""
_ENDED, _FIRST, _BEGUN = 0, 1, 15
_AGAIN = 0.1
"""Seconds after which a bar is told how far the others are."""

Read = Callable[[int, LayerReader], IndexedLayer]


class Spread(NamedTuple):
    """What several processes did."""

    layers: dict[int, IndexedLayer]
    """By their number, as far as they could be read."""
    ended: dict[int, int]
    """The layers that processes had begun when a signal ended them, with its number."""


def alone(number: int, read: Read, reader: LayerReader) -> Spread:
    """One layer in a process of its own, for what may end the process that reads it."""
    return spread([number], read, reader, 2, asking=False)


def spread(numbers: Sequence[int], read: Read, reader: LayerReader, count: int, *, asking: bool = True) -> Spread:
    """Reads layers by ``count`` processes, of which this one is the first; without ``asking`` it reads none itself.

    The budget is charged with what all of them spent; raises LimitReached where that is too much for one image.
    """
    for inspector in reader.wanted.inspectors:
        inspector.ready()
    queue, board = _queue(numbers), _Board(count)
    others: list[tuple[int, int]] = []
    found, ended = dict[int, IndexedLayer](), dict[int, int]()
    try:
        with suppress(OSError):  # as many as there may be
            others.extend(_forked(_Help(queue, board, slot, read, reader)) for slot in range(1, count))
        told = _telling(reader.progress, board)
        if asking:
            found.update(_taken(queue, board, 0, read, reader.telling(told)))
        _wait(others, told)
        for slot, (pid, handed) in enumerate(others, 1):
            found.update(_received(handed))
            reader.budget.join(board.spent(slot, len(reader.budget.spent)))
            begun, signal_ = board.begun(slot), _signal_of(pid)
            if signal_ and begun is not None and begun not in found:
                ended[begun] = signal_
    finally:
        board.end()
        os.close(queue)
        for pid, handed in others:
            reap(pid)
            os.close(handed)
    return Spread(found, ended)


class _Handed(Struct, array_like=True):
    """A layer on its way from one process to another."""

    number: int
    diff_id: str
    digest: str
    size: int
    index: LayerIndex


class _Board:
    """Memory that the processes share: whether it is over, and for each how far it is and what it spent."""

    def __init__(self, count: int) -> None:
        self._numbers = memoryview(mmap.mmap(-1, 8 * _SLOT * count)).cast("Q")

    def end(self) -> None:
        self._numbers[_ENDED] = 1

    @property
    def ended(self) -> bool:
        return bool(self._numbers[_ENDED])

    def advance(self, slot: int, count: int) -> None:
        self._numbers[slot * _SLOT] += count

    @property
    def advanced(self) -> int:
        """Bytes that the other processes read so far."""
        return sum(self._numbers[_SLOT::_SLOT])

    def begin(self, slot: int, number: int) -> None:
        """Notes the layer that a process reads from now on."""
        self._numbers[slot * _SLOT + _BEGUN] = number + 1

    def begun(self, slot: int) -> int | None:
        """The last one that it began."""
        number = int(self._numbers[slot * _SLOT + _BEGUN])
        return number - 1 if number else None

    def spend(self, slot: int, spent: Sequence[int]) -> None:
        for place, number in enumerate(spent, slot * _SLOT + _FIRST):
            self._numbers[place] = number

    def spent(self, slot: int, count: int) -> list[int]:
        begin = slot * _SLOT + _FIRST
        return list(self._numbers[begin : begin + count])


def _queue(numbers: Sequence[int]) -> int:
    """A file from which each process takes the number of the layer that it reads next: they share its place in it."""
    queue = os.memfd_create("numbers of layers")
    with os.fdopen(queue, "wb", closefd=False) as file:
        file.write(b"".join(map(_NUMBER.pack, numbers)))
        file.seek(0)
    return queue


def _taken(queue: int, board: _Board, slot: int, read: Read, reader: LayerReader) -> Iterator[tuple[int, IndexedLayer]]:
    """Reads layers until there are no more, or somebody found one that cannot be read."""
    while not board.ended and (taken := os.read(queue, _NUMBER.size)):
        (number,) = _NUMBER.unpack(taken)
        board.begin(slot, number)
        try:
            layer = read(number, reader)
        except HullguardError:
            board.end()
            return
        if layer.stopped is not None:
            board.end()
            return
        yield number, layer


class _Help(NamedTuple):
    """What another process is to do."""

    queue: int
    board: _Board
    slot: int
    read: Read
    reader: LayerReader


def _forked(help_: _Help) -> tuple[int, int]:
    """Another process: its number, and the file into which it puts what it read."""
    handed = os.memfd_create("layers")
    try:
        return forked(functools.partial(_live, help_, handed)), handed
    except OSError:
        os.close(handed)
        raise


def _live(help_: _Help, handed: int) -> None:
    try:
        _work(help_, handed)
    except BaseException:  # noqa: BLE001 - whoever asked meets it again, and can say it
        help_.board.end()


def _work(help_: _Help, handed: int) -> None:
    queue, board, slot, read, reader = help_
    parent, before = os.getppid(), reader.budget.spent
    own = reader.telling(lambda _, count: board.advance(slot, count))
    try:
        with os.fdopen(handed, "wb") as file:
            for number, layer in _taken(queue, board, slot, read, own):
                _hand_over(file, number, layer)
                if os.getppid() != parent:
                    return
    finally:
        board.spend(slot, [now - then for now, then in zip(reader.budget.spent, before, strict=True)])


def _hand_over(file: BinaryIO, number: int, layer: IndexedLayer) -> None:
    content = msgspec.msgpack.encode(_Handed(number, layer.diff_id, layer.digest, layer.size, layer.index))
    file.write(_LENGTH.pack(len(content)))
    file.write(content)


def _received(handed: int) -> Iterator[tuple[int, IndexedLayer]]:
    """What a process put into its file; where it died meanwhile that ends early."""
    with os.fdopen(handed, "rb", closefd=False) as file:
        file.seek(0)
        while len(length := file.read(_LENGTH.size)) == _LENGTH.size:
            content = file.read(*_LENGTH.unpack(length))
            try:
                one = from_msgpack(content, _Handed)
            except UNREADABLE:
                return
            yield one.number, IndexedLayer(one.index, one.diff_id, one.digest, one.size)


def _telling(progress: Progress | None, board: _Board) -> Progress | None:
    """Tells beside its own progress that of the other processes."""
    if progress is None:
        return None
    told = 0

    def tell(what: str, count: int) -> None:
        nonlocal told
        others, told = board.advanced - told, board.advanced
        progress(what, count + others)

    return tell


def _wait(others: Sequence[tuple[int, int]], progress: Progress | None) -> None:
    """Until all of them have ended; nobody has asked for how they did."""
    how = os.WEXITED | os.WNOWAIT | (os.WNOHANG if progress else 0)
    for pid, _ in others:
        while os.waitid(os.P_PID, pid, how) is None and progress:
            progress("", 0)
            time.sleep(_AGAIN)
    if progress:
        progress("", 0)  # what they did since they were last asked


def _signal_of(pid: int) -> int:
    """The signal that ended a process, 0 where none did; nobody is asked for it again but by ``reap``."""
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return ended.si_status if ended is not None and ended.si_code != os.CLD_EXITED else 0
