"""What was found and does not count, and who says so: an ignore file or VEX documents."""

from hullguard.imagescan.suppress.load import load
from hullguard.imagescan.suppress.rules import Rules

__all__ = ["Rules", "load"]
