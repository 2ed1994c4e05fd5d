"""The thread that attaches: the last word counts, and whoever polls hears of what went wrong."""

import threading
from collections.abc import Callable, Iterator

import pytest

from hullguard.agent.sensor.attaching import Attaching
from hullguard.detect.detectors.interface import Wants
from hullguard.model.errors import Unavailable
from hullguard.model.event import EventKind

CONNECT, BIND = ([Wants(frozenset({kind}))] for kind in (EventKind.CONNECT, EventKind.BIND))


class SlowHooks:
    """Attaches two hooks an order, and waits for ``go`` before each."""

    def __init__(self) -> None:
        self.go = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)
        self.wanted: list[object] = []
        self.attached: list[object] = []
        self.error: Exception | None = None

    def want(self, wants) -> None:
        self.wanted = list(wants)

    def settle(self, stop: Callable[[], bool]) -> None:
        wanted = self.wanted
        for _ in range(2):
            self.begun.release()
            self.go.acquire()
            if self.error is not None:
                raise self.error
            if stop():
                return
            self.attached.append(wanted)


@pytest.fixture
def hooks() -> SlowHooks:
    return SlowHooks()


@pytest.fixture
def attaching(hooks: SlowHooks) -> Iterator[Attaching]:
    made = Attaching(hooks)
    yield made
    hooks.go.release(10)
    made.close()


def test_who_polls_is_woken_when_it_is_done():
    hooks, woken = SlowHooks(), threading.Event()
    attaching = Attaching(hooks, lambda: woken.set() if attaching.settled() else None)
    attaching.want(CONNECT)
    hooks.begun.acquire()
    assert not woken.is_set()
    hooks.go.release(2)

    assert woken.wait(60)
    attaching.close()


def test_who_asks_does_not_wait(attaching, hooks):
    assert attaching.settled()
    attaching.want(CONNECT)
    hooks.begun.acquire()
    assert not attaching.settled()
    assert hooks.attached == []
    hooks.go.release(2)
    attaching.wait()
    assert attaching.settled()
    assert hooks.attached == [CONNECT, CONNECT]


def test_what_was_wanted_before_is_dropped_at_the_next_step(attaching, hooks):
    attaching.want(CONNECT)
    hooks.begun.acquire()
    hooks.go.release()
    hooks.begun.acquire()
    attaching.want(BIND)
    hooks.go.release(3)
    attaching.wait()
    assert hooks.attached == [CONNECT, BIND, BIND]


def test_closing_waits_for_the_step_that_is_under_way_and_no_longer(attaching, hooks):
    attaching.want(CONNECT)
    hooks.begun.acquire()
    closing = threading.Thread(target=attaching.close)
    closing.start()
    assert closing.is_alive()
    hooks.go.release()
    closing.join(30)
    assert not closing.is_alive()
    assert len(hooks.attached) <= 1
    attaching.want(BIND)
    assert attaching.settled(), "nothing is begun any more"


def test_what_went_wrong_is_raised_until_something_else_is_wanted(attaching, hooks):
    hooks.error = Unavailable("no pins", "sensor.taken-down")
    attaching.want(CONNECT)
    hooks.go.release()
    with pytest.raises(Unavailable, match="no pins"):
        attaching.wait()
    assert attaching.settled()
    with pytest.raises(Unavailable, match="no pins"):
        attaching.check()
    hooks.error = None
    hooks.go.release(2)
    attaching.want(BIND)
    attaching.wait()
    attaching.check()
    assert hooks.attached == [BIND, BIND]
