"""Images of containerd, as its own command ``ctr`` exports them: an OCI layout as one archive, streamed."""

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO

from hullguard.inventory.compression import Readable
from hullguard.inventory.limits import Limits
from hullguard.inventory.source.blobs import Blobs, StreamBlobs
from hullguard.inventory.source.containerd_socket import containerd_socket
from hullguard.inventory.source.image import Described
from hullguard.inventory.source.oci import describe_oci
from hullguard.inventory.source.opened import Request, StoredImage
from hullguard.inventory.source.registry.reference import parse_reference
from hullguard.model.errors import Invalid, NotFound, Unavailable
from hullguard.model.package import Unknown

_SECONDS = 60.0
_MAX_LIST = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,1023}")
_NAMESPACES = ("default", "k8s.io", "moby")
"""Those of ctr, of Kubernetes and of Docker; ``CONTAINERD_NAMESPACE`` names another."""


class ContainerdSource:
    """An image of the containerd on this machine, in whichever namespace it lies."""

    kind = "containerd"

    @contextlib.contextmanager
    def open(self, request: Request) -> Iterator[StoredImage]:
        if not _NAME.fullmatch(request.name):
            raise Invalid(f"{request.name[:200]!r} is no name of an image in containerd", "containerd.bad-name")
        namespace, name, others = _found(request.name)
        platform = ["--platform", request.platform] if request.platform else []

        @contextlib.contextmanager
        def opened() -> Iterator[Readable]:
            with _running("-n", namespace, "images", "export", *platform, "-", name) as body:
                yield body

        def described(blobs: Blobs, platform: str | None, limits: Limits) -> Described:
            image = describe_oci(blobs, platform, limits)
            if others:
                why = (
                    f"namespace {namespace} of containerd was read; {', '.join(others)} has another image of this name;"
                    " CONTAINERD_NAMESPACE chooses"
                )
                image.unknowns = (*image.unknowns, Unknown(name, why, incomplete=True))
            return image

        blobs = StreamBlobs(opened, f"the archive of {name}", request.limits)
        yield StoredImage(blobs, described, (name,))


class _Output:
    """What a command writes; its failure is told apart from a damaged image, and so is its silence."""

    def __init__(self, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self._process = process
        self._errors = errors

    def read(self, n: int, /) -> bytes:
        output = self._process.stdout
        if output is None or not select.select([output], [], [], _SECONDS)[0]:
            raise Unavailable(f"containerd gave nothing for {_SECONDS:.0f} s", "containerd.silent")
        data = os.read(output.fileno(), min(n, 1 << 20))
        if not data and (code := self._process.wait(_SECONDS)) != 0:
            self._errors.seek(0)
            raise _refused(self._errors.read(2000), code)
        return data


def _found(asked: str) -> tuple[str, str, list[str]]:
    """The first namespace that has an image of this name, its whole name, and those that have another of that name."""
    names = [asked]
    with contextlib.suppress(Invalid):
        names.append(str(parse_reference(asked)))
    told = os.environ.get("CONTAINERD_NAMESPACE")
    namespaces = [told] if told else list(_NAMESPACES)
    found = dict[str, tuple[str, str]]()
    for namespace in namespaces:
        for name in names:
            if digest := _digest(namespace, name):
                found.setdefault(namespace, (name, digest))
    if found:
        first, (name, digest) = next(iter(found.items()))
        return first, name, [other for other, (_, its) in found.items() if its != digest]
    where = f"{containerd_socket()}, namespaces {', '.join(namespaces)}"
    raise NotFound(f"containerd ({where}) has no image {asked!r}", "containerd.no-image")


def _digest(namespace: str, name: str) -> str | None:
    """Of the image that a namespace has under this very name."""
    with _running("-n", namespace, "images", "list", f'name=="{name}"') as output:
        listed = b"".join(iter(lambda: output.read(_MAX_LIST), b""))[:_MAX_LIST]
    for line in listed.decode("utf-8", "replace").splitlines():
        words = line.split()
        if words[:1] == [name]:
            return next((word for word in words if word.startswith("sha256:")), "unknown")
    return None


@contextlib.contextmanager
def _running(*arguments: str) -> Iterator[Readable]:
    program = shutil.which("ctr")
    if program is None:
        raise Unavailable("the program ctr of containerd is not installed", "containerd.no-ctr")
    if not containerd_socket().exists():
        raise Unavailable(f"no containerd answers at {containerd_socket()}", "containerd.unreachable")
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [program, "-a", str(containerd_socket()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        try:
            yield _Output(process, errors)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _refused(words: bytes, code: int) -> Unavailable:
    said = words.decode("utf-8", "replace").strip().removeprefix("ctr: ")[:500]
    return Unavailable(f"containerd refused: {said or f'ctr ended with {code}'}", "containerd.refused")
