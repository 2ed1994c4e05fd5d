"""Has an errand carried out by a process of its own, and hears how far it is."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable

import msgspec

from hullguard.advisories.errands.messages import Ended, Errand, Said
from hullguard.model.advisory_update import AdvisoryProgress
from hullguard.model.decoding import from_json
from hullguard.net.programs import running

_LINE = 4 << 20
_HEARTBEAT = 10.0
_MODULE = "hullguard.advisories.errands.child"

Tell = Callable[[AdvisoryProgress], Awaitable[None]]


async def carried_out(errand: Errand, seconds: float, tell: Tell | None = None) -> Ended:
    """The outcome; also of a process that died, or took longer than ``seconds`` and was ended.

    ``tell`` hears of the progress, and hears the same again when there has been none for a while.
    """
    started = running(*(sys.executable, "-P", "-m", _MODULE), stdin=asyncio.subprocess.PIPE, buffer=_LINE)
    try:
        async with started as process, asyncio.timeout(seconds):
            return await _heard(process, errand, tell)
    except TimeoutError:
        return Ended(fault=f"not done after {seconds / 60:.0f} minutes, and ended", code="advisories.too-long")


async def _heard(process: asyncio.subprocess.Process, errand: Errand, tell: Tell | None) -> Ended:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - asked for above
    with contextlib.suppress(ConnectionError):
        process.stdin.write(msgspec.json.encode(errand) + b"\n")
        await process.stdin.drain()
    last: AdvisoryProgress | None = None
    while True:
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _HEARTBEAT)
        except TimeoutError:
            if tell is not None and last is not None:
                await tell(last)
            continue
        if not line:
            return _died(await process.wait())
        said: Said = from_json(line, Said)  # type: ignore[arg-type]
        if isinstance(said, Ended):
            return said
        last = said.progress
        if tell is not None:
            await tell(last)


def _died(code: int) -> Ended:
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with {code}"
    return Ended(
        fault=f"the process that did it ended {how} before it was done; the log of the worker may say more",
        code="advisories.process-died",
    )
