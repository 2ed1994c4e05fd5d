"""Every inspector of file content."""

from hullguard.inventory.content.inspector import Inspector

INSPECTORS: tuple[Inspector, ...] = ()
