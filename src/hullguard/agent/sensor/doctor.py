"""What this kernel allows, for ``hullguard agent doctor``: which hooks there are, which work, and what nobody sees."""

from pathlib import Path

from hullguard.agent.sensor import loader
from hullguard.agent.sensor.catalog import HOOKS, Hook
from hullguard.agent.sensor.hooks import Hooks
from hullguard.agent.sensor.interface import HookInfo
from hullguard.agent.sensor.pins import Pins
from hullguard.model.errors import Unavailable

BLIND_SPOTS = (
    HookInfo("opens through io_uring", "none", attached=False, why="they enter no system call that is watched"),
    HookInfo("calls of 32-bit programs", "none", attached=False, why="x86-64's tracepoints leave them out"),
)


def examine(state_dir: Path) -> tuple[HookInfo, ...]:
    """Every hook, as a running agent has it; without one, whether the kernel would take it.

    Changes nothing: programs are loaded for the verifier's judgement and dropped again.
    """
    running = [Pins(path) for path in _builds(state_dir / "bpf")]
    if running:
        return (*Hooks(running[0], lambda _pins, _programs: {}).infos(), *BLIND_SPOTS)
    refused: dict[str, str] = {}
    why = "the kernel would take it, but no agent runs"
    try:
        loader.check_possible()
        refused = loader.try_load()
    except (Unavailable, OSError) as cause:
        why = str(cause)
    return (*(_not_running(hook, refused, why) for hook in HOOKS), *BLIND_SPOTS)


def _not_running(hook: Hook, refused: dict[str, str], why: str) -> HookInfo:
    """The best way that the kernel would take, or why it takes none."""
    for way in hook.ways:
        if not any(each.program in refused for each in way.attachments):
            return HookInfo(hook.name, str(way.backend), attached=False, why=why, cost=str(way.cost))
    first = hook.ways[0]
    reasons = [refused[each.program] for each in first.attachments if each.program in refused]
    return HookInfo(hook.name, str(first.backend), attached=False, why=reasons[0], cost=str(first.cost))


def _builds(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_dir()]
    except OSError:
        return []
