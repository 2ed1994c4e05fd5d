"""What this kernel allows, for ``hullguard agent doctor``: which hooks there are, which work, and what nobody sees."""

import os
from pathlib import Path

from hullguard.agent.sensor import loader
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.sensor.pins import Pins
from hullguard.model.errors import Unavailable

_BLIND_SPOTS = (
    HookInfo("opens through io_uring", "none", attached=False, why="they enter no system call that is watched"),
    HookInfo("opens by 32-bit programs", "none", attached=False, why="x86-64's tracepoints leave their calls out"),
)


def examine(state_dir: Path) -> tuple[HookInfo, ...]:
    """Every hook, as a running agent has it; without one, whether the kernel would take it.

    Changes nothing: programs are loaded for the verifier's judgement and dropped again.
    """
    running = [Pins(path) for path in _builds(state_dir / "bpf")]
    if running:
        return (*running[0].hooks(), *_BLIND_SPOTS)
    without = ""
    refused = ""
    try:
        loader.check_possible()
        without = loader.try_load()
    except (Unavailable, OSError) as cause:
        refused = str(cause)
    return (*_not_running(refused, without), *_BLIND_SPOTS)


def _not_running(refused: str, without: str) -> tuple[HookInfo, ...]:
    hooks = Pins(Path(os.devnull)).hooks()
    return tuple(
        HookInfo(hook.name, hook.backend, attached=False, why=refused or _why(hook, without)) for hook in hooks
    )


def _why(hook: HookInfo, without: str) -> str:
    if without and hook.backend == "tp/syscalls":
        return without
    return "the kernel would take it, but no agent runs"


def _builds(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_dir()]
    except OSError:
        return []
