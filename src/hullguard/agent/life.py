"""One life of the agent: its settings, its logs, its loop, and what its end means for the launcher."""

import asyncio
import gc
import logging
import signal
import sys
import time

import msgspec
import structlog

from hullguard.agent.config import AgentConfig
from hullguard.agent.run import run
from hullguard.agent.update import switch
from hullguard.agent.update.launcher import EXIT_DIED, EXIT_HOPELESS, EXIT_SWITCH
from hullguard.model.errors import Conflict, Denied, HullguardError, Invalid, NotFound

_LOCK_SECONDS = 20.0


def live(config: str) -> int:
    """Run until told to stop; the code says what the launcher shall do. ``config`` is JSON."""
    _configure_logs()
    # What is loaded now stays: whoever looks for garbage later need not look through it.
    gc.collect()
    gc.freeze()
    return _live(msgspec.json.decode(config, type=AgentConfig))


def _live(config: AgentConfig) -> int:
    try:
        # Not uvloop: an agent's loop has little to do, and it would be 2 MB.
        asyncio.run(_run(config))
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
