"""Workers as tests run them: with everything that a data directory has."""

from concurrent.futures import Executor
from pathlib import Path

from hullguard.access.registries.vault import Vault
from hullguard.cache import Cache
from hullguard.storage import Storage
from hullguard.worker.advisory_file import AdvisoryFile
from hullguard.worker.context import Context, RegistryFiles
from hullguard.worker.run import Files


def registry_files(directory: Path) -> RegistryFiles:
    """What a worker needs to ask registries."""
    return RegistryFiles(Vault.open(directory / "registries.key"), directory / "layers", directory)


def files(directory: Path, advisories: Path | None = None) -> Files:
    """The files of one data directory; another advisory database where one is given."""
    return Files(advisories or directory / "advisories.db", directory / "anchors", registry_files(directory))


def context(
    storage: Storage, cache: Cache, directory: Path, thread: Executor, advisories: Path | None = None
) -> Context:
    """What jobs are given."""
    of = files(directory, advisories)
    return Context(storage, cache, AdvisoryFile(of.advisories), thread, of.anchors, of.registries)
