"""Fetches a bundle over the session, slice by slice, into a file that nobody believes until it is verified."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from hullguard.agent.uplink import Uplink
from hullguard.model.errors import Invalid, LimitReached, NotFound, Unavailable
from hullguard.wire import limits
from hullguard.wire.messages import BundlePart, BundleRequest, RequestRefused, ServerMessage

_SPARE_BYTES = 64 * 1024 * 1024


async def fetch(uplink: Uplink, sha256: str, target: Path, progress: Callable[[int, int], None]) -> None:
    """Write the bundle to ``target``; its content has this SHA-256 when this returns."""
    digest, offset, size = hashlib.sha256(), 0, 1
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:  # noqa: PTH123, ASYNC230 -- small writes
        while offset < size:
            part = await _slice(uplink, sha256, offset)
            if offset == 0:
                size = part.size
                if size > limits.BUNDLE_BYTES:
                    raise LimitReached(f"The bundle is over {limits.BUNDLE_BYTES} bytes.", "bundle.too-large")
                require_free(target.parent, size)
            if part.size != size or not part.data or offset + len(part.data) > size:
                raise Invalid("The server sent slices that do not fit together.", "bundle.malformed")
            file.write(part.data)
            digest.update(part.data)
            offset += len(part.data)
            progress(offset, size)
    if digest.hexdigest() != sha256:
        raise Invalid(f"The bundle is not the one with SHA-256 {sha256}.", "bundle.digest-wrong")


def require_free(directory: Path, size: int) -> None:
    """Raise unless the disk can take this much and still leave room to others."""
    free = shutil.disk_usage(directory).free
    if free < size + _SPARE_BYTES:
        raise Unavailable(
            f"The update needs {(size + _SPARE_BYTES) >> 20} MiB below {directory}, where {free >> 20} MiB are free.",
            "update.disk-full",
            needed=size + _SPARE_BYTES,
            free=free,
        )


async def _slice(uplink: Uplink, sha256: str, offset: int) -> BundlePart:
    def answers(message: ServerMessage) -> bool:
        match message:
            case BundlePart():
                return message.sha256 == sha256 and message.offset == offset
            case RequestRefused():
                return message.request == "bundle-request" and message.subject == sha256
            case _:
                return False

    answer = await uplink.ask(BundleRequest(sha256, offset), answers)
    if isinstance(answer, RequestRefused):
        raise NotFound(f"The server does not give this bundle: {answer.message}", answer.code)
    if not isinstance(answer, BundlePart):
        raise TypeError(type(answer))
    return answer
