"""A name without a prefix: the engines on this machine are asked, then the registry that the name points to.

Several of them may have an image of one name, and none of them knows of the others. The first that has one is read.
Where another has another image, or could not be asked, the report says so: it may be that one that was meant.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from hullguard.inventory.source import podman_storage
from hullguard.inventory.source.containerd import ContainerdSource
from hullguard.inventory.source.containerd_socket import containerd_socket
from hullguard.inventory.source.engine import DEFAULT_HOST
from hullguard.inventory.source.engines import DockerSource, PodmanSource, podman, podman_host
from hullguard.inventory.source.opened import Elsewhere, Listed, PlainTree, Request, Source, StoredImage
from hullguard.inventory.source.registry.source import RegistrySource
from hullguard.model.errors import HullguardError, Invalid, LimitReached, NotFound, Unavailable
from hullguard.model.package import Unknown


class _Place(NamedTuple):
    """Where an image of the name may be."""

    source: Source
    told: bool = False
    """Whether the user said where this engine is."""


class Named:
    """The first place that has an image of this name; ``kind`` is that place's, and empty until it is found.

    An engine that the user named and that cannot be asked is an error: what another has may be another image.
    """

    def __init__(self) -> None:
        self.kind = ""

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage | PlainTree | Listed]:
        with contextlib.ExitStack() as stack:
            yield self._first(request, stack)

    def _first(self, request: Request, stack: contextlib.ExitStack) -> StoredImage | PlainTree | Listed:
        failures: list[HullguardError] = []
        kept = None if _has_podman() else podman_storage.kept(request.name)
        for source, told in _places(request):
            if source.kind == RegistrySource.kind and kept is not None and kept.name.startswith(podman_storage.LOCAL):
                break  # what Podman calls so was built here, and is in no registry
            try:
                opened = stack.enter_context(source.open(request))
            except LimitReached:
                raise
            except NotFound as no:
                failures.append(no)
            except HullguardError as no:
                if told:
                    sentence = (
                        f"{no}; no other place was asked, for this one was named; registry:NAME reads from a registry"
                    )
                    raise type(no)(sentence, no.code) from no
                failures.append(no)
            else:
                self.kind = source.kind
                return _with_others(opened, source.kind, request, kept, failures)
        if kept is not None:
            failures.append(_without_service(kept))
        raise _nowhere(request.name, failures)


def _places(request: Request) -> list[_Place]:
    """An engine counts when it was named or when its socket is there; a registry always does."""
    places: list[_Place] = []
    if request.docker_host or Path(urlsplit(DEFAULT_HOST).path).exists():
        places.append(_Place(DockerSource(), bool(request.docker_host)))
    if _has_podman():
        places.append(_Place(PodmanSource(), _told("CONTAINER_HOST")))
    if _told("CONTAINERD_ADDRESS") or containerd_socket().exists():
        places.append(_Place(ContainerdSource(), _told("CONTAINERD_ADDRESS")))
    return [*places, _Place(RegistrySource())]


def _told(variable: str) -> bool:
    """Whether the user said where an engine is."""
    return bool(os.environ.get(variable))


def _has_podman() -> bool:
    """Whether its service was named, or its socket is there."""
    return _told("CONTAINER_HOST") or Path(podman_host().removeprefix("unix://")).exists()


def _with_others(
    opened: StoredImage | PlainTree | Listed,
    kind: str,
    request: Request,
    kept: podman_storage.Kept | None,
    failures: list[HullguardError],
) -> StoredImage | PlainTree | Listed:
    """The image, and what is to be said of the places that could not be asked, or that have another."""
    if not isinstance(opened, StoredImage):
        return opened
    name = request.name
    doubts = [_unasked(name, str(no)) for no in failures if not isinstance(no, NotFound)]
    elsewhere = list[Elsewhere]()
    if kind == DockerSource.kind and _has_podman():
        try:
            inspected = podman().inspect(name)
            elsewhere.append(_another(request, inspected.id, f"the Podman service at {podman_host()}"))
        except NotFound:
            pass
        except (Invalid, Unavailable) as no:
            doubts.append(_unasked(name, str(no), incomplete=_told("CONTAINER_HOST")))
    if kept is not None:
        elsewhere.append(_another(request, kept.image_id, f"Podman's storage at {kept.storage}"))
    return replace(opened, elsewhere=elsewhere, doubts=doubts)


def _unasked(name: str, why: str, *, incomplete: bool = False) -> Unknown:
    return Unknown(name, f"whether another engine has an image of this name is not known: {why}", incomplete)


def _another(request: Request, image_id: str, where: str) -> Elsewhere:
    """What another place has. Where a platform was asked for it may be the image for another one."""
    why = f"{where} has another image of this name, which was not read; podman: before the name asks Podman alone"
    identity = image_id if ":" in image_id else f"sha256:{image_id}"  # Podman leaves the algorithm out
    return Elsewhere(identity, Unknown(request.name, why, incomplete=request.platform is None))


def _without_service(kept: podman_storage.Kept) -> Unavailable:
    sentence = (
        f"Podman's storage at {kept.storage} has {kept.name!r}, but no service of Podman is there to give it: start "
        "podman.socket, or scan what `podman save` writes"
    )
    return Unavailable(sentence, "podman.no-service")


def _nowhere(name: str, failures: list[HullguardError]) -> HullguardError:
    """One error that says what was tried: absent everywhere, or perhaps only out of reach."""
    sentence = "; ".join([f"there is no file {name!r}", *(str(failure) for failure in failures)])
    if all(isinstance(failure, NotFound) for failure in failures):
        return NotFound(sentence, "image.nowhere")
    out_of_reach = next((failure for failure in failures if isinstance(failure, Unavailable)), None)
    worst = out_of_reach or failures[-1]
    return type(worst)(sentence, worst.code)
