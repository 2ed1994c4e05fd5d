"""What every kind of source gives: an image that is described and whose layers can be read, or a plain tree."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import Blobs, StreamBlobs
from hullguard.inventory.source.image import Described
from hullguard.inventory.source.reader import LayerReader
from hullguard.model.image import OperatingSystem
from hullguard.model.package import Package, Unknown


@dataclass(frozen=True, slots=True)
class RegistryAccess:
    """How registries are reached; what is not given is looked up in Docker's own configuration."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    insecure: bool = False
    """Ask over plain http."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's."""
    docker_config: Path | None = None
    """A ``config.json``; without it ``$DOCKER_CONFIG/config.json`` or ``~/.docker/config.json``."""
    ca: str | None = None
    """The same as ``ca_file``, as text in PEM form."""
    for_others: bool = False
    """A server asks for people who sign in elsewhere: it uses nothing that was noted on this machine for its own users,
    reaches no address that only answers this machine, and waits for nobody long, since others wait, too."""
    admitted: bool = False
    """The registry was asked in the same way a moment ago, and answered."""
    once: bool = False
    """Somebody waits for what it answers now: it is not waited for until it answers better."""


class Request(Struct, frozen=True):
    """What is asked of a source."""

    name: str
    """The target without its prefix: a path or an image name."""
    limits: Limits
    platform: str | None = None
    docker_host: str | None = None
    registry: RegistryAccess = RegistryAccess()
    all_mounts: bool = False
    """Of a directory also what other machines and containers have mounted there."""
    loadables: bool = False
    """Of an image also which OS packages have which programs and shared libraries."""


class Elsewhere(Struct, frozen=True):
    """An image that another place has under the same name."""

    image_id: str
    unknown: Unknown
    """What is to be said if it is not the image that was read."""


class StoredImage(Struct, frozen=True):
    """An image of layers; ``describe`` may need the whole archive to pass first."""

    blobs: Blobs
    describe: Callable[[Blobs, str | None, Limits], Described]
    tags: Sequence[str] | None = None
    """Names that the place itself knows better than the archive."""
    identity: str | None = None
    """The digest under which the place keeps the image, where that is known before it is read."""
    elsewhere: Sequence[Elsewhere] = ()
    doubts: Sequence[Unknown] = ()
    """What is open of where it lies."""

    def described(self, request: Request, reader: LayerReader) -> Described:
        if isinstance(self.blobs, StreamBlobs):
            self.blobs.prepare(reader)
        return self.describe(self.blobs, request.platform, request.limits)


class PlainTree(Struct, frozen=True):
    """A directory that is a root file system."""

    root: Path
    all_mounts: bool = False


class Listed(Struct, frozen=True):
    """Packages that somebody else found."""

    packages: Sequence[Package]
    os: OperatingSystem | None = None
    unknowns: Sequence[Unknown] = ()


class Source(Protocol):
    """One kind of place; ``kind`` is its prefix on the command line."""

    kind: str

    def open(self, request: Request) -> AbstractContextManager[StoredImage | PlainTree | Listed]:
        """Raises NotFound, Invalid or Unavailable when nothing of this kind is there."""
        ...


class Place(Source, Protocol):
    """A kind of file or directory, known by looking at it."""

    def recognises(self, path: Path, names: frozenset[str]) -> bool:
        """Whether an existing path is of this kind; ``names`` are those at the top of it if it is an archive."""
        ...
