"""A large body, received piece by piece: bounded by its route in size, here in time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from litestar import Request

from hullguard.ctrl.errors import TooSlow
from hullguard.model.errors import Invalid

_PIECE: Final = 1024 * 1024


@asynccontextmanager
async def received(
    request: Request[Any, Any, Any], folder: Path | None, what: str, seconds: float
) -> AsyncIterator[Path]:
    """The body in a file that is gone afterwards.

    ``what`` it is, as a sentence names it: "bundle".
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{what}-", suffix=".upload") as file:
        await receive(request, file.write, what, seconds)
        await asyncio.to_thread(file.flush)
        yield Path(file.name)


async def receive(request: Request[Any, Any, Any], write: Callable[[bytes], object], what: str, seconds: float) -> None:
    """Hands the body to ``write``, in threads: a slow disk must not stop the loop. Raises where it is slow or empty."""
    held, size = bytearray(), 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                held += chunk
                size += len(chunk)
                if len(held) >= _PIECE:
                    await asyncio.to_thread(write, bytes(held))
                    held.clear()
    except TimeoutError as cause:
        raise TooSlow(f"The {what} did not arrive within {seconds:.0f} seconds.", "body-too-slow") from cause
    await asyncio.to_thread(write, bytes(held))
    if not size:
        raise Invalid(f"The body is empty: send the {what}.", "body-missing", field="$")
