"""Hullguard: container security in one system."""

from typing import Final

__version__: Final = "0.1.0"
