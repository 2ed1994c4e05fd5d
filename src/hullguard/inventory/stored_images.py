"""How an image that is stored in files is known by a few of their bytes, whoever looks for one."""

import os
import stat
from pathlib import Path

MANIFEST = "manifest.json"
LAYOUT = "oci-layout"
TRANSPORT = b"Directory Transport Version: "
"""What begins ``version`` beside an image that skopeo or Podman wrote into a directory."""


def not_read(count: int, first: str) -> str:
    """Why those are named that lie in what is scanned."""
    return (
        f"{count} archives or directories that hold images, {first} the first of them, were not "
        "read; each can be read as a target of its own"
    )


def is_docker_manifest(content: bytes) -> bool:
    """Whether a ``manifest.json`` is that of a Docker archive: a list of objects with ``Config`` and ``Layers``.

    It need not be well formed. Whoever reads it says what is wrong with it, which is better than to see no image.
    """
    words = content.lower()  # engines take keys in any case
    return words.lstrip().startswith(b"[") and b'"config"' in words and b'"layers"' in words


def beginning(path: Path, most: int) -> bytes:
    """The first bytes of a file by which a directory is known; none where it is no file of that directory's own.

    A link may lead to anything, and whoever opens it may wait for ever.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(most) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError:
        return b""
