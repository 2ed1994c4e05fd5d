"""What the doctor finds on a host without an agent, and `agent status` of a state on disk."""

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hullguard.agent import doctor, status
from hullguard.agent.config import AgentConfig
from hullguard.agent.dirty_pipe import words
from hullguard.agent.doctor import examine
from hullguard.agent.identity import Membership
from hullguard.agent.respond import fanotify
from hullguard.agent.runtime.stock import Stock
from hullguard.agent.sensor.doctor import BLIND_SPOTS
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.state import StateDir, write_json
from hullguard.agent.status import Status
from hullguard.agent.uplink import Line
from hullguard.app.cli.agent import agent
from hullguard.model.errors import Conflict, HullguardError, Unavailable
from hullguard.model.node import Heartbeat, Reason, SensorHealth, SensorState
from hullguard.model.policy import AppliedPolicies
from hullguard.words import chinese


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    directory = StateDir(tmp_path / "agent")
    directory.prepare()
    return directory


def beat(sensor: SensorState = SensorState.ACTIVE, *reasons: Reason) -> Heartbeat:
    health = SensorHealth(sensor, reasons, {"exec": 0, "file": 3})
    return Heartbeat("0.1.0", health, True, AppliedPolicies(7, "f" * 64), 2, {"low": 4})


def say(state: StateDir, line: Line, heartbeat: Heartbeat | None = None) -> None:
    now = datetime.now(UTC)
    write_json(state.membership, Membership("n1", "wss://h:8441", "00", now, now))
    state.identity.write_text("key")
    status.write(state, Status(os.getpid(), "n1", line, heartbeat or beat(), True, "docker 24", 640, now))


async def test_a_host_without_an_agent(tmp_path):
    found = {
        each.what: each for each in await examine(AgentConfig(state=str(tmp_path), docker_host="unix:///no/where"))
    }
    assert found["dirty pipe"].detail == words(os.uname().release)
    assert found["enrolled"].ok is False
    assert "agent enrol" in found["enrolled"].detail
    assert found["docker"].ok is False
    assert "/no/where" in found["docker"].detail
    assert found["root"].ok is (os.geteuid() == 0)
    assert not (tmp_path / "bpf").exists()


class Another:
    """An engine beside Docker."""

    name = "podman"

    def __init__(self, *, here: bool = True, error: HullguardError | None = None, left_out: int = 0) -> None:
        self._here, self._error = here, error
        self._stock = Stock("podman 4.3.1", {"sha256:" + "a" * 64: ("app:1",)}, left_out=left_out)

    def here(self) -> bool:
        return self._here

    async def stock(self) -> Stock:
        if self._error is not None:
            raise self._error
        return self._stock


@pytest.mark.parametrize(
    ("engine", "ok", "detail"),
    [
        (Another(), True, "podman 4.3.1: 1 images, 0 containers, 0 images not listed"),
        (Another(left_out=3), False, "podman 4.3.1: 1 images, 0 containers, 3 images not listed"),
        (Another(here=False), None, "not on this machine"),
        (Another(error=Unavailable("ctr is not installed")), False, "ctr is not installed"),
    ],
)
async def test_every_engine_is_named(state, monkeypatch, engine, ok, detail):
    monkeypatch.setattr(doctor.engines, "every", lambda: (engine,))
    found = {each.what: each for each in await examine(AgentConfig(state=str(state.root), docker_host="unix:///no"))}
    assert (found["podman"].ok, found["podman"].detail) == (ok, detail)
    assert found["docker"].ok is False, "somebody said that it is there"
    only = await examine(AgentConfig(state=str(state.root), docker_host="unix:///no", docker_only=True))
    assert "podman" not in {each.what for each in only}


async def test_docker_is_no_need_where_another_engine_is(state, monkeypatch):
    monkeypatch.setattr(doctor, "DEFAULT_HOST", "unix:///no")
    for engine, ok in ((Another(), None), (Another(here=False), False)):
        monkeypatch.setattr(doctor.engines, "every", lambda engine=engine: (engine,))
        config = AgentConfig(state=str(state.root), docker_host="unix:///no")
        assert {each.what: each.ok for each in await examine(config)}["docker"] is ok


