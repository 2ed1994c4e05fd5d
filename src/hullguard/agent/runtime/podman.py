"""Images and containers of root's podman, read off the lists in its storage: no service has to run for that.

The form is that of containers/storage: below the graph root ``DRIVER-images/images.json`` and
``DRIVER-containers/containers.json``; below the run root each container that runs has ``userdata/pidfile``.
"""

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from msgspec import Struct

from hullguard.agent.runtime.programs import said
from hullguard.agent.runtime.stock import MOST_IMAGES, MOST_NAMES, Place, Stock
from hullguard.agent.sensor import specs
from hullguard.agent.sensor.documents import UNREADABLE, decoded
from hullguard.agent.sensor.storage_list import GRAPH_ROOT, Stored, listed
from hullguard.model.errors import Unavailable
from hullguard.model.node import Container

RUN_ROOT: Final = Path("/run/containers/storage")
_SOCKET: Final = Path("/run/podman/podman.sock")
_LARGEST: Final = 16 << 20
"""Bytes of a list; an image has about two thousand."""
_MOST_DRIVERS: Final = 4
_MOST_CONTAINERS: Final = 4096
_LONGEST: Final = 512
_ID = re.compile(r"[0-9a-f]{64}")


class _Image(Struct, rename="kebab"):
    id: str = ""
    names: list[str] | None = None
    big_data_names: list[str] | None = None


class _Roots(NamedTuple):
    graph: Path
    run: Path


class Podman:
    """Root's storage; that of other users is theirs."""

    name = "podman"

    def __init__(self) -> None:
        self._version = ""
        self._reading: asyncio.Future[Stock] | None = None
        self._described: dict[str, tuple[bool, bool]] = {}
        """Of containers, whether they are privileged and have the host's network."""

    def here(self) -> bool:
        """Not where only the storage is: that may be CRI-O's, whose images nothing here could read."""
        return shutil.which("podman") is not None or _SOCKET.exists()

    async def stock(self) -> Stock:
        """Read in a thread, which a disk that hangs may keep: then no other one begins."""
        if self._reading is not None and not self._reading.done():
            raise Unavailable("Podman's storage does not let itself be read.", "podman.storage-hangs")
        if not self._version and (program := shutil.which("podman")):
            words = (await said(program, "--version")).decode("utf-8", "replace").split()
            self._version = words[-1][:32] if words else ""
        self._reading = asyncio.ensure_future(asyncio.to_thread(self._read))
        # Whoever waits may be gone before it fails.
        self._reading.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(self._reading)

    def _read(self) -> Stock:
        roots = _roots()
        images: dict[str, tuple[str, ...]] = {}
        containers: list[Container] = []
        left_out = 0
        for place in sorted(roots.graph.glob("*-images"))[:_MOST_DRIVERS]:
            driver = place.name.removesuffix("-images")
            kept = dict(_containers(roots.graph / f"{driver}-containers"))
            used = {entry.image.id for entry in kept.values()}
            for image in _images(place / "images.json"):
                identity = f"sha256:{image.id}"
                names = tuple(name for name in image.names or () if 0 < len(name) <= _LONGEST)[:MOST_NAMES]
                if not _is_image(image):
                    continue
                if names or identity in used:  # the others are steps of builds
                    if len(images) < MOST_IMAGES:
                        images[identity] = names
                    else:
                        left_out += 1
            containers += self._running(roots, driver, kept)
        self._described = {each.id: (each.privileged, each.host_network) for each in containers}
        places = {image: Place(f"podman:{image.removeprefix('sha256:')}") for image in images}
        return Stock(f"podman {self._version}".rstrip(), images, places, tuple(containers), left_out)

    def _running(self, roots: _Roots, driver: str, kept: dict[str, Stored]) -> Iterator[Container]:
        directory = f"{driver}-containers"
        for identity, entry in kept.items():
            started = _started(roots.run / directory / identity / "userdata" / "pidfile", identity)
            if started is not None:
                powers = self._described.get(identity)
                if powers is None:
                    powers = _powers(identity, (roots.graph / directory, roots.run / directory))
                yield Container(
                    identity,
                    entry.name,
                    entry.image,
                    "running",
                    entry.created,
                    started,
                    *powers,
                    engine="podman",
                )


def _images(path: Path) -> list[_Image]:
    """Raises Unavailable for a list that cannot be read: it is not empty for that."""
    try:
        with path.open("rb") as file:
            return decoded(file, list[_Image], _LARGEST)
    except FileNotFoundError:
        return []
    except UNREADABLE as bad:
        raise Unavailable(f"Podman's list {path} cannot be read: {bad}", "podman.storage-unreadable") from bad


def _is_image(image: _Image) -> bool:
    """Not a list of manifests, which the same file has, too: it has no configuration that its id would be of."""
    return bool(_ID.fullmatch(image.id)) and f"sha256:{image.id}" in (image.big_data_names or ())


def _containers(place: Path) -> Iterator[tuple[str, Stored]]:
    try:
        found = listed(place)
    except FileNotFoundError:
        return
    except UNREADABLE as bad:
        raise Unavailable(f"Podman's list of containers in {place} cannot be read: {bad}") from bad
    for identity, entry in list(found.items())[:_MOST_CONTAINERS]:
        if _ID.fullmatch(identity) and _ID.fullmatch(entry.image.id.removeprefix("sha256:")):
            yield identity, entry


def _started(pidfile: Path, identity: str) -> datetime | None:
    """When the container's first process began, if it is there: its number may be another one's by now."""
    try:
        number = int(pidfile.read_bytes()[:16])
        with (specs.PROC / str(number) / "cgroup").open("rb") as file:
            inside = identity.encode() in file.read(_LONGEST * 8)
        return datetime.fromtimestamp(pidfile.stat().st_mtime, UTC) if inside else None
    except (OSError, ValueError, OverflowError):
        return None


def _powers(identity: str, roots: tuple[Path, ...]) -> tuple[bool, bool]:
    found = specs.describe(identity, (), map(str, roots))
    return (bool(found.details.privileged), bool(found.details.host_network)) if found else (False, False)


def _roots() -> _Roots:
    """As the settings say, else where podman has them for root."""
    # Here: many machines have no podman.
    from hullguard.inventory.source.podman_storage import SETTINGS_OF_ROOT, told_places

    told = told_places(SETTINGS_OF_ROOT)
    return _Roots(Path(told.get("graphroot", GRAPH_ROOT)), Path(told.get("runroot", RUN_ROOT)))
