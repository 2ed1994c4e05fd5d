"""A program at the other end of pipes: it ends with whoever started it, and to wait for its end comes to an end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog

BUFFER = 1 << 16
END_SECONDS = 10.0
"""How long one that was killed is waited for: the kernel keeps one that waits for a disk which does not answer."""

_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(
    *command: str,
    stdin: int = asyncio.subprocess.DEVNULL,
    stderr: int | None = None,
    buffer: int = BUFFER,
    **more: Any,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A program whose output can be read; it is ended with the block, however that ends. Raises OSError.

    ``buffer`` is in bytes, and bounds a line that is read whole; ``more`` is as ``subprocess.Popen`` has it. asyncio
    takes a process for ended when its pipes are, too, and sees no end of one that nobody reads on, or that another
    process still holds: so they are closed here, by the transport, which ``create_subprocess_exec`` keeps to itself.
    """
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.subprocess_exec(
        lambda: asyncio.subprocess.SubprocessStreamProtocol(buffer, loop),
        *command,
        stdin=stdin,
        stdout=asyncio.subprocess.PIPE,
        stderr=stderr,
        **more,
    )
    process = asyncio.subprocess.Process(transport, protocol, loop)
    try:
        yield process
    finally:
        transport.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            _log.warning("a process that was killed has not ended", program=command[0], pid=process.pid)
