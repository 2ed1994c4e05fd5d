"""The list of containers that podman and CRI-O share: ``containers.json`` of containers/storage."""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from hullguard.agent.runtime.docker import instant
from hullguard.agent.sensor.documents import UNREADABLE, decoded
from hullguard.model.event import ImageRef

GRAPH_ROOT = Path("/var/lib/containers/storage")
_LARGEST = 8 << 20
_LONGEST = 512


class Stored(Struct, frozen=True):
    """What the list says of a container."""

    name: str
    image: ImageRef
    created: datetime | None = None


class _Container(Struct):
    id: str = ""
    names: list[str] | None = None
    image: str = ""
    metadata: str = ""
    created: str = ""


class _Metadata(Struct, rename="kebab"):
    image_name: str = ""


def stored(bundle: Path, identifier: str) -> Stored | None:
    """The container's entry, by its bundle ``ROOT/DRIVER-containers/ID/userdata``; None where there is none.

    podman keeps the bundle beside the list, CRI-O in a directory that does not outlive the machine's run.
    """
    kind = bundle.parent.parent
    for place in (kind, GRAPH_ROOT / kind.name):
        try:
            found = next((each for each in _every(place) if each.id == identifier), None)
            if found is not None and found.image:
                return _entry(found)
        except UNREADABLE:
            continue
    return None


def listed(place: Path) -> dict[str, Stored]:
    """Every container of the list in this directory, by its id; raises one of ``UNREADABLE``."""
    return {each.id: _entry(each) for each in _every(place) if each.id and each.image}


def _every(place: Path) -> list[_Container]:
    with (place / "containers.json").open("rb") as file:
        return decoded(file, list[_Container], _LARGEST)


def _entry(found: _Container) -> Stored:
    metadata = msgspec.json.decode(found.metadata or "{}", type=_Metadata)
    name = found.names[0] if found.names else ""
    return Stored(
        name[:256], ImageRef(f"sha256:{found.image}"[:256], metadata.image_name[:_LONGEST]), instant(found.created)
    )
