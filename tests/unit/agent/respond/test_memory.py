"""What was done is remembered over restarts, and damage to the memory is no reason to stop."""

from pathlib import Path

import pytest

from hullguard.agent.identity import now
from hullguard.agent.respond.memory import Deed, Memory
from hullguard.agent.state import StateDir
from hullguard.model.policy import Action

ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path)


def test_what_is_written_is_there_for_the_next_process(state: StateDir):
    deed = Deed(now(), (4, 7), ("eth0",), "f")
    memory = Memory(state)
    memory.write(ONE, Action.PAUSE)
    memory.write(ONE, Action.ISOLATE, deed)
    later = Memory(state)
    assert later.held(ONE) == (Action.PAUSE, Action.ISOLATE)
    assert later.get(ONE, Action.ISOLATE) == deed
    assert later.containers(Action.ISOLATE) == [ONE]


def test_what_is_undone_is_forgotten(state: StateDir):
    memory = Memory(state)
    memory.write(ONE, Action.PAUSE)
    memory.write(ONE, Action.STOP)
    memory.forget(ONE, Action.PAUSE)
    memory.forget(TWO, Action.PAUSE)
    assert Memory(state).held(ONE) == (Action.STOP,)
    memory.forget(ONE, Action.STOP)
    assert Memory(state).held(ONE) == ()


def test_containers_that_are_gone_are_forgotten(state: StateDir):
    memory = Memory(state)
    memory.write(ONE, Action.PAUSE)
    memory.write(TWO, Action.PAUSE)
    memory.keep_only([TWO])
    assert (Memory(state).held(ONE), Memory(state).held(TWO)) == ((), (Action.PAUSE,))


def test_it_does_not_grow_for_ever(state: StateDir, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hullguard.agent.respond.memory._MOST", 3)
    memory = Memory(state)
    for number in range(5):
        memory.write(f"{number:064x}", Action.STOP)
    assert len(memory.containers(Action.STOP)) == 3
    assert memory.held(f"{4:064x}") == (Action.STOP,)


@pytest.mark.parametrize("content", [b"", b"[]", b'{"x": {"fly": {}}}', b"\xff", b"[" * 10_000])
def test_a_damaged_memory_is_an_empty_one(state: StateDir, content: bytes):
    state.responses.write_bytes(content)
    memory = Memory(state)
    assert memory.held(ONE) == ()
    memory.write(ONE, Action.PAUSE)
    assert Memory(state).held(ONE) == (Action.PAUSE,)
