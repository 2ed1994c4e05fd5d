"""Without room for the ledger no command is taken on, and none that was taken loses its outcome."""

import errno
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from hullguard.agent.commands import ledger, runner
from hullguard.agent.commands.interface import Parts, Progress, Result
from hullguard.agent.commands.runner import Runner
from hullguard.agent.identity import now
from hullguard.agent.spool import Spool
from hullguard.agent.state import StateDir, write_json
from hullguard.model.command import Command, CommandKind
from hullguard.wire import codec
from hullguard.wire.messages import CommandUpdate


def full(path: Path, value: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


class Doing:
    async def run(self, command: Command, parts: Parts, progress: Progress) -> Result:
        return {"images": 3}


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    StateDir(tmp_path).prepare()
    return Spool(StateDir(tmp_path).spool, "boot", min_free=0)


@pytest.fixture
def desk(tmp_path: Path, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(runner, "BY_KIND", dict.fromkeys(CommandKind, Doing()))
    return Runner("n1", spool, cast("Parts", Parts(StateDir(tmp_path), *[None] * 7)))  # type: ignore[arg-type]


def command() -> Command:
    deadline = now() + timedelta(seconds=60)
    return Command(
        id="c1",
        node="n1",
        kind=CommandKind.SCAN_NOW,
        parameters={},
        created=now(),
        created_by="user:alice",
        deadline=deadline,
    )


def states(spool: Spool) -> list[str]:
    bodies = [codec.decode_from_agent(record.payload) for record in spool.take(100, 1 << 20)]
    return [body.state for body in bodies if isinstance(body, CommandUpdate)]


async def test_a_command_that_cannot_be_noted_is_not_taken_and_is_when_there_is_room(
    desk: Runner, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "write_json", full)
    desk.order(command())
    assert (states(spool), desk._running) == ([], {})

    monkeypatch.setattr(ledger, "write_json", write_json)
    desk.order(command())
    await desk._running["c1"]
    assert sorted(states(spool)) == ["acknowledged", "done"]


async def test_an_outcome_that_cannot_be_noted_is_told_all_the_same(
    desk: Runner, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.order(command())
    monkeypatch.setattr(ledger, "write_json", full)
    await desk._running["c1"]
    assert sorted(states(spool)) == ["acknowledged", "done"]