async def test_whether_anything_can_be_denied(state):
    async def deny() -> tuple[bool | None, str]:
        found = await examine(AgentConfig(state=str(state.root), docker_host="unix:///no", deny_deadline_ms=700))
        return next((each.ok, each.detail) for each in found if each.what == "deny")

    try:
        fanotify.Group().close()
    except OSError:
        ok, detail = await deny()
        assert (ok, "no permission events" in detail) == (False, True)
        return
    assert await deny() == (True, "fanotify; fails open after 700 ms")
    failed = Reason("deny.failed-open", "The responder failed.", {"why": "signal 9"})
    say(state, Line("connected", "wss://h:8441"), msgspec.structs.replace(beat(), reasons=(failed,)))
    assert await deny() == (False, "The responder failed.")


async def test_losses_are_findings(state):
    say(state, Line("connected", "wss://h:8441"))
    found = {each.what: each for each in await examine(AgentConfig(state=str(state.root), docker_host="unix:///no"))}
    assert found["lost exec"].ok is True
    assert found["lost file"].ok is False
    assert found["spool"].ok is False


class TestStatus:
    def call(self, state: StateDir, *more: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(agent, ["status", "--state", str(state.root), *more])
        if isinstance(result.exception, HullguardError):
            return 2, result.stdout, str(result.exception)
        return result.exit_code, result.stdout, result.stderr

    def test_a_connected_agent(self, state):
        say(state, Line("connected", "wss://h:8441"))
        lock = status.Lock(state)
        code, text, _ = self.call(state)
        assert code == 0
        assert "revision 7" in text
        assert "4 low" in text
        assert "running" in text
        code, text, _ = self.call(state, "--json")
        assert '"running": true' in text
        lock.release()

    def test_an_agent_that_does_not_run(self, state):
        say(state, Line("connected", "wss://h:8441"), beat(SensorState.OFF, Reason("sensor.no-btf", "no types")))
        code, text, complaint = self.call(state)
        assert code == 3
        assert "not running" in text
        assert "no types" in text
        assert "agent run" in complaint

    def test_an_agent_without_a_line(self, state):
        say(state, Line("waiting", "wss://h:8441", "connection refused"))
        lock = status.Lock(state)
        code, _, complaint = self.call(state)
        assert code == 3
        assert "connection refused" in complaint
        lock.release()

    def test_a_host_that_is_no_node(self, state):
        code, _, complaint = self.call(state)
        assert code == 2
        assert "agent enrol" in complaint


def test_one_agent_per_state(state):
    lock = status.Lock(state)
    assert status.running(state)
    with pytest.raises(Conflict, match="Another agent"):
        status.Lock(state)
    lock.release()
    assert not status.running(state)


def test_a_status_that_cannot_be_written_is_no_error(tmp_path):
    gone = StateDir(tmp_path / "gone")
    status.write(gone, Status(1, "n", Line("connected", ""), beat(), True, "", 0, datetime.now(UTC)))
    assert status.read(gone) is None


def test_what_is_the_same_for_many_hooks_is_said_once():
    hooks = [HookInfo(f"h{number}", "tp_btf", attached=False, why="nobody asks", cost="free") for number in range(5)]
    other = HookInfo("lsm", "none", attached=False, why="no BPF LSM")

    lines = [(each.what, each.detail) for each in doctor._hooks([*hooks, other], live=False)]

    assert lines == [
        ("5 hooks below", "nobody asks"),
        *((f"hook h{number}", "tp_btf (free)") for number in range(5)),
        ("hook lsm", "none no BPF LSM"),
    ]


def test_what_nobody_sees_is_said_in_chinese() -> None:
    """No kernel changes these lines, so they can be known beforehand."""
    for each in doctor._hooks(BLIND_SPOTS, live=False):
        for english in (each.what, each.detail):
            assert chinese().of(english) != english
