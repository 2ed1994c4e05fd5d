"""Hullguard: container security in one system."""

__version__ = "0.1.0"
