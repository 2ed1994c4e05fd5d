"""Work on what may be hostile, in a process of its own: it takes nobody with it, and gives its memory back.

What to do goes to the process on its standard input, where nobody else on the machine sees it; it answers with one JSON
document on its standard output. What is large it leaves in a file that the job names. Neither side loads a reader here.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, TypeVar

import msgspec

from hullguard.model.errors import LimitReached, Unavailable
from hullguard.net.programs import running

_MAX_JOB = 16 << 20
_MAX_ANSWER = 64 * 1024
_PR_SET_PDEATHSIG = 1

Answer = TypeVar("Answer")


async def ask(module: str, job: object, answer: type[Answer], seconds: float, what: str) -> Answer:
    """Has ``python -m module`` do a job of which people speak as ``what``; ends the process however this ends.

    Raises LimitReached where it takes longer, Unavailable where it ends without an answer.
    """
    # Of a session of its own: what a terminal sends to whoever asks is that one's to tell.
    async with running(
        sys.executable, "-P", "-m", module, stdin=asyncio.subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 -- asked for above
        assert process.stdout is not None  # noqa: S101 -- asked for above
        try:
            async with asyncio.timeout(seconds):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    process.stdin.write(msgspec.json.encode(job))
                    await process.stdin.drain()
                    process.stdin.close()
                said = await _bounded(process.stdout)
                # What says more is none of ours, and is ended.
                code = await process.wait() if len(said) < _MAX_ANSWER else -signal.SIGKILL
        except TimeoutError as slow:
            raise LimitReached(f"Reading {what} took over {seconds:.0f} s.", "image.too-slow") from slow
    try:
        return msgspec.json.decode(said, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as bad:
        raise Unavailable(f"Reading {what} broke off (exit {code}).", "image.worker-died") from bad


async def _bounded(stream: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    left = _MAX_ANSWER
    while left and (data := await stream.read(left)):
        parts.append(data)
        left -= len(data)
    return b"".join(parts)


def answer(kind: Any, work: Callable[[Any], object]) -> None:
    """The life of such a process: it takes a job of this kind, gives way to what others want, and answers.

    Whoever asks may be killed, or give up, at any time: then it ends with one line, for it is no mistake of its own.
    """
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whoever asks tells by which signal it ended
    os.nice(10)
    try:
        content = sys.stdin.buffer.read(_MAX_JOB)
        try:
            job = msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as cut:
            _give_up(f"no whole job came, so whoever asks has ended: {cut}")
        said = msgspec.json.encode(work(job))
    except MemoryError:
        _give_up("there is too little memory for it")
    try:
        sys.stdout.buffer.write(said)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        _give_up("nobody waits for the answer any more")


def _give_up(why: str) -> NoReturn:
    """Ends at once: what is left in a pipe that nobody reads would be complained of."""
    with contextlib.suppress(OSError):
        os.write(2, f"a process that reads for others ended: {why}".encode() + b"\n")
    os._exit(1)


def leave(path: str, pieces: Iterable[bytes]) -> None:
    """Put what is too large for an answer where the job says, for its owner alone."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as output:  # noqa: PTH123 -- the mode matters
        output.writelines(pieces)


def die_with_parent() -> None:
    """Have this process killed when the one that started it ends."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
