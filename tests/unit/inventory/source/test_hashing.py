"""A layer hashed beside the walk: every byte is in the digest and in the account, read or skipped."""

import hashlib
import os
import threading
import time
from contextlib import ExitStack

import pytest

from hullguard.inventory.limits import Budget, Limits
from hullguard.inventory.source.hashing import Hashing, Processors, Spent
from hullguard.inventory.streams import Section
from hullguard.model.errors import LimitReached

CONTENT = os.urandom(3_000_000)


def section(content: bytes = CONTENT, size: int | None = None) -> Section:
    return Section(lambda count, at: content[at : at + count], 0, len(content) if size is None else size)


def test_the_whole_section_is_hashed() -> None:
    with Hashing(section()) as hashing:
        assert hashing.digest() == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"

    assert hashing.count == len(CONTENT)


def test_a_section_that_ends_early_is_hashed_as_far_as_it_goes() -> None:
    with Hashing(section(CONTENT[:1000], size=5000)) as hashing:
        assert hashing.digest() == f"sha256:{hashlib.sha256(CONTENT[:1000]).hexdigest()}"

    assert hashing.count == 1000


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()], ids=repr)
def test_what_the_thread_cannot_read_is_raised_where_the_digest_is_asked(error: Exception) -> None:
    def broken(_size: int, _offset: int) -> bytes:
        raise error

    with Hashing(Section(broken, 0, 10)) as hashing, pytest.raises(type(error)):
        hashing.digest()


def test_leaving_early_gives_it_up() -> None:
    endless = Section(lambda count, _: bytes(min(count, 100)), 0, 1 << 60)
    with Hashing(endless) as hashing:
        pass

    assert hashing.count < 1 << 60


def test_read_and_skipped_bytes_are_spent_and_told() -> None:
    told: list[int] = []
    spent = Spent(section(), Budget(Limits()), told.append)
    read = spent.read(1000)
    skipped = spent.skip(500)
    spent.rest()

    assert (read, skipped) == (CONTENT[:1000], 500)
    assert sum(told) == len(CONTENT)
    assert spent.read(10) == b""


def test_it_is_told_while_the_walk_goes_on() -> None:
    told: list[int] = []
    spent = Spent(section(), Budget(Limits()), told.append)
    spent.skip(2_000_000)
    spent.read(1000)

    assert told == [2_001_000]


@pytest.mark.parametrize("limit", [1000, 1_999_000])
def test_skipping_does_not_save_a_bomb(limit: int) -> None:
    spent = Spent(section(), Budget(Limits(total_bytes=limit)), lambda _: None)
    spent.skip(1_998_000)

    with pytest.raises(LimitReached):
        spent.read(2000)


def test_a_small_bomb_is_met_at_the_end() -> None:
    spent = Spent(section(CONTENT[:2000]), Budget(Limits(total_bytes=1000)), lambda _: None)
    spent.skip(2000)

    with pytest.raises(LimitReached):
        spent.rest()


def hashing_beside(processors: Processors) -> tuple[threading.Thread, threading.Event]:
    """A thread that hashes until its event is set."""
    end = threading.Event()

    def hash_it() -> None:
        with processors.hash(unless=lambda: False):
            end.wait(30)

    thread = threading.Thread(target=hash_it)
    thread.start()
    return thread, end


def began(processors: Processors) -> bool:
    """Whether one more would be let in now; whoever has to wait gives up."""
    asked: list[bool] = []
    with processors.hash(unless=lambda: asked.append(True) or len(asked) > 0):
        return not asked


@pytest.mark.parametrize(
    ("count", "walks", "others"), [(1, 1, 1), (2, 1, 1), (4, 1, 3), (4, 3, 1), (2, 2, 1), (2, 0, 2)]
)
def test_a_processor_is_kept_for_whoever_walks(count: int, walks: int, others: int) -> None:
    processors = Processors(count, walks=None)
    claims = ExitStack()
    for _ in range(walks):
        claims.enter_context(processors.walk())
    at_work = list[tuple[threading.Thread, threading.Event]]()
    for _ in range(others):
        assert began(processors)
        at_work.append(hashing_beside(processors))
        while processors.hashing < len(at_work):
            time.sleep(0.001)

    assert not began(processors)
    claims.close()
    assert began(processors) == (others < count)
    for thread, end in at_work:
        end.set()
        thread.join(30)


def test_only_one_of_those_who_wait_to_walk_is_given_a_processor() -> None:
    processors = Processors(4)
    with processors.walk(), processors.walk(), processors.walk():
        assert processors.for_hashing == 3


def test_a_layer_that_waits_for_a_processor_can_be_given_up() -> None:
    processors = Processors(1)
    thread, end = hashing_beside(processors)
    while not processors.hashing:
        time.sleep(0.001)
    with Hashing(section(), processors) as waiting:
        pass

    assert waiting.count == 0
    assert thread.is_alive()
    end.set()
    thread.join(30)


def test_one_that_waited_goes_on_when_the_other_is_done() -> None:
    processors = Processors(1)
    thread, end = hashing_beside(processors)
    while not processors.hashing:
        time.sleep(0.001)
    with Hashing(section(), processors) as waiting:
        end.set()
        assert waiting.digest() == f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    thread.join(30)
