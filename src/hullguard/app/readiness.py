"""How a child process tells its supervisor that it serves: one line on a pipe that it inherits."""

import os

READY_FD_VARIABLE = "HULLGUARD_READY_FD"


def announce_ready(message: str = "") -> None:
    """Called by a child when it serves, with one line such as the address it listens on."""
    descriptor = os.environ.pop(READY_FD_VARIABLE, None)
    if descriptor is None:
        return
    with open(int(descriptor), "w", encoding="utf-8") as pipe:  # noqa: PTH123 - a descriptor, not a path
        pipe.write(message + "\n")
