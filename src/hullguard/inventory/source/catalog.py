"""Every kind of source, in the order in which an existing path is tried."""

from hullguard.inventory.source.containerd import ContainerdSource
from hullguard.inventory.source.engines import ContainerSource, DockerSource, PodmanSource
from hullguard.inventory.source.opened import Source
from hullguard.inventory.source.places import (
    DirectorySource,
    DockerArchiveSource,
    OciArchiveSource,
    OciDirectorySource,
)
from hullguard.inventory.source.registry.source import RegistrySource
from hullguard.inventory.source.sbom import SbomSource

SOURCES: tuple[Source, ...] = (
    OciDirectorySource(),
    DirectorySource(),
    DockerArchiveSource(),
    OciArchiveSource(),
    DockerSource(),
    PodmanSource(),
    ContainerdSource(),
    ContainerSource(),
    RegistrySource(),
    SbomSource(),
)
