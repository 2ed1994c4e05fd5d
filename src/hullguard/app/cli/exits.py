"""Errors become one line on standard error and an exit code; never a traceback."""

import os
import sys
from typing import Final, NoReturn

from hullguard.model.errors import HullguardError, LimitReached, Unavailable

DONE: Final = 0
FINDING: Final = 1
"""Done, and a finding reaches ``--fail-on``."""
WRONG_REQUEST: Final = 2
OUTSIDE_FAILED: Final = 3
LIMIT_REACHED: Final = 4
INTERRUPTED: Final = 130


def exit_code(error: HullguardError) -> int:
    """The code of architecture section 5.1 for an error's nature."""
    if isinstance(error, LimitReached):
        return LIMIT_REACHED
    if isinstance(error, Unavailable):
        return OUTSIDE_FAILED
    return WRONG_REQUEST


def fail(message: str, code: int) -> NoReturn:
    """Say why and leave."""
    sys.stderr.write(f"hullguard: {message}\n")
    sys.exit(code)


def unexpected(error: BaseException) -> NoReturn:
    """A mistake of ours: one line, or the whole story when ``HULLGUARD_DEBUG`` is set."""
    if os.environ.get("HULLGUARD_DEBUG"):
        raise error
    fail(
        f"internal error: {type(error).__name__}: {error} (this is a bug; set HULLGUARD_DEBUG=1 to see where)",
        OUTSIDE_FAILED,
    )
