"""Real files among the seeds, where ``HULLGUARD_SHARED_DATA`` says that there are some; none without it."""

import functools
import gzip
import io
import os
import tarfile
from pathlib import Path

_IMAGE = "alpine-3.11.docker-archive.tar.gz"
_LONGEST_LINE = 1 << 14


def advisories(pattern: str, count: int) -> list[bytes]:
    """The first lines of files of advisories."""
    root = _root()
    found = []
    for path in sorted((root / "advisories").glob(pattern)) if root else ():
        with gzip.open(path) as file:
            found += [line for _ in range(count) if len(line := file.readline()) < _LONGEST_LINE]
    return found


def sample(name: str) -> list[bytes]:
    """A whole file."""
    root = _root()
    return [path.read_bytes()] if root and (path := root / "samples" / name).is_file() else []


def installed(path: str) -> list[bytes]:
    """A file of a real image."""
    return [content for content in [_image().get(path)] if content]


@functools.cache
def _image() -> dict[str, bytes]:
    """The small files of the image's layers."""
    found: dict[str, bytes] = {}
    for content in sample(_IMAGE):
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            layers = [archive.extractfile(member) for member in archive if member.name.endswith("layer.tar")]
            for layer in filter(None, layers):
                with tarfile.open(fileobj=layer) as tar:
                    files = (member for member in tar if member.isfile() and member.size < 1 << 17)
                    found |= {member.name: file.read() for member in files if (file := tar.extractfile(member))}
    return found


def _root() -> Path | None:
    given = os.environ.get("HULLGUARD_SHARED_DATA")
    return Path(given) if given else None
