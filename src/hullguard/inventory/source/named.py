"""A name without a prefix: the engines on this machine are asked, then the registry that the name points to."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hullguard.inventory.source.containerd import ContainerdSource, containerd_socket
from hullguard.inventory.source.engine import DEFAULT_HOST
from hullguard.inventory.source.engines import DockerSource, PodmanSource, podman_host
from hullguard.inventory.source.opened import Listed, PlainTree, Request, Source, StoredImage
from hullguard.inventory.source.registry.source import RegistrySource
from hullguard.model.errors import HullguardError, LimitReached, NotFound, Unavailable


class Named:
    """The first place that has an image of this name; ``kind`` is that place's, and empty until it is found."""

    def __init__(self) -> None:
        self.kind = ""

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage | PlainTree | Listed]:
        with contextlib.ExitStack() as stack:
            yield self._first(request, stack)

    def _first(self, request: Request, stack: contextlib.ExitStack) -> StoredImage | PlainTree | Listed:
        failures: list[HullguardError] = []
        for source in _places(request):
            try:
                opened = stack.enter_context(source.open(request))
            except LimitReached:
                raise
            except HullguardError as no:
                failures.append(no)
            else:
                self.kind = source.kind
                return opened
        raise _nowhere(request.name, failures)


def _places(request: Request) -> list[Source]:
    """An engine counts when it was named or when its socket is there; a registry always does."""
    places: list[Source] = []
    if request.docker_host or Path(urlsplit(DEFAULT_HOST).path).exists():
        places.append(DockerSource())
    if not podman_host().startswith("unix:") or Path(podman_host().removeprefix("unix://")).exists():
        places.append(PodmanSource())
    if containerd_socket().exists():
        places.append(ContainerdSource())
    return [*places, RegistrySource()]


def _nowhere(name: str, failures: list[HullguardError]) -> HullguardError:
    """One error that says what was tried: absent everywhere, or perhaps only out of reach."""
    sentence = "; ".join([f"there is no file {name!r}", *(str(failure) for failure in failures)])
    if all(isinstance(failure, NotFound) for failure in failures):
        return NotFound(sentence, "image.nowhere")
    out_of_reach = next((failure for failure in failures if isinstance(failure, Unavailable)), None)
    worst = out_of_reach or failures[-1]
    return type(worst)(sentence, worst.code)
