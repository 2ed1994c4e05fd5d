"""Who is a self-test's container, only root can say; the agent marks what it does, and answers."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hullguard.agent.selftest import marks
from hullguard.agent.selftest.marks import Marks, alone, announce
from hullguard.agent.selftest.witness import running_agent
from hullguard.agent.state import StateDir
from hullguard.model.errors import Conflict
from hullguard.model.event import ContainerRef, Process
from hullguard.model.incident import Observation
from hullguard.model.policy import Action
from hullguard.model.severity import Severity

SCRATCH, OTHER = "a" * 64, "b" * 64


def observed(container: str) -> Observation:
    return Observation(
        id=f"of-{container[:4]}",
        at=datetime.now(UTC),
        rule="execution.hidden-program",
        severity=Severity.MEDIUM,
        technique="T1564.001",
        action=Action.ALERT,
        stopped=False,
        container=ContainerRef(container),
        image=None,
        lineage=(Process(pid=1),),
    )


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    found = StateDir(tmp_path / "agent")
    found.prepare()
    return found


def test_only_what_was_announced_is_marked(state: StateDir) -> None:
    agent = Marks(state)
    assert not agent.mark(observed(SCRATCH)).self_test

    announce(state, [SCRATCH])

    assert agent.mark(observed(SCRATCH)).self_test
    assert not agent.mark(observed(OTHER)).self_test


def test_it_is_forgotten_after_a_while(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(state, [SCRATCH])
    later = time.time() + marks.KEPT_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)

    assert not Marks(state).mark(observed(SCRATCH)).self_test


@pytest.mark.parametrize("content", [b"", b"{", b'{"until": "x", "containers": 5}', b"\xff"])
def test_a_damaged_announcement_marks_nothing(state: StateDir, content: bytes) -> None:
    state.selftest.write_bytes(content)

    assert not Marks(state).mark(observed(SCRATCH)).self_test


def test_whoever_tests_hears_what_the_agent_kept(state: StateDir) -> None:
    agent = Marks(state)
    with running_agent(state) as witness:
        witness.expect(SCRATCH)
        for container in (OTHER, SCRATCH):
            agent.note(agent.mark(observed(container)))
        (heard,) = witness.heard()

        assert (heard.container, heard.rule, heard.incident) == (SCRATCH, "execution.hidden-program", "of-aaaa")
        assert heard.seconds >= 0
    assert not state.selftest_heard.exists()


def test_half_a_line_is_read_once_the_rest_is_there(state: StateDir) -> None:
    agent = Marks(state)
    with running_agent(state) as witness:
        witness.expect(SCRATCH)
        agent.note(agent.mark(observed(SCRATCH)))
        whole = state.selftest_heard.read_bytes()
        state.selftest_heard.write_bytes(whole + whole[:-5])

        assert len(witness.heard()) == 1


def test_without_an_agent_the_witness_says_so(state: StateDir) -> None:
    with running_agent(state) as witness:
        assert "has stopped" in witness.broken()


def test_without_its_word_nobody_knows_what_the_platform_has(state: StateDir) -> None:
    with running_agent(state) as witness:
        assert witness.waiting() is None
        assert witness.lost() == 0


def test_one_self_test_at_a_time() -> None:
    engine = f"unix:///nowhere/{os.getpid()}"
    with alone(engine):
        with pytest.raises(Conflict), alone(engine):
            pass
        with alone(f"{engine}-other"):
            pass
    with alone(engine):
        pass
