"""The agent's memory of commands."""

from pathlib import Path

import pytest

from hullguard.agent.commands.catalog import BY_KIND, COMMANDS
from hullguard.agent.commands.ledger import Ledger
from hullguard.agent.state import StateDir
from hullguard.model.command import CommandKind


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    directory = StateDir(tmp_path)
    directory.prepare()
    return directory


def test_every_kind_of_command_has_its_handler():
    assert set(BY_KIND) == set(CommandKind)
    assert len(COMMANDS) == len(CommandKind)


def test_what_was_taken_on_is_remembered(state):
    Ledger(state).write("c1", CommandKind.SCAN_NOW, "acknowledged")
    Ledger(state).write("c2", CommandKind.DETECT_NOW, "done", {"containers": 3})
    ledger = Ledger(state)
    assert [identity for identity, _ in ledger.unfinished()] == ["c1"]
    found = ledger.get("c2")
    assert found is not None
    assert (found.state, found.result, found.open) == ("done", {"containers": 3}, False)
    assert ledger.get("c3") is None


def test_it_is_bounded_and_forgets_only_what_is_finished(state):
    ledger = Ledger(state)
    ledger.write("open", CommandKind.SCAN_NOW, "acknowledged")
    for number in range(520):
        ledger._entries[f"c{number}"] = ledger._entries["open"].__class__(
            CommandKind.SCAN_NOW, "done", ledger._entries["open"].at
        )
    ledger.write("last", CommandKind.SCAN_NOW, "done")
    again = Ledger(state)
    assert len(again._entries) == 500
    assert again.get("open") is not None
    assert again.get("last") is not None
    assert again.get("c0") is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"c1": 5}', b'{"c1": {"kind": "format_disk"}}'])
def test_a_damaged_ledger_does_not_keep_the_agent_from_starting(state, content):
    state.commands.write_bytes(content)
    assert Ledger(state).unfinished() == []
