"""Short questions to an engine by its own command: what it says, within bounds of size and time."""

import asyncio

from hullguard.model.errors import LimitReached, Unavailable
from hullguard.net.programs import running

SECONDS = 10.0
REFUSED = "engine.refused"
"""Code of an error of a program that ended with one."""
_MOST = 4 << 20
_MOST_WORDS = 2000


async def said(program: str, *arguments: str, most: int = _MOST, seconds: float = SECONDS) -> bytes:
    """What the program writes; raises Unavailable with its words where it fails, hangs, drips or cannot be started.

    ``most`` is in bytes, beyond which LimitReached is raised.
    """
    try:
        async with (
            running(program, *arguments, stderr=asyncio.subprocess.PIPE) as process,
            asyncio.timeout(seconds),
        ):
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018 - asked for above
            answer, words = await asyncio.gather(_all(process.stdout, most), _beginning(process.stderr))
            code = await process.wait()
    except TimeoutError as slow:
        raise Unavailable(f"{program} did not answer within {seconds:.0f} s", "engine.slow") from slow
    except OSError as bad:
        raise Unavailable(f"{program} cannot be started: {bad.strerror}", "engine.no-program") from bad
    if code != 0:
        why = words.decode("utf-8", "replace").strip()[:500] or f"it ended with {code}"
        raise Unavailable(f"{program} refused: {why}", REFUSED)
    return answer


async def _all(stream: asyncio.StreamReader, most: int) -> bytes:
    content = bytearray()
    while piece := await stream.read(1 << 16):
        content += piece
        if len(content) > most:
            raise LimitReached(f"an engine answered with over {most} bytes", "engine.answer-too-large")
    return bytes(content)


async def _beginning(stream: asyncio.StreamReader) -> bytes:
    """The rest is read, too: who writes must not have to wait."""
    content = bytearray()
    while piece := await stream.read(1 << 16):
        content += piece[: _MOST_WORDS - len(content)]
    return bytes(content)
