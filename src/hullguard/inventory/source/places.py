"""The kinds of places that an image can lie in."""

import contextlib
import functools
import itertools
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from hullguard.inventory.source.blobs import DirectoryBlobs, FileBlobs, StreamBlobs
from hullguard.inventory.source.docker_archive import describe_docker, describe_oci_archive
from hullguard.inventory.source.oci import INDEX, describe_oci
from hullguard.inventory.source.opened import PlainTree, Request, StoredImage
from hullguard.inventory.source.sniff import is_compressed
from hullguard.inventory.source.transport import TransportBlobs, is_transport
from hullguard.inventory.stored_images import LAYOUT, MANIFEST, beginning, is_docker_manifest
from hullguard.model.errors import Invalid, NotFound

_COLONS = 8
"""In a path and a name; of more the path has some."""
_MANIFEST_HEAD = 1 << 20
"""Bytes of a manifest by which it is known."""
_OF_AN_ARCHIVE = re.compile(r"blobs|[0-9a-f]{64}")
"""Directories at the top of a Docker archive: for all blobs, or for each layer as old engines write it."""


class DockerArchiveSource:
    """A file that ``docker save`` wrote, perhaps compressed as a whole; or the directory that it was unpacked into."""

    kind = "docker-archive"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        path, image = _one_of(request.name)
        described = functools.partial(describe_docker, image=image)
        if (path / MANIFEST).is_file():
            yield StoredImage(DirectoryBlobs(path, request.limits, links=True), described)
            return
        with _archive(path, request) as blobs:
            yield StoredImage(blobs, described)

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        if not path.is_dir():
            return MANIFEST in names
        if not is_docker_manifest(beginning(path / MANIFEST, _MANIFEST_HEAD)):
            return False
        others = sorted(one.name for one in path.iterdir() if one.is_dir() and not _OF_AN_ARCHIVE.fullmatch(one.name))
        if others:
            sentence = (
                f"{path} is an unpacked Docker archive with {others[0][:100]!r} beside it: "
                f"say docker-archive:{path} or dir:{path}"
            )
            raise Invalid(sentence, "image.ambiguous")
        return True


class OciArchiveSource:
    """An OCI layout in a tar file, perhaps compressed as a whole."""

    kind = "oci-archive"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        path, image = _one_of(request.name)
        with _archive(path, request) as blobs:
            yield StoredImage(blobs, functools.partial(describe_oci_archive, image=image))

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        del path
        return INDEX in names


_SIGNS = 2
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
        signs = ((path / LAYOUT).is_file(), (path / INDEX).is_file(), (path / "blobs" / "sha256").is_dir())
        if sum(signs) < _SIGNS:
            return (
                False  # of three that each writer makes one may have been lost on the way; reading says what is absent
            )
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
        if not is_transport(path):
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
def _archive(path: Path, request: Request) -> Iterator[FileBlobs | StreamBlobs]:
    if path.is_dir():
        raise Invalid(f"{path} is a directory, not an archive; is it oci-dir:{path} or dir:{path}?")
    if is_compressed(path):
        yield StreamBlobs(lambda: path.open("rb"), path.name, request.limits)
        return
    blobs = FileBlobs(path, request.limits)
    try:
        yield blobs
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
