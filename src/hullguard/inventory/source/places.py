"""The kinds of places that an image can lie in."""

import contextlib
import functools
import itertools
import stat
from collections.abc import Iterator
from pathlib import Path

from hullguard.inventory.source.blobs import DirectoryBlobs, FileBlobs, StreamBlobs
from hullguard.inventory.source.docker_archive import MANIFEST, describe_docker, describe_oci_archive
from hullguard.inventory.source.oci import INDEX, describe_oci
from hullguard.inventory.source.opened import PlainTree, Request, StoredImage
from hullguard.inventory.source.sniff import is_compressed
from hullguard.inventory.source.transport import TransportBlobs, version_of
from hullguard.model.errors import Invalid, NotFound

_COLONS = 8
"""In a path and a name; of more the path has some."""


class DockerArchiveSource:
    """A file that ``docker save`` wrote, perhaps compressed as a whole."""

    kind = "docker-archive"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        with _archive(request) as (blobs, image):
            yield StoredImage(blobs, functools.partial(describe_docker, image=image))

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del path
        return MANIFEST in names


class OciArchiveSource:
    """An OCI layout in a tar file, perhaps compressed as a whole."""

    kind = "oci-archive"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        with _archive(request) as (blobs, image):
            yield StoredImage(blobs, functools.partial(describe_oci_archive, image=image))

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del path
        return INDEX in names


_LAYOUT = frozenset({"blobs", "ingest"})
"""Directories of a layout; the second is where containerd's store writes."""


class OciDirectorySource:
    """An OCI layout in a directory."""

    kind = "oci-dir"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        root, image = _one_of(request.name)
        if not root.is_dir():
            raise Invalid(f"{root} is no directory, so it is no OCI layout; is it oci-archive:{root}?")
        yield StoredImage(DirectoryBlobs(root, request.limits), functools.partial(describe_oci, image=image))

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del names
        if not ((path / "oci-layout").is_file() and (path / INDEX).is_file()):
            return False
        # A root file system with two files more would be scanned as whatever image they lead to.
        others = sorted(one.name for one in path.iterdir() if one.name not in _LAYOUT and one.is_dir())
        if others:
            sentence = f"{path} is an OCI layout with {others[0][:100]!r} beside it: say oci-dir:{path} or dir:{path}"
            raise Invalid(sentence, "image.ambiguous")
        return True


class DockerDirectorySource:
    """A directory that skopeo wrote as ``dir:``, or Podman as ``docker-dir``."""

    kind = "docker-dir"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        root, image = _one_of(request.name)
        if not root.is_dir():
            raise Invalid(f"{root} is no directory, so it is no image that skopeo wrote; is it docker-archive:{root}?")
        yield StoredImage(TransportBlobs(root, request.limits), functools.partial(describe_oci, image=image))

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del names
        if not (version_of(path) and (path / MANIFEST).is_file()):
            return False
        others = sorted(one.name for one in path.iterdir() if one.is_dir())
        if others:
            sentence = (
                f"{path} is an image that skopeo wrote with {others[0][:100]!r} beside it: "
                f"say docker-dir:{path} or dir:{path}"
            )
            raise Invalid(sentence, "image.ambiguous")
        return True


class DirectorySource:
    """An unpacked root file system."""

    kind = "dir"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[PlainTree]:
        root = _existing(request.name)
        if not root.is_dir():
            raise Invalid(f"{root} is no directory")
        yield PlainTree(root, request.all_mounts)

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del names
        return path.is_dir()


@contextlib.contextmanager
def _archive(request: Request) -> Iterator[tuple[FileBlobs | StreamBlobs, str | None]]:
    path, image = _one_of(request.name)
    if path.is_dir():
        raise Invalid(f"{path} is a directory, not an archive; is it oci-dir:{path} or dir:{path}?")
    if is_compressed(path):
        yield StreamBlobs(lambda: path.open("rb"), path.name, request.limits), image
        return
    blobs = FileBlobs(path, request.limits)
    try:
        yield blobs, image
    finally:
        blobs.close()


def _one_of(name: str) -> tuple[Path, str | None]:
    """A place that holds images, and the name of one of them where that stands behind it: ``FILE:NAME:TAG``."""
    for colon in itertools.islice((at for at, sign in enumerate(name) if sign == ":"), _COLONS):
        place = name[:colon]
        if not _exists(name) and _exists(place):
            return _existing(place), name[colon + 1 :]
    return _existing(name), None


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


def _existing(name: str) -> Path:
    path = Path(name)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as cause:
        raise NotFound(f"there is no file or directory {name!r}", "image.no-file") from cause
    except (OSError, ValueError) as cause:
        raise Invalid(f"{name!r} cannot be read: {cause}", "image.unreadable") from cause
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        # Of a pipe nobody writes into, opening alone would never end.
        raise Invalid(f"{name!r} is neither a file nor a directory", "image.unreadable")
    return path
