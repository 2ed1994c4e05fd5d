"""What is inside an image or a file system; the door is ``read``. It knows nothing of advisories."""

from hullguard.inventory.cache import LayerCache
from hullguard.inventory.limits import Limits
from hullguard.inventory.read import Progress, read, recognise

__all__ = ["LayerCache", "Limits", "Progress", "read", "recognise"]
