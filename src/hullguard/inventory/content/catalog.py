"""Every inspector of file content, by name; some names have several."""

from collections.abc import Collection
from typing import Final

from hullguard.inventory.content.inspector import Inspector
from hullguard.model.plugin import make

INSPECTORS: Final = {
    "secret": ("secrets.inspector.SecretInspector",),
    "malware": ("malware.inspector.MalwareInspector",),
    "config": ("modes.ModeInspector", "accounts.AccountInspector"),
}


def inspectors_of(names: Collection[str]) -> list[Inspector]:
    """Those that are asked for, made for one scan, in the catalog's order; a name of none is somebody else's word."""
    return [make(__package__, place) for name, places in INSPECTORS.items() if name in names for place in places]
