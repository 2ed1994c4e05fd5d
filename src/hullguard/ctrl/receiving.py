"""A large body, received into a file: bounded by its route in size, here in time."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
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
    """The body in a file that is gone afterwards. Written in threads: a slow disk must not stop the loop.

    ``what`` it is, as a sentence names it: "bundle".
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{what}-", suffix=".upload") as file:
        held = bytearray()
        try:
            async with asyncio.timeout(seconds):
                async for chunk in request.stream():
                    held += chunk
                    if len(held) >= _PIECE:
                        await asyncio.to_thread(file.write, bytes(held))
                        held.clear()
        except TimeoutError as cause:
            raise TooSlow(f"The {what} did not arrive within {seconds:.0f} seconds.", "body-too-slow") from cause
        await asyncio.to_thread(file.write, bytes(held))
        await asyncio.to_thread(file.flush)
        if not file.tell():
            raise Invalid(f"The body is empty: send the {what}.", "body-missing", field="$")
        yield Path(file.name)
