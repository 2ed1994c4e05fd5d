"""The launcher's decisions; how it behaves as a process is in integration/test_agent_update.py."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hullguard.agent.state import StateDir
from hullguard.agent.update import launcher, report, switch
from hullguard.agent.update.switch import Switch


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    directory = StateDir(tmp_path / "agent")
    directory.prepare()
    return directory


def staged(state: StateDir, version: str = "0.2.0", previous: str = "") -> None:
    unpacked = state.versions / ".staging"
    unpacked.mkdir()
    switch.stage(state, unpacked, Switch("command-1", version, previous, "0.1.0", 60))


def finished(state: StateDir) -> list[tuple[str, str | None, dict[str, str | int]]]:
    said: list[tuple[str, str | None, dict[str, str | int]]] = []
    report.report(state, lambda *each: said.append(each))
    return said


def test_nothing_staged_nothing_tried(state):
    assert launcher.begin_trial(state.root) is None
    assert launcher.current(state.root) == ""


def test_a_staged_version_is_tried(state):
    staged(state)
    assert switch.pending(state)
    assert switch.command(state) == "command-1"
    trial = launcher.begin_trial(state.root)
    assert trial is not None
    assert (trial["to"], trial["phase"]) == ("0.2.0", "trial")
    assert launcher.current(state.root) == switch.running(state) == "0.2.0"
    assert not switch.pending(state)
    assert finished(state) == []


def test_a_trial_cut_short_is_tried_once_more_and_then_given_up(state):
    staged(state)
    assert launcher.begin_trial(state.root)
    assert launcher.begin_trial(state.root)
    assert launcher.begin_trial(state.root) is None
    assert launcher.current(state.root) == ""
    ((command, failure, result),) = finished(state)
    assert command == "command-1"
    assert "was tried 2 times" in str(failure)
    assert result["wanted"] == "0.2.0"


def test_a_roll_back_goes_to_the_version_before(state):
    (state.versions / "0.1.5").mkdir()
    launcher.point(state.root, "0.1.5")
    staged(state, previous="0.1.5")
    trial = launcher.begin_trial(state.root)
    assert trial is not None
    launcher.roll_back(state.root, trial, "it died")
    assert launcher.current(state.root) == "0.1.5"
    assert "it died" in str(finished(state)[0][1])
    assert not state.switch.exists()
    assert finished(state) == []


def test_only_what_can_be_needed_is_kept(state):
    for old in ("0.1.3", "0.1.4", "0.1.5"):
        (state.versions / old).mkdir()
    launcher.point(state.root, "0.1.5")
    staged(state, previous="0.1.5")
    assert {path.name for path in state.versions.iterdir()} == {"current", "0.1.5", "0.2.0"}


def test_done_but_another_version_runs_is_a_failure(state):
    staged(state)
    trial = launcher.begin_trial(state.root)
    launcher.write(state.switch, {**trial, "phase": "done"})
    ((_, failure, _),) = finished(state)
    assert "was installed, but" in str(failure)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'"x"', b"\xff"])
def test_notes_that_are_none(state, content):
    state.switch.write_bytes(content)
    assert launcher.read(state.switch) == {}
    assert launcher.begin_trial(state.root) is None
    assert switch.read(state) is None


def test_a_link_that_leads_out_of_the_directory_is_not_followed(state, tmp_path):
    (tmp_path / "evil").mkdir()
    (state.versions / "current").symlink_to("../../evil")
    assert launcher.current(state.root) == ""


def test_the_launcher_imports_only_the_standard_library():
    import ast

    tree = ast.parse(Path(launcher.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not [name for name in names if name.split(".")[0] not in __import__("sys").stdlib_module_names]


def test_the_launcher_loads_nothing_large():
    """It runs on every machine beside the agent: these would be three of its ten megabytes."""
    lists = "import json, sys; before = set(sys.modules); import hullguard.agent.update.launcher; "
    said = subprocess.run(
        [sys.executable, "-P", "-c", lists + "print(json.dumps([*{*sys.modules} - before - {'json'}]))"],
        capture_output=True,
        check=True,
    )

    assert "signal" in json.loads(said.stdout)
    assert not {"pathlib", "re", "subprocess", "threading", "typing"} & set(json.loads(said.stdout))


def childs_code(program: str) -> int:
    return launcher.Child([sys.executable, "-S", "-c", program], dict(os.environ)).wait()


def test_how_a_child_ended_is_told_as_subprocess_tells_it():
    assert childs_code("raise SystemExit(75)") == 75
    assert childs_code("import os; os.kill(os.getpid(), 9)") == -signal.SIGKILL


def test_a_child_has_nothing_to_read():
    assert childs_code("import sys; sys.exit(bool(sys.stdin.buffer.read()))") == 0


def test_a_child_that_ended_is_sent_nothing():
    child = launcher.Child([sys.executable, "-S", "-c", "input()"], dict(os.environ))
    ended = child.wait()
    child.send(signal.SIGKILL)  # its number may be another's

    assert (ended, child.poll()) == (1, 1)


def test_a_child_gets_the_descriptors_that_are_meant_for_it_and_no_others():
    """What the machine's agent holds ends with the launcher: were it the child's, too, an update could keep it."""
    meant, other = (os.open(os.devnull, os.O_RDONLY) for _ in range(2))
    looks = f"""
import os

def held(descriptor):
    try:
        return bool(os.fstat(descriptor))
    except OSError:
        return False

raise SystemExit(held({meant}) + 2 * held({other}))
"""
    starts = f"""
import os, sys
from hullguard.agent.update import launcher
launcher.keep_to_itself([{meant}])
sys.exit(launcher.Child([sys.executable, "-S", "-c", {looks!r}], dict(os.environ)).wait())
"""
    said = subprocess.run([sys.executable, "-P", "-c", starts], pass_fds=(meant, other), check=False)
    os.close(meant)
    os.close(other)

    assert said.returncode == 1
