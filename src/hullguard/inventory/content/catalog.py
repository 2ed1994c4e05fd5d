"""Every inspector of file content, by name."""

from collections.abc import Collection
from typing import Final

from hullguard.inventory.content.inspector import Inspector
from hullguard.model.plugin import load

INSPECTORS: Final = {
    "secret": "secrets.inspector.SecretInspector",
    "malware": "malware.inspector.MalwareInspector",
    "config": "modes.ModeInspector",
}


def inspectors_of(names: Collection[str]) -> list[Inspector]:
    """Those that are asked for, in the order of the catalog; a name that is no inspector's is somebody else's word."""
    return [load(__package__, place) for name, place in INSPECTORS.items() if name in names]
