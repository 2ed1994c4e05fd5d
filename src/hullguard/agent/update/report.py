"""What the agent that runs after a switch says about it."""

import asyncio
import os
from collections.abc import Callable

import structlog

from hullguard import __version__
from hullguard.agent.state import StateDir, write_json
from hullguard.agent.update import switch

_SETTLE_SECONDS = 15.0
_LOOK_SECONDS = 0.1

Finish = Callable[[str, str | None, dict[str, str | int]], None]
"""The command's id, why it failed (None if it did not), figures."""

_log = structlog.get_logger()


def healthy(state: StateDir) -> None:
    """This version has a session: what the launcher waits for."""
    try:
        write_json(state.healthy, {"version": __version__, "pid": os.getpid()})
    except OSError as bad:
        _log.warning("health not written", why=str(bad))


async def settled(state: StateDir, finish: Finish) -> None:
    """Wait for the launcher's word on a trial, and report it."""
    for _ in range(int(_SETTLE_SECONDS / _LOOK_SECONDS)):
        note = switch.read(state)
        if note is None or note.phase not in {"pending", "trial"}:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    report(state, finish)


def report(state: StateDir, finish: Finish) -> None:
    """Give the command its outcome, if it is decided."""
    note = switch.read(state)
    if note is None or note.phase not in {"done", "rolled-back"}:
        return
    result: dict[str, str | int] = {"version": __version__, "before": note.before, "wanted": note.target}
    if note.phase == "rolled-back":
        finish(note.command, f"version {note.target} was rolled back: {note.why}", result)
    elif note.target != __version__:
        finish(note.command, f"version {note.target} was installed, but {__version__} runs", result)
    else:
        finish(note.command, None, result)
    switch.clear(state)
