"""The note between the agent and its launcher about a switch to another version.

``pending`` (the agent wrote it) becomes ``trial`` when the launcher starts the new version, and then ``done`` or
``rolled-back``. The launcher alone decides between the two; the agent that runs afterwards reports it and removes
the note. So an update has one outcome, whoever dies in between.
"""

import shutil
from pathlib import Path

import msgspec

from hullguard.agent.state import StateDir, read_json, sync_directory, write_json
from hullguard.agent.update import launcher
from hullguard.model.errors import Invalid


class Switch(msgspec.Struct, frozen=True, rename={"target": "to"}):
    """``previous`` is the staged version to come back to; empty for the installed package."""

    command: str
    target: str
    previous: str
    before: str
    """The version that asked for the switch, for people."""
    deadline_seconds: int
    phase: str = "pending"
    why: str = ""
    trials: int = 0


def read(state: StateDir) -> Switch | None:
    """The present note."""
    try:
        return read_json(state.switch, Switch)
    except Invalid:
        return None


def command(state: StateDir) -> str | None:
    """The command whose outcome this switch decides."""
    note = read(state)
    return note.command if note else None


def pending(state: StateDir) -> bool:
    """The launcher has something to do."""
    note = read(state)
    return note is not None and note.phase == "pending"


def stage(state: StateDir, unpacked: Path, note: Switch) -> None:
    """Put an unpacked version in its place and leave the note; versions that nothing can come back to go."""
    place = state.versions / note.target
    for old in state.versions.iterdir():
        if old.is_dir() and not old.is_symlink() and old != unpacked and old.name != note.previous:
            shutil.rmtree(old, ignore_errors=True)
    unpacked.rename(place)
    sync_directory(state.versions)
    write_json(state.switch, note)


def clear(state: StateDir) -> None:
    """The outcome is in the spool."""
    state.switch.unlink(missing_ok=True)


def running(state: StateDir) -> str:
    """The staged version that ``current`` names; empty for the installed package."""
    return launcher.current(state.root)
