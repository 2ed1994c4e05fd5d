"""The agent's own process: ``python -m hullguard.agent.child CONFIG``, started and kept by the launcher.

It stays on every machine for months, so it sees to what it will take before it imports the agent.
"""

import ctypes
import os
import signal
import sys
from types import ModuleType

from hullguard.agent.update import launcher

_PR_SET_PDEATHSIG = 1
_M_ARENA_MAX = -8
_NEEDLESS = ("rich", "greenlet", "typing_extensions")
"""structlog and msgspec do without them where they are not installed. They are, for the command line: 6 MB."""


def main(config: str) -> int:
    """Run until told to stop; the code says what the launcher shall do."""
    _die_with(os.getppid())
    _leave_out(sys.modules)
    _allocate_together()
    _compile_rules()
    from hullguard.agent import life

    return life.live(config)


def _die_with(parent: int) -> None:
    """Without its launcher an agent could not be stopped or updated, and another launcher would start another agent."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(launcher.EXIT_DIED)


def _leave_out(modules: dict[str, ModuleType]) -> None:
    """Make them modules that cannot be found, for this process (docs.python.org, "The module cache")."""
    for name in _NEEDLESS:
        modules[name] = None  # type: ignore[assignment] # the language's word for it


def _allocate_together() -> None:
    """Each thread would get a heap of its own, with its own waste; only one of them runs at a time (mallopt(3))."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):  # glibc's alone
        libc.mallopt(_M_ARENA_MAX, 1)


def _compile_rules() -> None:
    """What reading them leaves behind becomes room for the modules that are imported after it: 2 MB."""
    from hullguard.detect import default_policies, plan

    plan(default_policies(), "")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
