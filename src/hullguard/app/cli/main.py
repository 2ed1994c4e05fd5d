"""``hullguard``: how its process begins and ends, which is most of what a short command costs.

Modules stay once they are loaded, so nobody looks for garbage while they are, nor among them later. A command that ends
soon has it looked for rarely, and leaves without taking apart what it built. Nothing large may be loaded here.
"""

import gc
import os
import sys
from collections.abc import Callable
from typing import Final, NoReturn

RARELY: Final = 100_000
"""Objects between two searches for garbage: nearly all that a scan makes is in use, or freed at once."""
HANDED_OVER: Final = 0.0003
"""Seconds after which a thread gives way to another that waits: those that hash need Python for a moment, and often."""
_BLOCK: Final = 1 << 24
"""Bytes of memory, asked for and given back once: from then on C's library keeps as much for itself (mallopt(3),
M_MMAP_THRESHOLD), and does not have the kernel make pages anew for each piece of a file that is read."""
_BRIEF: Final = frozenset({"scan", "sbom", "diff"})
"""Commands that end soon."""


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave the process with its exit code; who gives the arguments keeps the process."""
    if arguments is not None:
        _run(arguments, own=False)
    gc.disable()
    _complete_streams()
    try:
        _run(sys.argv[1:], own=True)
    except KeyboardInterrupt:  # while modules are loaded
        from hullguard.app.cli import exits

        exits.interrupted()


def _complete_streams() -> None:
    """Has a process that was started without one of the standard streams get it: else the next file takes its number.

    Who gave no standard output is told so when something is to be written there: this one can only be read.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            opened = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            if opened == number:
                mode = "r" if name == "stdin" else "w"
                setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _run(arguments: list[str], *, own: bool) -> NoReturn:
    from hullguard.app.cli import quick

    name, work = quick.plain(arguments) or _typed(arguments)
    brief = own and name in _BRIEF
    if own:
        gc.freeze()
        gc.enable()
    if brief:
        bytes(_BLOCK)
        gc.set_threshold(RARELY)
        sys.setswitchinterval(HANDED_OVER)
    code = work()
    if brief:
        _leave(code)
    sys.exit(code)


def _typed(arguments: list[str]) -> tuple[str | None, Callable[[], int]]:
    from hullguard.app.cli import commands

    command = commands.made(arguments)
    return commands.named(arguments), lambda: commands.run(command, arguments)


def _leave(code: int) -> NoReturn:
    """Leaves at once: the kernel takes back what was built faster than Python would."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)  # Python tries once more, and says that it could not
    os._exit(code)
