"""What a policy asks of the agent becomes one command, however often the incident is seen."""

from datetime import UTC, datetime

import msgspec
import pytest
from tests.support import records
from tests.support.database import START

from hullguard.agent.commands.own import Answered, ended, own_command
from hullguard.model.command import RESPONSES, CommandKind, CommandState
from hullguard.model.incident import Observation, PolicyRef
from hullguard.model.policy import Action

replace = msgspec.structs.replace


def observed(action: Action, **changes: object) -> Observation:
    return replace(records.observation(), action=action, policy=PolicyRef("p1", 3), **changes)


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        (Action.PAUSE, CommandKind.PAUSE_CONTAINER),
        (Action.STOP, CommandKind.STOP_CONTAINER),
        (Action.ISOLATE, CommandKind.ISOLATE_CONTAINER),
    ],
)
def test_each_action_has_its_command(action: Action, kind: CommandKind):
    command = own_command("node-1", observed(action))
    assert command is not None
    assert (command.kind, command.parameters) == (kind, {"container": records.container().id})
    assert (command.created_by, command.incident) == ("policy:p1", records.observation().id)
    assert command.kind in RESPONSES
    again = own_command("node-1", observed(action))
    assert again is not None
    assert again.id == command.id


def test_a_process_is_ended_where_the_kernel_did_not():
    command = own_command("node-1", observed(Action.KILL))
    assert command is not None
    assert command.kind is CommandKind.KILL_PROCESS
    assert command.parameters["pid"] == records.observation().lineage[-1].pid
    assert datetime.fromisoformat(str(command.parameters["started"])) == START.astimezone(UTC)
    assert own_command("node-1", observed(Action.KILL, stopped=True)) is None
    nameless = replace(records.observation().lineage[-1], started=None)
    assert own_command("node-1", observed(Action.KILL, lineage=(nameless,))) is None


def test_an_alert_asks_for_nothing():
    assert own_command("node-1", observed(Action.ALERT)) is None
    assert own_command("node-1", replace(observed(Action.PAUSE), policy=None)) is None


def test_a_burst_is_answered_once(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr("hullguard.agent.commands.own.time.monotonic", lambda: clock[0])
    answered = Answered()
    pause, stop = (own_command("node-1", observed(action)) for action in (Action.PAUSE, Action.STOP))
    assert pause is not None
    assert stop is not None
    assert [answered.first(each) for each in (pause, pause, stop)] == [True, False, True]
    clock[0] += 31
    assert answered.first(pause)


def test_it_ends_with_an_outcome():
    command = own_command("node-1", observed(Action.PAUSE))
    assert command is not None
    done = ended(command, CommandState.DONE, {"container": "web"})
    assert (done.state, done.progress, done.result) == (CommandState.DONE, 100, {"container": "web"})
    assert done.finished is not None
