"""Orders that come twice, late, cancelled, for somebody else, or break: each has one outcome at most."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import msgspec
import pytest
from tests.support import records

from hullguard.agent.commands import runner as runner_module
from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.agent.commands.runner import Runner
from hullguard.agent.identity import now
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir
from hullguard.agent.update import switch
from hullguard.model.command import Command, CommandKind, CommandState
from hullguard.model.errors import NotFound
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.policy import Action
from hullguard.wire import codec
from hullguard.wire.messages import CommandUpdate, OwnCommand


class Doing:
    """A handler that does what the test says."""

    kind = CommandKind.SCAN_NOW

    def __init__(self) -> None:
        self.calls = 0
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result | None:
        self.calls += 1
        progress(50, "half")
        await self.go.wait()
        if self.error:
            raise self.error
        return {"images": 3}


class Desk:
    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.state = StateDir(directory / "agent")
        self.state.prepare()
        self.spool = Spool(self.state.spool, "boot", min_free=0)
        self.doing = Doing()
        monkeypatch.setattr(runner_module, "BY_KIND", dict.fromkeys(CommandKind, self.doing))
        self.runner = self.restarted()

    def restarted(self) -> Runner:
        self.runner = Runner("n1", self.spool, cast("Parts", Parts(self.state, *[None] * 7)))  # type: ignore[arg-type]
        return self.runner

    def order(self, identity: str = "c1", *, node: str = "n1", seconds: float = 60, **more: object) -> None:
        deadline = now() + timedelta(seconds=seconds)
        self.runner.order(
            Command(  # type: ignore[arg-type]
                id=identity,
                node=node,
                kind=CommandKind.SCAN_NOW,
                created=now(),
                created_by="u",
                deadline=deadline,
                **more,
            )
        )

    def said(self) -> list[CommandUpdate]:
        """Everything so far that a server would have got."""
        records = [record.payload for record in self.spool.take(100, 1 << 30)]
        return [cast("CommandUpdate", codec.decode_from_agent(payload)) for payload in records]

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0.01)
            if not self.runner._running:
                return


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    made = Desk(tmp_path, monkeypatch)
    yield made
    made.spool.close()


def outcomes(updates: list[CommandUpdate]) -> list[str]:
    return [update.state for update in updates if update.state in {"done", "failed"}]


async def test_an_order_is_acknowledged_and_done(desk):
    desk.order()
    await desk.settle()
    said = desk.said()
    assert [update.state for update in said] == ["acknowledged", "done"]
    assert said[-1].result == {"images": 3}


async def test_an_order_that_comes_again_is_not_done_again(desk):
    desk.order()
    desk.order()
    await desk.settle()
    desk.order()
    desk.restarted().recover()
    desk.order()
    await desk.settle()
    assert desk.doing.calls == 1
    assert outcomes(desk.said()) == ["done"]


async def test_a_server_that_missed_the_outcome_is_told_again(desk):
    desk.order()
    await desk.settle()
    desk.said()
    desk.spool.acknowledge(100)
    desk.order()
    (again,) = desk.said()
    assert (again.state, again.result) == ("done", {"images": 3})


async def test_what_is_meant_for_another_node_is_not_done(desk):
    desk.order(node="n2")
    await desk.settle()
    assert desk.doing.calls == 0
    assert desk.said() == []


async def test_a_deadline_ends_it(desk):
    desk.doing.go.clear()
    desk.order(seconds=0.05)
    await asyncio.sleep(0.1)
    await desk.settle()
    (update,) = [update for update in desk.said() if update.state == "failed"]
    assert update.result["code"] == "command.deadline"


async def test_a_cancelled_one_stops_and_says_nothing_more(desk):
    desk.doing.go.clear()
    desk.order()
    await asyncio.sleep(0.02)
    desk.order(state=CommandState.CANCELLED)
    await desk.settle()
    assert outcomes(desk.said()) == []
    desk.restarted().recover()
    assert outcomes(desk.said()) == []


@pytest.mark.parametrize(
    ("error", "code"), [(NotFound("no image", "scan.no-image"), "scan.no-image"), (KeyError("x"), "agent.internal")]
)
async def test_a_failure_is_an_outcome_with_a_code_and_a_sentence(desk, error, code):
    desk.doing.error = error
    desk.order()
    await desk.settle()
    update = desk.said()[-1]
    assert (update.state, update.result["code"]) == ("failed", code)
    assert update.result["message"]


async def test_what_a_dead_process_left_behind_fails_and_an_update_waits_for_its_switch(desk):
    desk.doing.go.clear()
    desk.order("c1")
    desk.order("c2")
    await asyncio.sleep(0.02)
    await desk.runner.stop()
    assert outcomes(desk.said()) == []
    unpacked = desk.state.versions / ".staging"
    unpacked.mkdir()
    switch.stage(desk.state, unpacked, switch.Switch("c2", "0.2.0", "", "0.1.0", 60))
    desk.restarted().recover()
    (update,) = [update for update in desk.said() if update.state == "failed"]
    assert (update.id, update.result["code"]) == ("c1", "agent.restarted")
    desk.runner.finish_update("c2", None, {"version": "0.2.0"})
    desk.runner.finish_update("c2", "never", {})
    (update,) = desk.said()
    assert (update.id, update.state) == ("c2", "done")


class TestOwnCommands:
    @staticmethod
    def observed(number: int = 1) -> Observation:
        return msgspec.structs.replace(records.observation(number), action=Action.PAUSE, policy=PolicyRef("p1", 3))

    async def test_what_a_policy_wants_is_done_and_told_once_with_its_outcome(self, desk):
        desk.runner.answer(self.observed())
        desk.runner.answer(self.observed())
        desk.runner.answer(self.observed(2))
        await desk.settle()
        (told,) = desk.said()
        assert isinstance(told, OwnCommand)
        assert (told.command.state, told.command.result) == (CommandState.DONE, {"images": 3})
        assert desk.doing.calls == 1
        desk.restarted().answer(self.observed())
        await desk.settle()
        assert desk.said() == []

    async def test_one_that_a_dead_process_left_is_done_by_the_next(self, desk):
        desk.doing.go.clear()
        desk.runner.answer(self.observed())
        await asyncio.sleep(0.02)
        await desk.runner.stop()
        assert desk.said() == []
        desk.doing.go.set()
        desk.restarted().recover()
        await desk.settle()
        (told,) = desk.said()
        assert (told.command.state, desk.doing.calls) == (CommandState.DONE, 2)

    async def test_a_failure_is_told_too(self, desk):
        desk.doing.error = NotFound("it is gone", "respond.no-container")
        desk.runner.answer(self.observed())
        await desk.settle()
        (told,) = desk.said()
        assert (told.command.state, told.command.result["code"]) == (CommandState.FAILED, "respond.no-container")

    async def test_orders_about_one_container_wait_for_each_other(self, desk):
        desk.doing.go.clear()
        desk.runner.answer(self.observed())
        desk.order("c1", parameters={"container": records.container().id})
        desk.order("c2", parameters={"container": records.container(2).id})
        await asyncio.sleep(0.05)
        assert desk.doing.calls == 2
        desk.doing.go.set()
        await desk.settle()
        assert desk.doing.calls == 3
