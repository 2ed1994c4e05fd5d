"""What a worker and the process that asks a registry say to each other; here, so that the worker loads no reader."""

from msgspec import Struct, field

from hullguard.model.registry import RegistrySpec


class _Job(Struct, frozen=True, tag=True, kw_only=True):
    """Which registry, and where to put the outcome. It holds the password, and is told on standard input alone."""

    spec: RegistrySpec
    password: str | None = field(default=None)
    output: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec.address})"


class ListJob(_Job, frozen=True, kw_only=True):
    """List it; ``known`` is what each (repository, tag) named the last time, as (repository, tag, digest)."""

    known: tuple[tuple[str, str, str], ...]


class ReadJob(_Job, frozen=True, kw_only=True):
    """Read one image by the digest of its manifest."""

    repository: str
    digest: str
    platform: str
    layers: str


class Answer(Struct, frozen=True):
    """What it asked for lies in the output; or why not: an error's nature, code and sentence."""

    nature: str = ""
    code: str = ""
    message: str = ""
    retry_after: int | None = None
