"""The agent's own process: ``python -m hullguard.agent.child CONFIG``, started and kept by the launcher."""

import asyncio
import ctypes
import logging
import os
import signal
import sys
import time

import msgspec
import structlog
import uvloop

from hullguard.agent.config import AgentConfig
from hullguard.agent.run import run
from hullguard.agent.update import switch
from hullguard.agent.update.launcher import EXIT_HOPELESS, EXIT_SWITCH
from hullguard.model.errors import Conflict, Denied, HullguardError, Invalid, NotFound

EXIT_DIED = 1
_PR_SET_PDEATHSIG = 1
_LOCK_SECONDS = 20.0


def main(config: AgentConfig) -> int:
    """Run until told to stop; the code says what the launcher shall do."""
    try:
        uvloop.run(_run(config))
    except (NotFound, Denied, Invalid) as bad:
        sys.stderr.write(f"hullguard: {bad}\n")
        return EXIT_HOPELESS
    except HullguardError as bad:
        sys.stderr.write(f"hullguard: {bad}\n")
        return EXIT_DIED
    return EXIT_SWITCH if switch.pending(config.state_dir) else 0


async def _run(config: AgentConfig) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    limit = time.monotonic() + _LOCK_SECONDS
    while not stop.is_set():
        try:
            await run(config, stop)
        except Conflict:
            # The one before us was killed and its process is still being taken down.
            if time.monotonic() > limit:
                raise
            await asyncio.sleep(0.2)
        else:
            return


def _die_with(parent: int) -> None:
    """Without its launcher an agent could not be stopped or updated, and another launcher would start another agent."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(EXIT_DIED)


def _configure_logs() -> None:
    """JSON lines on standard error, which is the launcher's, which is whatever started that."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


if __name__ == "__main__":
    _die_with(os.getppid())
    _configure_logs()
    sys.exit(main(msgspec.json.decode(sys.argv[1], type=AgentConfig)))
