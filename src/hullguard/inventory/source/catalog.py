"""Every kind of source, by its prefix on the command line."""

from collections.abc import Iterator
from typing import Final

from hullguard.inventory.source.opened import Place, Source
from hullguard.model.plugin import load

SOURCES: Final = {
    "oci-dir": "places.OciDirectorySource",
    "docker-dir": "places.DockerDirectorySource",
    "dir": "places.DirectorySource",
    "docker-archive": "places.DockerArchiveSource",
    "oci-archive": "places.OciArchiveSource",
    "docker": "engines.DockerSource",
    "podman": "engines.PodmanSource",
    "containerd": "containerd.ContainerdSource",
    "container": "engines.ContainerSource",
    "registry": "registry.source.RegistrySource",
    "sbom": "sbom.SbomSource",
}

ON_DISK: Final = ("oci-dir", "docker-dir", "docker-archive", "oci-archive", "dir", "sbom")
"""The kinds that an existing path can be, in the order in which they are tried."""


def source_of(kind: str) -> Source | None:
    """The source of this kind; None when there is none."""
    made: Source | None = load(__package__, SOURCES[kind]) if kind in SOURCES else None
    return made


def places() -> Iterator[Place]:
    """The sources that know their own by looking at it."""
    for kind in ON_DISK:
        yield load(__package__, SOURCES[kind])
