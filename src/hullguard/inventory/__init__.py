"""What is inside an image or a file system; the door is ``read``. It knows nothing of advisories.

What stands behind the door is loaded when it is asked for: a short command has others of these modules work before.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hullguard.inventory.cache import LayerCache
    from hullguard.inventory.limits import Limits
    from hullguard.inventory.reading import Progress, read, recognise

__all__ = ["LayerCache", "Limits", "Progress", "read", "recognise"]

_PLACES = {"LayerCache": "cache", "Limits": "limits", "Progress": "reading", "read": "reading", "recognise": "reading"}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(name)
    found = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = found
    return found
